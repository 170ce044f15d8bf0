"""Read a request of Anthropic's Messages API as the chat request that means the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SAME_IN_CHAT = {"max_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p", "stop_sequences": "stop"}
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def chat_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a request.

    What the built-in model has no use for (thinking, caching, tools that run at Anthropic) is left out.
    """
    chat: dict[str, Any] = {
        there: request[here] for here, there in _SAME_IN_CHAT.items() if request.get(here) is not None
    }
    chat["messages"] = list(_messages(request))
    tools = [tool for tool in request.get("tools") or () if "input_schema" in tool]
    if tools:
        chat["tools"] = [{"type": "function", "function": _function(tool)} for tool in tools]
        chat |= _tool_choice(request.get("tool_choice") or {})
    output = (request.get("output_config") or {}).get("format") or {}
    if output.get("type") == "json_schema":
        schema = {"name": "output", "schema": output.get("schema")}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}
    return chat


def _messages(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if request.get("system"):
        yield {"role": "system", "content": request["system"]}
    for message in request.get("messages") or ():
        yield from _turns(str(message.get("role", "user")), message.get("content"))


def _turns(role: str, content: str | list[dict[str, Any]] | None) -> Iterator[dict[str, Any]]:
    """One message's turns: in chat completions, each tool result is one of its own."""
    if not isinstance(content, list):
        yield {"role": role, "content": content}
        return
    for block in content:
        if block.get("type") == "tool_result":
            yield {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": _parts_or_text(block)}
    calls = [_call(block) for block in content if block.get("type") == "tool_use"]
    parts = list(_parts(content))
    if calls:
        yield {"role": role, "content": parts or None, "tool_calls": calls}
    elif parts:
        yield {"role": role, "content": parts}


def _parts_or_text(block: Mapping[str, Any]) -> str | list[dict[str, Any]]:
    content = block.get("content")
    return list(_parts(content)) if isinstance(content, list) else str(content or "")


def _parts(blocks: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        match block:
            case {"type": "text", "text": str(text)}:
                yield {"type": "text", "text": text}
            case {"type": "image", "source": dict() as source}:
                yield {"type": "image_url", "image_url": {"url": _url(source)}}
            case {"type": "document", "source": dict() as source}:
                yield from _document(source, title=block.get("title"))
            case _:  # thinking, caller's own searches and the like say nothing that this model could use
                pass


def _document(source: Mapping[str, Any], *, title: object) -> Iterator[dict[str, Any]]:
    match source:
        case {"type": "text", "data": str(text)} | {"type": "content", "content": str(text)}:
            yield {"type": "text", "text": text}
        case {"type": "content", "content": list() as blocks}:
            yield from _parts(blocks)
        case {"type": "base64"}:
            yield {"type": "file", "file": {"filename": title, "file_data": _url(source)}}
        case _:
            yield {"type": "file", "file": {"filename": title}}


def _url(source: Mapping[str, Any]) -> str:
    if source.get("type") == "base64":
        return f"data:{source.get('media_type', '')};base64,{source.get('data', '')}"
    return str(source.get("url", ""))


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    # What it was called with says nothing to the model: the result does.
    return {"id": block.get("id"), "type": "function", "function": {"name": block.get("name", ""), "arguments": "{}"}}


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: tool[key] for key in ("name", "description", "strict") if key in tool}
    return {**kept, "parameters": tool["input_schema"]}


def _tool_choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {"tool_choice": _CHOICES.get(str(choice.get("type", "auto")), "auto")}
    if choice.get("type") == "tool":
        chosen["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
    if choice.get("disable_parallel_tool_use"):
        chosen["parallel_tool_calls"] = False
    return chosen
