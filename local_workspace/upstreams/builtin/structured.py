"""Answers in the form that `response_format` asks for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin import replies
from local_workspace.upstreams.builtin.hints import Hints
from local_workspace.upstreams.builtin.schema_instances import instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.upstreams.builtin.prompt import Prompt

_NAMED_KEY = re.compile(r"[`\"'](?P<key>[A-Za-z_]\w*)[`\"']")
_decoder = json.JSONDecoder()
_SPEAKS_OF_KEYS = re.compile(r"\b(?:keys?|fields?|propert(?:y|ies)|attributes?)\b", re.IGNORECASE)


def reply(response_format: Mapping[str, Any] | None, prompt: Prompt) -> str | None:
    """Write the answer as JSON when the request asks for JSON.

    Args:
        response_format: The request's field of that name.
        prompt: The conversation; values that it mentions are used where the schema allows them.

    Returns:
        The JSON text, or None when the answer is free text.
    """
    match response_format:
        case {"type": "json_schema", "json_schema": {"schema": dict() | bool() as schema}}:
            return json.dumps(instance(schema, hints=Hints(prompt.question.text)), ensure_ascii=False)
        case {"type": "json_object"}:
            return json.dumps(_object(prompt), ensure_ascii=False)
        case _:
            return None


def _object(prompt: Prompt) -> dict[str, Any]:
    """An object by the schema or the keys that the conversation names, or with one key for the plain answer."""
    said = replies.reply(prompt)
    if isinstance(already := _parsed_object(said), dict):
        return already
    texts = prompt.texts("user", "system", "developer")
    shown = next(filter(None, map(_shown_schema, texts)), None)
    if shown is not None:
        return _filled(shown, prompt.question.text.partition("{")[0])
    spoken = [text for text in texts if _SPEAKS_OF_KEYS.search(text)]
    keys = dict.fromkeys(match["key"] for text in spoken for match in _NAMED_KEY.finditer(text))
    if not keys:
        return {"answer": said}
    schema = {"type": "object", "properties": {key: {"type": "string"} for key in keys}, "required": list(keys)}
    return _filled(schema, _NAMED_KEY.sub(" ", prompt.question.text))  # the keys' names are no values


def _filled(schema: dict[str, Any], text: str) -> dict[str, Any]:
    made: dict[str, Any] = instance(schema, hints=Hints(text))
    return made


def _shown_schema(text: str) -> dict[str, Any] | None:
    """The last JSON Schema of an object that a text shows: instructions give an example of one first."""
    shown = None
    position = text.find("{")
    while position >= 0:
        try:
            value, end = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            if isinstance(value.get("properties"), dict):
                shown = value
        position = text.find("{", end)
    return shown


def _parsed_object(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
