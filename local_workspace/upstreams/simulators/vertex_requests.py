"""What Gemini's generateContent takes: its fields, and the chat request that means the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.simulators.fields import Fields, Flag, Items, Number, Text, check
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ANY = Fields(is_open=True)
_CALL = Fields({"name": Text(), "args": _ANY, "id": Text()}, required=("name",))
_RESULT = Fields({"name": Text(), "response": _ANY, "id": Text()}, required=("name", "response"), is_open=True)
_PART = Fields(
    {"text": Text(), "inlineData": _ANY, "functionCall": _CALL, "functionResponse": _RESULT, "thought": Flag()},
    is_open=True,
)
_CONTENT = Fields({"role": Text(("user", "model", "function")), "parts": Items(_PART, fewest=1)}, required=("parts",))
_GENERATE = Fields(
    {
        "contents": Items(_CONTENT, fewest=1),
        "systemInstruction": Fields({"role": Text(), "parts": Items(_PART)}),
        "tools": Items(
            Fields({"functionDeclarations": Items(Fields({"name": Text()}, ("name",), is_open=True))}, is_open=True)
        ),
        "toolConfig": _ANY,
        "generationConfig": Fields(
            {
                "temperature": Number(0, 2),
                "topP": Number(0, 1),
                "maxOutputTokens": Number(1, whole=True),
                "stopSequences": Items(Text(), most=5),
                "seed": Number(whole=True),
                "candidateCount": Number(1, 8, whole=True),
            },
            is_open=True,
        ),
        "safetySettings": Items(_ANY),
        "labels": _ANY,
    },
    required=("contents",),
)
_SAMPLING = {
    "temperature": "temperature", "topP": "top_p", "maxOutputTokens": "max_tokens", "stopSequences": "stop",
    "seed": "seed",
}  # fmt: skip
_MODES = {"ANY": "required", "NONE": "none"}


def chat_request(body: Mapping[str, Any]) -> dict[str, Any]:
    """Check a generateContent request, and translate it.

    Raises:
        RefusedError: 400: a field is unknown, missing or wrong.
    """
    check(body, _GENERATE)
    config = body.get("generationConfig") or {}
    chat: dict[str, Any] = {there: config[here] for here, there in _SAMPLING.items() if config.get(here) is not None}
    chat["messages"] = list(_messages(body))
    declared = [each for tool in body.get("tools") or () for each in tool.get("functionDeclarations") or ()]
    if declared:
        chat["tools"] = [{"type": "function", "function": _function(each)} for each in declared]
        chat["tool_choice"] = _choice((body.get("toolConfig") or {}).get("functionCallingConfig") or {}, declared)
    if config.get("responseMimeType") == "application/json":
        chat["response_format"] = _format(config)
    return chat


def _messages(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    instruction = (body.get("systemInstruction") or {}).get("parts") or ()
    if text := "".join(part.get("text", "") for part in instruction):
        yield {"role": "system", "content": text}
    open_calls: list[tuple[str, str]] = []
    for index, content in enumerate(body["contents"]):
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        results = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        if len(results) != len(open_calls):
            raise RefusedError(
                400,
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn.",
            )
        for (identifier, _), result in zip(open_calls, results, strict=True):
            yield {"role": "tool", "tool_call_id": identifier, "content": _result(result["response"])}
        open_calls = [(f"call_{index}_{number}", call["name"]) for number, call in enumerate(calls)]
        parts = [part for part in map(_part, content["parts"]) if part]
        written = [
            {
                "id": identifier,
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(call.get("args") or {})},
            }
            for (identifier, name), call in zip(open_calls, calls, strict=True)
        ]
        if parts or written:
            role = "assistant" if content.get("role") == "model" else "user"
            yield {"role": role, "content": parts or None, **({"tool_calls": written} if written else {})}


def _part(part: Mapping[str, Any]) -> dict[str, Any] | None:
    if part.get("text"):
        return {"type": "text", "text": part["text"]}
    if data := part.get("inlineData"):
        return _attachment(*str(_either(data, "mimeType", "mime_type")).split("/", 1), data=str(data.get("data")))
    if data := part.get("fileData"):
        return {"type": "image_url", "image_url": {"url": str(_either(data, "fileUri", "file_uri"))}}
    return None


def _attachment(kind: str, form: str = "", *, data: str) -> dict[str, Any]:
    standard = data.replace("-", "+").replace("_", "/")  # Google's client writes base64 as URLs take it
    if kind == "audio":
        return {"type": "input_audio", "input_audio": {"data": standard, "format": form}}
    return {"type": "image_url", "image_url": {"url": f"data:{kind}/{form};base64,{standard}"}}


def _either(fields: Mapping[str, Any], name: str, other: str) -> object:
    """Return a field by one of its spellings: Google reads either, and its own client writes the second."""
    return fields.get(name) or fields.get(other)


def _result(response: Mapping[str, Any]) -> str:
    values = list(response.values())
    return values[0] if len(values) == 1 and isinstance(values[0], str) else json.dumps(response)


def _function(declared: Mapping[str, Any]) -> dict[str, Any]:
    schema = declared.get("parametersJsonSchema") or _json_schema(declared.get("parameters") or {})
    return {"name": declared["name"], "description": declared.get("description", ""), "parameters": schema}


def _json_schema(schema: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Google's schemas are JSON Schema with the types in capitals."""
    if isinstance(schema, list):
        return [_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value.lower() if name == "type" and isinstance(value, str) else _json_schema(value)
        for name, value in schema.items()
    }


def _choice(config: Mapping[str, Any], declared: list[dict[str, Any]]) -> object:
    names = _either(config, "allowedFunctionNames", "allowed_function_names")
    if (
        config.get("mode") == "ANY"
        and isinstance(names, list)
        and len(names) == 1
        and names[0] in {each["name"] for each in declared}
    ):
        return {"type": "function", "function": {"name": names[0]}}
    return _MODES.get(str(config.get("mode")), "auto")


def _format(config: Mapping[str, Any]) -> dict[str, Any]:
    schema = config.get("responseJsonSchema") or _json_schema(config.get("responseSchema"))
    if not schema:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "output", "schema": schema}}
