"""When the built-in model calls a tool, which one, and with which arguments."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin.hints import Hints
from local_workspace.upstreams.builtin.schema_instances import instance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_workspace.upstreams.builtin.prompt import Prompt

_VERBS = {"get", "fetch", "search", "find", "lookup", "look", "up", "do", "run", "the", "a", "current", "tool", "list"}
_SYNONYMS = {
    "add": {"plus", "sum", "total"}, "multiply": {"times", "product", "multiplied"}, "divide": {"divided"},
    "subtract": {"minus", "difference"}, "weather": {"temperature", "forecast", "sunny", "rain"},
    "calculator": {"calculate", "compute"}, "email": {"mail"}, "time": {"clock"},
}  # fmt: skip
_SIGNS = {
    "add": r"\d\s*\+\s*\d",
    "multiply": r"\d\s*[*x\u00d7]\s*\d",
    "divide": r"\d\s*[/\u00f7]\s*\d",
    "subtract": r"\d\s*-\s*\d",
}
_COMMON = {
    "the", "and", "for", "with", "that", "this", "from", "your", "what", "which", "when", "into", "return", "returns",
    "given", "about", "some", "user", "tool", "use", "call", "any", "get", "gets", "please", "you", "can", "are", "is",
    "has", "have", "its", "a", "an", "of", "to", "in", "on",
}  # fmt: skip
_PLURAL = re.compile(r"(?<=\w{2}[^su])s$")  # not that of "is", "plus" or "class"
_ENOUGH_WORDS = 2  # of a description that the user's words must share for a call


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is JSON."""

    id: str
    name: str
    arguments: str


def choose(request: Mapping[str, Any], prompt: Prompt, *, digest: str) -> tuple[ToolCall, ...]:
    """Choose the calls with which to answer, none for an answer in words.

    Args:
        request: A chat request; its `tools`, `tool_choice` and `parallel_tool_calls` are obeyed.
        prompt: The conversation.
        digest: Determines the calls' ids.
    """
    functions = [tool["function"] for tool in request.get("tools") or () if "function" in tool]
    tools = {function["name"]: function for function in functions if "name" in function}
    choice = request.get("tool_choice") or "auto"
    match choice:
        case {"type": "allowed_tools", "allowed_tools": {"tools": list() as allowed, **rest}}:
            names = {_function_name(tool) for tool in allowed}
            tools = {name: tool for name, tool in tools.items() if name in names}
            choice = str(rest.get("mode", "auto"))
        case _:
            pass
    called = _called(choice, tools, prompt)
    if request.get("parallel_tool_calls") is False:
        called = called[:1]
    return tuple(
        ToolCall(id=f"call_{digest}{index:02}", name=name, arguments=_arguments(tools.get(name, {}), prompt))
        for index, name in enumerate(called)
    )


def _called(choice: str | Mapping[str, Any], tools: Mapping[str, Mapping[str, Any]], prompt: Prompt) -> Sequence[str]:
    if not tools or choice == "none":
        return ()
    if isinstance(choice, dict):
        named = _function_name(choice)
        return (named,) if named else ()
    if choice in {"required", "any"}:
        text = prompt.question.text
        return (max(tools, key=lambda name: (_likeness(name, tools[name], text), -list(tools).index(name))),)
    if prompt.last.role != "user":
        return ()
    return [name for name in tools if _is_asked_for(name, tools[name], prompt.last.text)]


def _function_name(reference: object) -> str | None:
    """The function that a tool choice names, in the words of chat completions or of responses."""
    match reference:
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            return name
        case _:
            return None


def _is_asked_for(name: str, tool: Mapping[str, Any], text: str) -> bool:
    return _says_name(name, text) or _likeness(name, tool, text) >= _ENOUGH_WORDS


def _says_name(name: str, text: str) -> bool:
    """Whether the text writes the name, or all the words of it that mean something, or a sign for them."""
    if re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) and (name.lower() not in _COMMON):
        return True
    said = _words(text)
    meaningful = _name_words(name) - _VERBS
    if not meaningful:
        return False
    return all(
        word in said
        or _SYNONYMS.get(word, set()) & said
        or (word in _SIGNS and re.search(_SIGNS[word], text) is not None)
        for word in meaningful
    )


def _likeness(name: str, tool: Mapping[str, Any], text: str) -> int:
    """How many meaningful words the text shares with a tool's name and description."""
    said = _words(text) - _COMMON
    if _says_name(name, text):
        return len(said) + 1
    return len(said & (_words(str(tool.get("description", ""))) | _name_words(name)) - _COMMON)


def _name_words(name: str) -> set[str]:
    return _words(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " "))


def _words(text: str) -> set[str]:
    """The words of a text, plurals as singulars."""
    return {_PLURAL.sub("", word) for word in re.findall(r"[a-z]+", text.lower())}


def _arguments(tool: Mapping[str, Any], prompt: Prompt) -> str:
    parameters = tool.get("parameters") or {"type": "object", "properties": {}}
    made = instance(parameters, hints=Hints(prompt.question.text), optional=bool(tool.get("strict")))
    return json.dumps(made, ensure_ascii=False)
