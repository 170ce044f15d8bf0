"""LangChain's messages, written as the wire's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages

# In a message's content these stand for tool calls that its `tool_calls` hold already.
_CALLS = frozenset({"tool_call", "tool_call_chunk", "invalid_tool_call", "tool_use", "function_call"})


def to_wire(messages: Sequence[BaseMessage]) -> list[dict[str, object]]:
    """Write a conversation as the API's messages."""
    written: list[dict[str, object]] = []
    for message in map(_named_files, messages):
        if isinstance(message, AIMessage):
            written.append(_assistant(message))
        elif _marks_cache(message.content):
            written.append(_with_cache_marks(message))
        else:
            written.extend(convert_to_openai_messages([message]))
    return written


def _assistant(message: AIMessage) -> dict[str, object]:
    """Write an answer of an earlier turn: its reasoning goes back as it came, with its signature."""
    reasoned = isinstance(message.content, list) and any(_is_reasoning(block) for block in message.content)
    if isinstance(message.content, list):
        blocks = [_block(block) for block in message.content if not _stands_for_call(block, message)]
        message = message.model_copy(update={"content": blocks})
    written = convert_to_openai_messages([message], text_format="block" if reasoned else "string")[0]
    for call in message.invalid_tool_calls:
        # Without it the tool message that answers it would answer nothing.
        function = {"name": call["name"] or "", "arguments": call["args"] or ""}
        written.setdefault("tool_calls", []).append({"type": "function", "id": call["id"], "function": function})
    if written.get("tool_calls") and not written["content"]:
        written["content"] = None  # Claude refuses an empty text next to tool calls (databricks-ai-bridge PR 333)
    return dict(written)


def _block(block: str | dict[str, Any]) -> str | dict[str, Any]:
    """Write a block of an answer; `index` is LangChain's, for joining chunks."""
    if isinstance(block, str):
        return block
    if _is_reasoning(block):
        return _reasoning(block)
    if block.get("type") == "text":
        return {"type": "text", "text": block.get("text") or ""}
    return {name: value for name, value in block.items() if name != "index"}


def _reasoning(block: Mapping[str, Any]) -> dict[str, Any]:
    """Write reasoning as Databricks' block, from it, from LangChain's standard block or from Anthropic's."""
    if isinstance(block.get("summary"), list):
        return {name: value for name, value in block.items() if name not in {"index", "id"}}
    extras = block.get("extras") or {}
    summary = {"type": "summary_text", "text": block.get("reasoning") or block.get("thinking") or ""}
    signature = block.get("signature") or extras.get("signature")
    # The Responses API names its reasoning, and wants it back by that name; any other name is LangChain's own.
    identity = {"id": name} if (name := str(block.get("id") or "")).startswith("rs_") else {}
    return {
        "type": "reasoning",
        **identity,
        "summary": [{**summary, **({"signature": signature} if signature else {})}],
    }


def _is_reasoning(block: object) -> bool:
    return isinstance(block, Mapping) and block.get("type") in {"reasoning", "thinking"}


def _stands_for_call(block: object, message: AIMessage) -> bool:
    if not isinstance(block, Mapping) or block.get("type") not in _CALLS:
        return False
    known = [*message.tool_calls, *message.invalid_tool_calls]
    return block["type"] not in {"tool_use", "function_call"} or any(
        call["id"] == (block.get("call_id") or block.get("id")) for call in known
    )


def _named_files(message: BaseMessage) -> BaseMessage:
    """Name the files that have no name: the API needs one, and the converter would warn of making one up."""
    content = message.content
    if not isinstance(content, list) or not any(_is_nameless(block) for block in content):
        return message
    named = [{**block, "filename": "document.pdf"} if _is_nameless(block) else block for block in content]  # type: ignore[dict-item]  # a nameless block is a dict
    return message.model_copy(update={"content": named})


def _is_nameless(block: object) -> bool:
    if not isinstance(block, Mapping) or block.get("type") != "file" or "file" in block:
        return False
    places = (block, block.get("metadata") or {}, block.get("extras") or {})
    return not any(place.get("filename") or place.get("name") for place in places)


def _marks_cache(content: object) -> bool:
    return isinstance(content, list) and any(
        isinstance(block, Mapping) and "cache_control" in block for block in content
    )


def _with_cache_marks(message: BaseMessage) -> dict[str, object]:
    """Convert block by block: the converter drops Claude's `cache_control`, and with it the prompt cache."""
    parts: list[object] = []
    head: dict[str, object] = {}
    for block in message.content:
        alone = message.model_copy(update={"content": [block]})
        head = dict(convert_to_openai_messages([alone], text_format="block")[0])
        mark = block.get("cache_control") if isinstance(block, Mapping) else None
        content = head["content"]
        extra = {"cache_control": mark} if mark else {}
        parts.extend({**part, **extra} for part in (content if isinstance(content, list) else []))
    return {**head, "content": parts}
