"""What Anthropic's Messages API takes: its fields, and the rules between tool uses and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.simulators.fields import Either, Fields, Flag, Items, Number, Text, check
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ANY = Fields(is_open=True)
_SOURCE = Fields(
    {"type": Text(), "data": Text(), "media_type": Text(), "url": Text()}, required=("type",), is_open=True
)
_BLOCK = Fields(
    {
        "type": Text(),
        "text": Text(),
        "source": _SOURCE,
        "id": Text(),
        "name": Text(),
        "input": _ANY,
        "tool_use_id": Text(),
        "title": Text(),
        "content": Either((Text(), Items(_ANY), _ANY)),
    },
    required=("type",),
    is_open=True,
)
_MESSAGE = Fields(
    {"role": Text(("user", "assistant", "system")), "content": Either((Text(), Items(_BLOCK)))},
    required=("role", "content"),
    is_open=True,
)
_TOOL = Fields({"name": Text(), "description": Text(), "input_schema": _ANY, "strict": Flag()}, is_open=True)
_TOOL_CHOICE = Fields(
    {"type": Text(("auto", "any", "tool", "none")), "name": Text(), "disable_parallel_tool_use": Flag()},
    required=("type",),
    is_open=True,
)
MESSAGES = Fields(
    {
        "model": Text(),
        "messages": Items(_MESSAGE, fewest=1),
        "max_tokens": Number(0, whole=True),
        "system": Either((Text(), Items(_BLOCK))),
        "stop_sequences": Items(Text()),
        "stream": Flag(),
        "temperature": Number(0, 1),
        "top_p": Number(0, 1),
        "top_k": Number(0, whole=True),
        "tools": Items(_TOOL),
        "tool_choice": _TOOL_CHOICE,
        "output_config": Fields({"format": Fields({"type": Text(), "schema": _ANY}, is_open=True)}, is_open=True),
        "metadata": _ANY,
        "thinking": _ANY,
    },
    required=("model", "max_tokens", "messages"),
    is_open=True,
)


def check_messages(body: Mapping[str, Any]) -> None:
    """Check a Messages request as Anthropic does.

    Raises:
        RefusedError: A field is missing or of the wrong type, a text is empty, or a tool use and its result don't
            meet.
    """
    check(body, MESSAGES)
    used: set[str] = set()
    for index, message in enumerate(body["messages"]):
        _check_text(message, index, is_last=index == len(body["messages"]) - 1)
        answered = set(_ids(message, kind="tool_result", field="tool_use_id"))
        if missing := sorted(used - answered):
            raise RefusedError(
                400,
                f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message.",
            )
        if strange := sorted(answered - used):
            raise RefusedError(
                400,
                f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(strange)}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
            )
        used = set(_ids(message, kind="tool_use", field="id"))


def _ids(message: Mapping[str, Any], *, kind: str, field: str) -> Iterator[str]:
    content = message["content"]
    for block in content if isinstance(content, list) else ():
        if block["type"] == kind:
            yield str(block.get(field))


def _check_text(message: Mapping[str, Any], index: int, *, is_last: bool) -> None:
    content = message["content"]
    if not content and not (is_last and message["role"] == "assistant"):
        raise RefusedError(
            400,
            f"messages.{index}: all messages must have non-empty content except for the optional final assistant "
            "message",
        )
    if isinstance(content, list) and any(block["type"] == "text" and not block.get("text") for block in content):
        raise RefusedError(400, "messages: text content blocks must be non-empty")
