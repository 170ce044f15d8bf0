"""What a caller hears when a model breaks off, hangs, or cannot be loaded for want of MLflow: no model needed."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from local_workspace.errors import ApiError
from local_workspace.upstreams.custom import answers
from local_workspace.upstreams.custom.loaded import ExtraMissingError, LoadedModel
from local_workspace.upstreams.custom.process import ModelGoneError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.responses import Response

CHUNK = {"chunk": '{"choices": []}'}
GONE = object()
HANGS = object()


class Process:
    """Says what it is given, then ends, hangs or is gone."""

    def __init__(self, *says: object) -> None:
        self._says = says
        self.is_canceled = False

    async def ask(self, _body: Mapping[str, Any], *, stream: bool) -> AsyncIterator[Mapping[str, Any]]:
        assert stream
        try:
            for frame in self._says:
                if frame is GONE:
                    raise ModelGoneError
                if frame is HANGS:
                    await asyncio.Event().wait()
                assert isinstance(frame, dict)
                yield frame
        except asyncio.CancelledError:
            self.is_canceled = True
            raise


async def asked(process: Process, *, seconds: float = 60) -> tuple[Response, list[bool]]:
    expired: list[bool] = []
    answer = await answers.answer(
        process,  # type: ignore[arg-type] # as much of one as is asked
        {"stream": True},
        headers={},
        deadline=asyncio.get_running_loop().time() + seconds,
        expired=lambda: expired.append(True),
    )
    return answer, expired


async def text(response: Any) -> str:  # noqa: ANN401 - a streaming one
    return "".join([chunk async for chunk in response.body_iterator])


async def test_a_stream_ends_with_done() -> None:
    answer, _ = await asked(Process(CHUNK, CHUNK))
    assert await text(answer) == 2 * 'data: {"choices": []}\n\n' + "data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("then", "said"),
    [(GONE, "INTERNAL_ERROR"), ({"status": 400, "body": '{"error_code": "BAD_REQUEST"}'}, "BAD_REQUEST")],
)
async def test_a_stream_that_breaks_off_ends_with_an_error_and_is_not_called_done(then: object, said: str) -> None:
    answer, _ = await asked(Process(CHUNK, then))
    events = (await text(answer)).strip().split("\n\n")
    assert len(events) == 2
    assert f'"error_code": "{said}"' in events[1]


async def test_a_model_that_ends_before_it_answers_is_a_500() -> None:
    with pytest.raises(ApiError) as refused:
        await asked(Process(GONE))
    assert (refused.value.status, refused.value.error_code) == (500, "INTERNAL_ERROR")


async def test_a_model_that_does_not_answer_in_time_is_ended_and_a_504() -> None:
    process, expired = Process(HANGS), list[bool]()
    with pytest.raises(ApiError) as refused:
        await answers.answer(
            process,  # type: ignore[arg-type] # as above
            {"stream": True},
            headers={},
            deadline=asyncio.get_running_loop().time() + 0.01,
            expired=lambda: expired.append(True),
        )
    assert (refused.value.status, refused.value.error_code) == (504, "DEADLINE_EXCEEDED")
    assert expired == [True]
    assert process.is_canceled


async def test_a_stream_that_stops_in_the_middle_is_ended_with_an_error() -> None:
    answer, expired = await asked(Process(CHUNK, HANGS), seconds=0.05)
    assert '"error_code": "DEADLINE_EXCEEDED"' in await text(answer)
    assert expired == [True]


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.pyfunc.scoring_server", None)
    with pytest.raises(ExtraMissingError, match=r"pip install 'gatewright\[mlflow\]'"):
        LoadedModel.load("models:/main.default.parrot/1")
