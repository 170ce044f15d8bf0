"""Tools, and the choice among them: LangChain's ways to say them, and what the API takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_core.utils.function_calling import convert_to_openai_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.tools import BaseTool

Tool: TypeAlias = "dict[str, Any] | type | Callable[..., Any] | BaseTool"
ToolChoice: TypeAlias = "dict[str, Any] | str | bool"

_NO_PARAMETERS = {"type": "object", "properties": {}}


def to_tools(tools: Sequence[Tool], *, strict: bool | None) -> list[dict[str, Any]]:
    """Write tools for the API.

    Args:
        tools: functions, pydantic classes, LangChain tools, or objects in OpenAI's or Anthropic's shape.
        strict: whether arguments must match the schema exactly; None leaves it to the model.
    """
    written = []
    for tool in tools:
        entry = convert_to_openai_tool(tool, strict=strict)
        function = entry.get("function")
        if isinstance(function, dict):
            # Llama refuses a function without parameters (querychat issue 273); the converter leaves `strict` out of
            # a tool that is in the API's shape already.
            added = {"parameters": _NO_PARAMETERS} | ({"strict": strict} if strict is not None else {})
            entry = {**entry, "function": {**added, **function}}
        written.append(entry)
    return written


def to_tool_choice(choice: ToolChoice | None, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any] | str | None:
    """Write a tool choice for the API.

    Args:
        choice: `auto`, `none`, `required` (or `any`, or True), a tool's name, or the API's object. False and None say
            nothing.
        tools: the tools to choose from, as written.

    Raises:
        ValueError: it names a tool that is not among them.
    """
    if choice is None or choice is False:
        return None
    if choice is True or choice in ("any", "required"):
        return "required"
    if choice in ("auto", "none"):
        return str(choice)
    name = choice.get("function", {}).get("name") if isinstance(choice, dict) else choice
    names = [tool.get("function", {}).get("name") for tool in tools]
    if name is not None and name not in names:
        raise ValueError(f"tool_choice names {name!r}, which is not among the tools: {', '.join(map(str, names))}")
    return choice if isinstance(choice, dict) else {"type": "function", "function": {"name": name}}
