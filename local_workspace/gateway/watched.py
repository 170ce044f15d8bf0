"""An answer that passes the gateway: measured as it goes by, or held back until its guardrail has read it all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local_workspace.gateway import measure, streams, texts
from local_workspace.gateway.bodies import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message, Receive, Scope, Send

    from local_workspace.errors import ApiError
    from local_workspace.gateway.guardrails import Guardrail

KEPT_BYTES = 1 << 20
"""Bytes of an answer that are written down; larger ones are not, as in Databricks' own tables."""

_STREAM = "text/event-stream"
_ERRORS = 400
"""From this status on, an answer holds nothing of a model's."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the gateway saw of an answer.

    Attributes:
        status: Its HTTP status.
        body: Its body, as far as it went.
        answered: What a model answered, before a guardrail read it; empty if none did.
        is_stream: Whether it is an event stream.
        served_by: The served entity's name; empty if none answered.
    """

    status: int
    body: bytes
    answered: bytes
    is_stream: bool
    served_by: str


class Watched(Response):
    """An answer, and what is done once it has passed.

    Args:
        answer: What the model answered.
        guardrail: Reads the answer before its caller does; None lets it pass as it comes.
        seen: Told what passed, also when the caller went away.
    """

    def __init__(self, answer: Response, *, guardrail: Guardrail | None, seen: Callable[[Seen], None]) -> None:
        self._answer = answer
        self._guardrail = guardrail
        self._seen = seen
        self.status_code = answer.status_code
        self.background = None
        self.raw_headers = answer.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        start: Message = {}
        passed = bytearray()
        judged: bytes | None = None
        is_noted = False

        def note() -> None:
            nonlocal is_noted
            if not is_noted:
                is_noted = True
                self._seen(_seen(start, bytes(passed), judged))

        async def watch(message: Message) -> None:
            nonlocal start, judged
            begins = message["type"] == "http.response.start"
            if begins:
                start = message
            else:
                passed.extend(message.get("body", b""))
            is_last = not (begins or message.get("more_body"))
            if self._guardrail is None or start["status"] >= _ERRORS:
                if is_last:  # whoever has read the answer finds it written down
                    note()
                await send(message)
            elif is_last:
                judged = bytes(passed)
                answer = _judged(start, judged, self._guardrail)
                passed[:] = answer.body
                start = {**start, "status": answer.status_code}
                note()
                await answer(scope, receive, send)

        try:
            await self._answer(scope, receive, watch)
        finally:
            note()


def _seen(start: Message, body: bytes, judged: bytes | None) -> Seen:
    status = start.get("status", 0)
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in start.get("headers", ())}
    return Seen(
        status=status,
        body=body,
        answered=judged if judged is not None else body if status < _ERRORS else b"",
        is_stream=headers.get("content-type", "").startswith(_STREAM),
        served_by=headers.get("served-model-name", ""),
    )


def _judged(start: Message, body: bytes, guardrail: Guardrail) -> Response:
    """Return the answer as its guardrail lets it pass."""
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    headers.pop("content-length", None)
    is_stream = headers.get("content-type", "").startswith(_STREAM)
    changed = streams.judged(body, guardrail) if is_stream else _whole(body, guardrail)
    if guardrail.verdict().blocks:
        spent = measure.tokens(b"", body, is_stream=is_stream)
        usage = {"prompt_tokens": spent.given, "completion_tokens": spent.made, "total_tokens": spent.total}
        return _refusal(guardrail.refusal(usage=usage))
    return Response(changed, status_code=start["status"], headers=headers)


def _refusal(error: ApiError) -> JSONResponse:
    return JSONResponse(error.body(), status_code=error.status, headers=error.headers)


def _whole(body: bytes, guardrail: Guardrail) -> bytes:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(answer, dict):
        return body
    changed = texts.of_answer(answer, guardrail.read)
    return written({**changed, "output_guardrail": guardrail.report()} if guardrail.verdict().has_pii else changed)
