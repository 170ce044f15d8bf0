"""What calls to endpoints take, for the OpenAPI document: the fields that any client sends, others besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT = {"type": "string"}
_OBJECT: Mapping[str, Any] = {"type": "object"}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_NUMBER = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 64}
_MODEL = {"type": "string", "description": "The serving endpoint's name."}
_FUNCTION = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": _TEXT, "description": _TEXT, "parameters": _OBJECT},
}
_TOOL = {
    "type": "object",
    "required": ["type", "function"],
    "properties": {"type": {"const": "function"}, "function": _FUNCTION},
}
_PART = {
    "anyOf": [
        {
            "type": "object",
            "required": ["type", "text"],
            "properties": {"type": {"const": "text"}, "text": _TEXT},
        },
        {
            "type": "object",
            "required": ["type", "image_url"],
            "properties": {
                "type": {"const": "image_url"},
                "image_url": {"type": "object", "required": ["url"], "properties": {"url": _TEXT}},
            },
        },
    ]
}
_SAMPLING = {
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "max_tokens": _COUNT,
    "n": {"type": "integer", "minimum": 1, "maximum": 4},
    "stop": _TEXTS,
    "seed": {"type": "integer"},
    "stream": {"type": "boolean"},
}
_MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": ["system", "user", "assistant"]},
        "content": {"anyOf": [_TEXT, {"type": "array", "items": _PART}]},
    },
}
_CHAT = {
    "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
    "tools": {"type": "array", "items": _TOOL},
    "tool_choice": {"enum": ["auto", "none", "required"]},
    "response_format": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": ["text", "json_object", "json_schema"]}, "json_schema": _OBJECT},
    },
    **_SAMPLING,
}
_CONTENTS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["role", "parts"],
        "properties": {
            "role": {"enum": ["user", "model"]},
            "parts": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "required": ["text"], "properties": {"text": _TEXT}},
            },
        },
    },
}


def _body(properties: Mapping[str, Any], *required: str) -> Mapping[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


BODIES: Mapping[str, Mapping[str, Any]] = {
    "/invocations": _body(_CHAT | {"prompt": _TEXT, "input": _TEXTS}),
    "/chat/completions": _body(_CHAT | {"model": _MODEL}, "model", "messages"),
    "/completions": _body(_SAMPLING | {"model": _MODEL, "prompt": _TEXT}, "model", "prompt"),
    "/embeddings": _body({"model": _MODEL, "input": _TEXTS, "dimensions": _COUNT}, "model", "input"),
    "/responses": _body(
        {
            "model": _MODEL,
            "input": {"anyOf": [_TEXT, {"type": "array", "items": _MESSAGE}]},
            "instructions": _TEXT,
            "max_output_tokens": {"type": "integer", "minimum": 16},
            "stream": {"type": "boolean"},
        },
        "model",
        "input",
    ),
    "/messages": _body(
        {
            "model": _MODEL,
            "messages": _CHAT["messages"],
            "max_tokens": _COUNT,
            "system": _TEXT,
            "stop_sequences": {"type": "array", "items": _TEXT},
            "stream": {"type": "boolean"},
        },
        "model",
        "max_tokens",
        "messages",
    ),
    "/models/{model_and_action}": _body({"contents": _CONTENTS}, "contents"),
}
"""By the end of the route's path; the first that fits is meant."""
