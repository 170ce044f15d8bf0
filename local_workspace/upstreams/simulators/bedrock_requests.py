"""What Bedrock's Converse API takes: its fields, and the chat request that means the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.simulators.fields import Fields, Items, Number, Text, check
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ANY = Fields(is_open=True)
_TOOL_USE = Fields({"toolUseId": Text(), "name": Text(), "input": _ANY}, required=("toolUseId", "name", "input"))
_TOOL_RESULT = Fields(
    {
        "toolUseId": Text(),
        "content": Items(Fields({"json": _ANY, "text": Text()}, is_open=True)),
        "status": Text(("success", "error")),
    },
    required=("toolUseId", "content"),
)
_BLOCK = Fields({"text": Text(), "image": _ANY, "toolUse": _TOOL_USE, "toolResult": _TOOL_RESULT}, is_open=True)
_TOOL = Fields(
    {"toolSpec": Fields({"name": Text(), "description": Text(), "inputSchema": _ANY}, required=("name", "inputSchema"))}
)
_CONVERSE = Fields(
    {
        "messages": Items(
            Fields({"role": Text(("user", "assistant")), "content": Items(_BLOCK, fewest=1)}, ("role", "content")),
            fewest=1,
        ),
        "system": Items(Fields({"text": Text()}, is_open=True)),
        "inferenceConfig": Fields(
            {
                "maxTokens": Number(1, whole=True),
                "temperature": Number(0, 1),
                "topP": Number(0, 1),
                "stopSequences": Items(Text(), most=2500),
            }
        ),
        "toolConfig": Fields({"tools": Items(_TOOL, fewest=1), "toolChoice": _ANY}, required=("tools",)),
        "additionalModelRequestFields": _ANY,
    },
    required=("messages",),
    is_open=True,
)
_SAMPLING = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}


def chat_request(body: Mapping[str, Any]) -> dict[str, Any]:
    """Check a Converse request, and translate it.

    Raises:
        RefusedError: 400: a field is missing or wrong, turns do not alternate, or a tool's result has no use.
    """
    check(body, _CONVERSE)
    _check_turns(body["messages"])
    config = body.get("inferenceConfig") or {}
    chat: dict[str, Any] = {there: config[here] for here, there in _SAMPLING.items() if here in config}
    chat["messages"] = list(_messages(body))
    tools = body.get("toolConfig")
    return chat | _tools(tools) if tools else chat


def _check_turns(messages: list[dict[str, Any]]) -> None:
    if messages[0]["role"] != "user":
        raise RefusedError(400, "A conversation must start with a user message.")
    used: set[str] = set()
    for index, message in enumerate(messages):
        if index and message["role"] == messages[index - 1]["role"]:
            raise RefusedError(400, "The roles of the messages must alternate between user and assistant.")
        answered = {each["toolResult"]["toolUseId"] for each in message["content"] if "toolResult" in each}
        if answered != used:
            raise RefusedError(
                400,
                f"The number of toolResult blocks at messages.{index}.content exceeds or falls short of the toolUse "
                "blocks of previous turn.",
            )
        used = {each["toolUse"]["toolUseId"] for each in message["content"] if "toolUse" in each}


def _messages(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if system := "\n\n".join(each.get("text", "") for each in body.get("system") or ()):
        yield {"role": "system", "content": system}
    for message in body["messages"]:
        yield from _turns(message)


def _turns(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    blocks = message["content"]
    for block in blocks:
        if result := block.get("toolResult"):
            yield {"role": "tool", "tool_call_id": result["toolUseId"], "content": _result(result["content"])}
    calls = [
        {
            "id": each["toolUse"]["toolUseId"],
            "type": "function",
            "function": {"name": each["toolUse"]["name"], "arguments": json.dumps(each["toolUse"]["input"])},
        }
        for each in blocks
        if "toolUse" in each
    ]
    parts = [part for part in map(_part, blocks) if part]
    if parts or calls:
        yield {"role": message["role"], "content": parts or None, **({"tool_calls": calls} if calls else {})}


def _part(block: Mapping[str, Any]) -> dict[str, Any] | None:
    if "text" in block:
        return {"type": "text", "text": block["text"]}
    if image := block.get("image"):
        data = (image.get("source") or {}).get("bytes", "")
        return {"type": "image_url", "image_url": {"url": f"data:image/{image.get('format')};base64,{data}"}}
    return None


def _result(content: list[dict[str, Any]]) -> str:
    return " ".join(each["text"] if "text" in each else json.dumps(each.get("json")) for each in content)


def _tools(config: Mapping[str, Any]) -> dict[str, Any]:
    tools = [
        {
            "type": "function",
            "function": {
                "name": spec["name"],
                "description": spec.get("description", ""),
                "parameters": spec["inputSchema"].get("json") or {},
            },
        }
        for spec in (tool["toolSpec"] for tool in config["tools"] if "toolSpec" in tool)
    ]
    match config.get("toolChoice"):
        case {"any": _}:
            choice: object = "required"
        case {"tool": {"name": str(name)}}:
            choice = {"type": "function", "function": {"name": name}}
        case _:
            choice = "auto"
    return {"tools": tools, "tool_choice": choice}
