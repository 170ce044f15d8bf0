"""An MLflow model as it answers bodies of `/invocations`, by the rules of MLflow's own scoring server."""

from __future__ import annotations

import importlib
import json
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHAT = "llm/v1/chat"
_UNEXPECTED = "Encountered an unexpected error while evaluating the model."


class ExtraMissingError(Exception):
    """MLflow's part that loads models is not installed."""

    def __init__(self, missing: ImportError) -> None:
        super().__init__(
            f"custom models are loaded by mlflow, and {missing.name or missing} is not installed. "
            "Install the extra: pip install 'gatewright[mlflow]'"
        )


@dataclass(frozen=True)
class LoadedModel:
    """A model, loaded.

    Attributes:
        task: what it says that it does: `agent/v1/responses`, `llm/v1/chat`, …; None for a classic model.
    """

    task: str | None
    _model: Any
    _scoring: Any

    @classmethod
    def load(cls, uri: str) -> Self:
        """Load a model from the registry that MLflow's variables name.

        Args:
            uri: `models:/NAME/VERSION`.

        Raises:
            ExtraMissingError: mlflow, or what it needs to load a model, is not installed.
        """
        try:
            scoring = importlib.import_module("mlflow.pyfunc.scoring_server")
        except ImportError as missing:
            raise ExtraMissingError(missing) from missing
        model = scoring.load_model(uri)
        return cls(_task(model), model, scoring)

    def answer(self, body: str) -> dict[str, Any]:
        """Return the status and the body that answer a call.

        Args:
            body: JSON: `messages` or `input` of a chat model, or one of `dataframe_split`, `dataframe_records`,
                `inputs` and `instances`.
        """
        try:
            schema = self._model.metadata.get_input_schema()
            answer = self._scoring.invocations(body.encode(), "application/json", self._model, schema)
        except BaseException as error:  # noqa: BLE001 - the model's boundary: its error is the caller's answer
            return _refusal(error)
        return {"status": answer.status, "body": answer.response}

    def stream(self, body: str) -> Iterator[dict[str, Any]]:
        """Yield the chunks that answer a call, then the end; or an answer that says what went wrong."""
        try:
            asked = json.loads(body)
            if not callable(getattr(self._model, "_predict_stream_fn", None)):
                yield _answered(400, "BAD_REQUEST", "This model does not support streaming; call it without `stream`.")
                return
            for chunk in self._model.predict_stream(asked):
                yield {"chunk": json.dumps(chunk, cls=self._scoring.NumpyEncoder)}
        except BaseException as error:  # noqa: BLE001 - as in `answer`
            yield _refusal(error)
        else:
            yield {"end": True}


def _task(model: Any) -> str | None:  # noqa: ANN401 - MLflow's PyFuncModel; its module is loaded late
    declared = (model.metadata.metadata or {}).get("task")
    if declared:
        return str(declared)
    schema = model.metadata.get_input_schema()
    has_messages = schema is not None and schema.has_input_names() and "messages" in schema.input_names()
    return _CHAT if has_messages else None


def _refusal(error: BaseException) -> dict[str, Any]:
    """Answer as the scoring server does: with MLflow's own code, or as a bad request with the model's trace."""
    told = getattr(error, "serialize_as_json", None)
    if told is None:
        trace = "".join(traceback.format_exception(error))
        return _answered(400, "BAD_REQUEST", f"{_UNEXPECTED} {type(error).__name__}: {error}", stack_trace=trace)
    said = json.loads(told())
    kept = {key: said[key] for key in ("error_code", "message", "stack_trace") if key in said}
    return {"status": error.get_http_status_code(), "body": json.dumps(kept)}  # type: ignore[attr-defined] # it is MLflow's


def _answered(status: int, code: str, message: str, **more: str) -> dict[str, Any]:
    return {"status": status, "body": json.dumps({"error_code": code, "message": message, **more})}
