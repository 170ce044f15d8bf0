"""An answer, whole (`Answer`) or in pieces (`Chunk`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chat.messages.content import Content, reasoning_beside

if TYPE_CHECKING:
    from chat.messages.usage import Usage

_READ = frozenset({"role", "content", "tool_calls", "refusal", "reasoning", "reasoning_content"})


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for.

    Attributes:
        id: the call's id, to be sent back with the result.
        name: the function's name.
        arguments: its arguments as the model wrote them: a JSON text, not always a valid one.
    """

    id: str
    name: str
    arguments: str

    def as_message(self) -> dict[str, object]:
        """Write the call as it goes back to the model in the next turn."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call in a stream.

    Attributes:
        index: which call of the answer this continues, counted from 0.
        id: the call's id; only its first piece has one.
        name: the function's name; only its first piece has one.
        arguments: the next piece of the JSON text.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the `n` answers that were asked for.

    Attributes:
        content: what goes back to the model in the next turn: a string, or blocks with their signatures.
        text: the text without reasoning.
        reasoning: the reasoning's text, if the model shows it.
        tool_calls: the calls that the model asks for.
        finish_reason: why it stopped (`stop`, `length`, `tool_calls`, `content_filter`).
        refusal: what the model said instead of an answer that it refused to give.
        logprobs: the API's own object, if asked for.
        index: its place among the choices.
        extras: what else the message says (`audio`, `annotations`, a legacy `function_call`), as the API puts it.
    """

    content: str | list[dict[str, object]] = ""
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    refusal: str | None = None
    logprobs: Mapping[str, object] | None = None
    index: int = 0
    extras: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> dict[str, object]:
        """The assistant message to put into the history for the next turn."""
        message: dict[str, object] = {"role": "assistant", "content": self.content}
        if self.tool_calls:
            message["tool_calls"] = [each.as_message() for each in self.tool_calls]
            # Claude refuses an empty text next to tool calls (databricks-ai-bridge PR 333); null is accepted by all.
            message["content"] = self.content or None
        return message


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint answered. `str(answer)` is its text.

    Attributes:
        choices: at least one; the properties below read the first.
        usage: the tokens used, or None if the endpoint did not say.
        model: the model that answered, which is not the endpoint's name (`gpt-4o-2024-11-20`).
        id: the answer's id, if it has one.
        metadata: what came with it (`request_id`, `served_model`, `endpoint`, `fallback_from`, `custom_outputs`).
    """

    choices: tuple[Choice, ...]
    usage: Usage | None = None
    model: str | None = None
    id: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The text without reasoning."""
        return self.choices[0].text

    @property
    def reasoning(self) -> str:
        """The reasoning's text, if the model shows it."""
        return self.choices[0].reasoning

    @property
    def content(self) -> str | list[dict[str, object]]:
        """The content as it must go back to the model: a string, or blocks with their signatures."""
        return self.choices[0].content

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls that the model asks for."""
        return self.choices[0].tool_calls

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped (`stop`, `length`, `tool_calls`, `content_filter`)."""
        return self.choices[0].finish_reason

    @property
    def logprobs(self) -> Mapping[str, object] | None:
        """The log probabilities, if asked for."""
        return self.choices[0].logprobs

    @property
    def message(self) -> dict[str, object]:
        """The assistant message to put into the history for the next turn."""
        return self.choices[0].message


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer. `str(chunk)` is its text, so `print(chunk, end="")` shows a stream.

    Attributes:
        text: the next piece of text.
        reasoning: the next piece of reasoning.
        content: the delta's own blocks, where the endpoint sends blocks; else empty.
        tool_calls: pieces of tool calls.
        finish_reason: why the model stopped, on the last piece of a choice.
        usage: the whole answer's tokens; on the stream's last chunk only, however often the server repeats it.
        logprobs: the log probabilities of this piece.
        index: which of the `n` choices this belongs to.
        id: the answer's id, if it has one.
        model: the model that answers.
        last: whether this ends the stream; it carries no text then.
    """

    text: str = ""
    reasoning: str = ""
    content: tuple[Mapping[str, object], ...] = ()
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    logprobs: Mapping[str, object] | None = None
    index: int = 0
    id: str | None = None
    model: str | None = None
    last: bool = False

    def __str__(self) -> str:
        return self.text

    @property
    def empty(self) -> bool:
        """Whether it says nothing: a stream's opening, or a mere sign of life."""
        return not (self.text or self.reasoning or self.content or self.tool_calls or self.finish_reason or self.last)


def read_choice(choice: Mapping[str, object], *, index: int = 0) -> Choice:
    """Read one entry of an answer's `choices` (or, for a legacy completion, its bare `text`).

    Args:
        choice: the API's object.
        index: its place, for endpoints that do not say it themselves.
    """
    message = choice.get("message")
    if not isinstance(message, Mapping):
        message = {"content": choice.get("text")}
    content = Content()
    if thoughts := reasoning_beside(message):
        content.add_reasoning(thoughts)
    content.add(message.get("content"))
    logprobs = choice.get("logprobs")
    return Choice(
        content=content.value,
        text=content.text,
        reasoning=content.reasoning,
        tool_calls=read_tool_calls(message.get("tool_calls")),
        finish_reason=_text(choice.get("finish_reason")),
        refusal=_text(message.get("refusal")),
        logprobs=logprobs if isinstance(logprobs, Mapping) else None,
        index=int(place) if isinstance(place := choice.get("index"), int) else index,
        extras=extras_of(message),
    )


def extras_of(message: Mapping[str, object]) -> dict[str, object]:
    """Read what a message or a delta says that no attribute of an answer stands for; what is empty says nothing."""
    return {name: value for name, value in message.items() if name not in _READ and value}


def read_tool_calls(calls: object) -> tuple[ToolCall, ...]:
    """Read a message's `tool_calls`; null and entries without a function are passed over."""
    if not isinstance(calls, Sequence) or isinstance(calls, str):
        return ()
    found = []
    for position, call in enumerate(calls):
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            name, arguments = str(function.get("name") or ""), arguments_of(function)
            found.append(ToolCall(str(call.get("id") or f"call_{position}"), name, arguments))
    return tuple(found)


def arguments_of(function: Mapping[str, object]) -> str:
    """Read a function's arguments, or a piece of them: a JSON text, or (from some servers) the object itself."""
    arguments = function.get("arguments")
    if isinstance(arguments, str) or arguments is None:
        return arguments or ""
    return json.dumps(arguments, ensure_ascii=False)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
