"""What an endpoint's AI gateway does to a call: limits, guardrails on either side, and rows in the tables."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from local_workspace.errors import ApiError
from local_workspace.gateway import measure, rows, texts
from local_workspace.gateway.guardrails import Guardrail
from local_workspace.gateway.watched import Seen, Watched
from local_workspace.resources.rate_limits import NOTHING_TO_COUNT
from local_workspace.resources.tables import USAGE, payload_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from local_workspace.resources.rate_limits import Admission
    from local_workspace.resources.serving_endpoint import ServingEndpoint
    from local_workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Passage:
    """One call on its way through the gateway of its endpoint.

    Attributes:
        body: What the model is asked: personal data may be hidden of it.
    """

    body: Mapping[str, Any]
    _workspace: Workspace
    _endpoint: ServingEndpoint
    _asked: rows.Asked
    _admission: Admission
    _output: Guardrail

    def admitted(self, admission: Admission, *, body: Mapping[str, Any]) -> Passage:
        """Return it let in, with the body as the gateway sends it on, which is what the tables tell too."""
        return replace(self, body=body, _admission=admission, _asked=replace(self._asked, body=body))

    def answered(self, answer: Response) -> Response:
        """Return the answer as the gateway lets it pass."""
        if not (self._output.acts or self._admission.counts_tokens or self._is_written_down()):
            return answer
        guardrail = self._output if self._output.acts else None
        return Watched(answer, guardrail=guardrail, seen=self._passed)

    @contextmanager
    def noting_refusals(self) -> Iterator[None]:
        """Write down a call that is refused before a model answers."""
        try:
            yield
        except ApiError as error:
            if self._is_written_down():
                body = json.dumps(error.body(), ensure_ascii=False).encode()
                self._write_down(Seen(status=error.status, body=body, answered=b"", is_stream=False, served_by=""))
            raise

    def _is_written_down(self) -> bool:
        gateway = self._endpoint.ai_gateway
        return any(
            (gateway.get(block) or {}).get("enabled") for block in ("usage_tracking_config", "inference_table_config")
        )

    def _passed(self, seen: Seen) -> None:
        self._admission.spend(self._tokens(seen).total)
        self._write_down(seen)

    def _write_down(self, seen: Seen) -> None:
        gateway = self._endpoint.ai_gateway
        tables = self._workspace.tables
        if (gateway.get("usage_tracking_config") or {}).get("enabled"):
            tables.append(USAGE, rows.usage(self._asked, seen, self._tokens(seen)))
        inference = gateway.get("inference_table_config") or {}
        if inference.get("enabled"):
            row = rows.payload(self._asked, seen, ended=self._workspace.clock.now())
            tables.append(payload_table(inference), row)

    def _tokens(self, seen: Seen) -> measure.Tokens:
        if not seen.answered:
            return measure.NONE
        return measure.tokens(self._asked.written, seen.answered, is_stream=seen.is_stream)


def enter(request: Request, endpoint: ServingEndpoint, body: Mapping[str, Any]) -> Passage:
    """Let a call into the gateway of its endpoint.

    Args:
        request: The HTTP request.
        endpoint: What is called.
        body: What was sent, checked.

    Raises:
        ApiError: 403 or 429 for a rate limit, 400 for a guardrail.
    """
    workspace: Workspace = request.state.workspace
    gateway = endpoint.ai_gateway
    guardrails = gateway.get("guardrails") or {}
    guards = {side: Guardrail(guardrails.get(side) or {}, side=side) for side in ("input", "output")}
    passage = Passage(
        body=body,
        _workspace=workspace,
        _endpoint=endpoint,
        _asked=rows.Asked(
            request_id=request.state.request_id,
            workspace=workspace.id,
            endpoint=endpoint.id,
            requester=request.state.identity.name,
            began=workspace.clock.now(),
            body=body,
        ),
        _admission=NOTHING_TO_COUNT,
        _output=guards["output"],
    )
    with passage.noting_refusals():
        admission = workspace.rate_limits.admit(
            (*endpoint.rate_limits, *(gateway.get("rate_limits") or ())),
            endpoint=endpoint.id,
            name=endpoint.name,
            identity=request.state.identity,
        )
        asked = _guarded(body, guards["input"])
    return passage.admitted(admission, body=asked)


def _guarded(body: Mapping[str, Any], guardrail: Guardrail) -> Mapping[str, Any]:
    if not guardrail.acts:
        return body
    hidden = texts.of_request(body, guardrail.read)
    if guardrail.verdict().blocks:
        raise guardrail.refusal()
    return hidden
