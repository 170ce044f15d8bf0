"""An answer that passes the gateway: measured as it goes by, or held back until its guardrail has read it all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from local_workspace.gateway import measure, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message, Receive, Scope, Send

    from local_workspace.errors import ApiError
    from local_workspace.gateway.guardrails import Guardrail

KEPT_BYTES = 1 << 20
"""Bytes of an answer that are written down; larger ones are not, as in Databricks' own tables."""

_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the gateway saw of an answer.

    Attributes:
        status: Its HTTP status.
        body: Its body, as far as it went.
        is_stream: Whether it is an event stream.
        served_by: The served entity's name; empty if none answered.
    """

    status: int
    body: bytes
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
        is_noted = False

        def note() -> None:
            nonlocal is_noted
            if not is_noted:
                is_noted = True
                self._seen(_seen(start, bytes(passed)))

        async def watch(message: Message) -> None:
            nonlocal start
            begins = message["type"] == "http.response.start"
            if begins:
                start = message
            else:
                passed.extend(message.get("body", b""))
            is_last = not (begins or message.get("more_body"))
            if self._guardrail is None or start["status"] >= 400:  # noqa: PLR2004 - errors hold no answer
                if is_last:  # whoever has read the answer finds it written down
                    note()
                await send(message)
            elif is_last:
                answer = _judged(start, bytes(passed), self._guardrail)
                passed[:] = answer.body
                start = {**start, "status": answer.status_code}
                note()
                await answer(scope, receive, send)

        try:
            await self._answer(scope, receive, watch)
        finally:
            note()


def _seen(start: Message, body: bytes) -> Seen:
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in start.get("headers", ())}
    return Seen(
        status=start.get("status", 0),
        body=body,
        is_stream=headers.get("content-type", "").startswith(_STREAM),
        served_by=headers.get("served-model-name", ""),
    )


def _judged(start: Message, body: bytes, guardrail: Guardrail) -> Response:
    """Return the answer as its guardrail lets it pass."""
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    headers.pop("content-length", None)
    is_stream = headers.get("content-type", "").startswith(_STREAM)
    changed = _stream(body, guardrail) if is_stream else _whole(body, guardrail)
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
    return _written({**changed, "output_guardrail": guardrail.report()} if guardrail.verdict().has_pii else changed)


def _stream(body: bytes, guardrail: Guardrail) -> bytes:
    """A stream's text is read as one: what is hidden may stand in several of its pieces. The first piece carries it."""
    pieces: dict[int, str] = {}
    for event in measure.events(body):
        for index, piece in _pieces(event):
            pieces[index] = pieces.get(index, "") + piece
    hidden = {index: guardrail.read(text) for index, text in pieces.items()}
    if hidden == pieces:
        return body
    lines = []
    for line in body.splitlines(keepends=True):
        for event in measure.events(line):
            _replace(event, hidden)
            line = b"data: " + _written(event) + b"\n"  # noqa: PLW2901 - the line with its text replaced
        lines.append(line)
    return b"".join(lines)


def _pieces(event: dict[str, Any]) -> list[tuple[int, str]]:
    choices = [each for each in event.get("choices") or () if isinstance(each, dict)]
    return [
        (int(choice.get("index") or 0), piece)
        for choice in choices
        if isinstance(piece := _holder(choice).get(_field(choice)), str)
    ]


def _replace(event: dict[str, Any], hidden: dict[int, str]) -> None:
    for choice in event.get("choices") or ():
        holder, field = _holder(choice), _field(choice)
        if holder.get(field):
            holder[field] = hidden.pop(int(choice.get("index") or 0), "")


def _holder(choice: dict[str, Any]) -> dict[str, Any]:
    return choice if "text" in choice else choice.get("delta") or {}


def _field(choice: dict[str, Any]) -> str:
    return "text" if "text" in choice else "content"


def _written(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
