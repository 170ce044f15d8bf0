"""The rows of a batch: what the input may hold, and what is written for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from chat.errors import ChatError, InvalidRequestError
from chat.messages import Answer, as_messages

if TYPE_CHECKING:
    from pathlib import Path

_CHAT_URL = "/chat/completions"
_MOST_COMPLAINTS = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt of a batch.

    Attributes:
        key: what names it in the output (`custom_id`, or `line-7` for the seventh line).
        messages: what to say.
        params: further fields of its request.
    """

    key: str
    messages: list[dict[str, object]]
    params: Mapping[str, object]


def read_rows(source: Path) -> list[Row]:
    """Read a batch's input, a row a line; blank lines are passed over.

    A line is an OpenAI batch request, an object with `prompt` or `messages` and further fields of the request, a JSON
    string, or plain text.

    Args:
        source: the file.

    Raises:
        InvalidRequestError: lines that are no rows, all of them at once, each with its place; or the file cannot be
            read, or holds no row.
    """
    try:
        lines = source.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"{source} cannot be read: {error}.", remedy="Name a file in UTF-8.") from error
    rows: dict[str, Row] = {}
    complaints: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = _row(line.strip(), number)
        except InvalidRequestError as error:
            complaints.append(f"{source}:{number}: {error.message}")
            continue
        if rows.setdefault(row.key, row) is not row:
            complaints.append(f"{source}:{number}: the custom_id {row.key!r} is taken by a line before it")
    if complaints:
        shown = complaints[:_MOST_COMPLAINTS]
        more = len(complaints) - len(shown)
        raise InvalidRequestError("\n".join([*shown, *([f"… and {more} more"] if more else [])]), remedy=_FORMATS)
    if not rows:
        raise InvalidRequestError(f"{source} holds no prompt.", remedy=_FORMATS)
    return list(rows.values())


def answered(row: Row, answer: Answer) -> dict[str, object]:
    """Write the line of a row that was answered, as OpenAI's batch output has it."""
    choices = [
        {"index": each.index, "message": each.message, "finish_reason": each.finish_reason, "logprobs": each.logprobs}
        for each in answer.choices
    ]
    usage = {name: count for name, count in asdict(answer.usage).items() if count is not None} if answer.usage else None
    body = {
        "id": answer.id,
        "object": "chat.completion",
        "model": answer.model,
        "choices": choices,
        "usage": usage,
    }
    response = {"status_code": 200, "request_id": answer.metadata.get("request_id"), "body": body}
    return {"custom_id": row.key, "response": response, "error": None}


def failed(row: Row, error: ChatError) -> dict[str, object]:
    """Write the line of a row that failed."""
    told = {"code": error.error_code or type(error).__name__, "message": error.message}
    response = None if error.status is None else {"status_code": error.status, "request_id": error.request_id}
    return {"custom_id": row.key, "response": response, "error": told}


_FORMATS = (
    'Write one prompt a line: plain text, {"prompt": "…"}, {"messages": […]}, or '
    '{"custom_id": "…", "url": "/v1/chat/completions", "body": {…}}.'
)


def _row(line: str, number: int) -> Row:
    value: object = line
    try:
        value = json.loads(line)
    except ValueError as error:
        if line.startswith(("{", "[")):
            raise InvalidRequestError(f"no JSON: {error}") from error
    if not isinstance(value, Mapping):
        return Row(f"line-{number}", as_messages(value if isinstance(value, str) else line), {})
    key = value.get("custom_id", f"line-{number}")
    if not isinstance(key, str) or not key:
        raise InvalidRequestError("custom_id must be a text")
    fields = dict(_fields(value))
    messages = fields.pop("messages", None)
    if not isinstance(messages, list):
        raise InvalidRequestError("`messages` must be a list")
    return Row(key, as_messages(messages), fields)


def _fields(value: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the fields of a row's request; `model` is left out, since the batch's endpoint answers."""
    body = value
    if "body" in value:
        url, inner = value.get("url", _CHAT_URL), value["body"]
        if not str(url).endswith(_CHAT_URL):
            raise InvalidRequestError(f"url {url!r} is not answered here; only chat completions are")
        if not isinstance(inner, Mapping):
            raise InvalidRequestError("`body` must be an object")
        body = inner
    elif "prompt" in value:
        yield "messages", [value["prompt"]]
    elif "messages" not in value:
        raise InvalidRequestError("it holds neither `prompt` nor `messages` nor `body`")
    for name, field in body.items():
        if name == "stream" and field:
            raise InvalidRequestError("a row of a batch cannot stream")
        if name not in {"custom_id", "prompt", "model", "stream", "stream_options"}:
            yield name, field
