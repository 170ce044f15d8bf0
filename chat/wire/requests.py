"""Bodies and paths of the calls that we make."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import quote

from chat.errors import InvalidRequestError

PRODUCT = "gatewright-chat/0.1.0"
"""How we name ourselves to the workspace, in the form that Databricks asks of its partners' tools."""

HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": PRODUCT}
"""What each request carries besides its authorization."""

STREAM_HEADERS = {**HEADERS, "Accept": "text/event-stream"}
"""The same for a request that asks for an event stream."""


def invocation_path(name: str) -> str:
    """The path at which an endpoint answers; a name with a slash or a dot segment must not leave it."""
    return f"/serving-endpoints/{_segment(name)}/invocations"


def state_path(name: str) -> str:
    """The path at which the workspace says whether an endpoint is ready."""
    return f"/api/2.0/serving-endpoints/{_segment(name)}"


def chat_body(
    messages: list[dict[str, object]], params: Mapping[str, object], *, stream: bool = False
) -> dict[str, object]:
    """Write the body of a chat request.

    There is no `model` in it: the path names the endpoint. A stream asks for its usage, since an external OpenAI model
    sends none otherwise.

    Args:
        messages: the conversation.
        params: further fields of the body; None leaves a field out. `extra_body` is merged in last.
        stream: whether to ask for an event stream.
    """
    body: dict[str, object] = {"messages": messages}
    body.update((name, value) for name, value in params.items() if value is not None and name != "extra_body")
    if stream:
        body["stream"] = True
        if "stream_options" not in params:
            body["stream_options"] = {"include_usage": True}
    extra = params.get("extra_body")
    if isinstance(extra, Mapping):
        body.update(extra)
    return body


def checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers that a caller adds, if HTTP can carry them.

    Raises:
        InvalidRequestError: one holds a line break, which would begin another header, or what is no header at all.
    """
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise InvalidRequestError(f"HTTP cannot carry the header {name!r} as it is.", remedy="Check headers=.")
    return headers


def without(body: Mapping[str, object], parameters: Collection[str]) -> Mapping[str, object]:
    """Leave parameters out of a body.

    Args:
        body: the body; it is not changed.
        parameters: their names. `strict` is that of each tool's function and of the response format; `cache_control`
            that of each part of a message; `reasoning` stands for the parts of a message that are reasoning.
    """
    if not parameters:
        return body
    kept = {name: value for name, value in body.items() if name not in parameters}
    if "strict" in parameters:
        kept = {name: _unstrict(value) if name in _STRICT_HOLDERS else value for name, value in kept.items()}
    messages = kept.get("messages")
    if isinstance(messages, list) and not _IN_PARTS.isdisjoint(parameters):
        kept["messages"] = [_without_parts(message, parameters) for message in messages]
    return kept


def encode(body: Mapping[str, object]) -> bytes:
    """Write a body as JSON text.

    Raises:
        InvalidRequestError: something in it has no JSON form.
    """
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(
            f"The request cannot be written as JSON: {error}.",
            remedy="Pass strings, numbers, booleans, lists and dicts only.",
        ) from error


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_STRICT_HOLDERS = frozenset({"tools", "response_format"})
_IN_PARTS = frozenset({"cache_control", "reasoning"})


def _unstrict(value: object) -> object:
    """Copy a value without the `strict` of a function or a JSON schema; a schema's own property `strict` stays."""
    if isinstance(value, list):
        return [_unstrict(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: {key: kept for key, kept in inner.items() if key != "strict"}
        if name in {"function", "json_schema"} and isinstance(inner, Mapping)
        else inner
        for name, inner in value.items()
    }


def _without_parts(message: object, parameters: Collection[str]) -> object:
    """Copy a message whose content is a list without its reasoning, or without the marks on its parts."""
    parts = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(parts, list):
        return message
    kept = [
        {name: value for name, value in part.items() if name not in parameters} if isinstance(part, Mapping) else part
        for part in parts
        if not ("reasoning" in parameters and isinstance(part, Mapping) and part.get("type") == "reasoning")
    ]
    return {**message, "content": kept}


@lru_cache(maxsize=256)
def _segment(name: str) -> str:
    if not name or name.strip(".") == "":
        raise InvalidRequestError(f"{name!r} is no endpoint name.", remedy="Pass the serving endpoint's name.")
    return quote(name, safe="")
