"""The built-in chat model: a request in OpenAI's shape in, an answer out, the same every time."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin import prompt_cache, reasoning, structured, tokens, tool_calls
from local_workspace.upstreams.builtin.prompt import read_prompt
from local_workspace.upstreams.builtin.replies import reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_workspace.upstreams.builtin.prompt import Prompt
    from local_workspace.upstreams.builtin.tool_calls import ToolCall

_TRANSPORT_FIELDS = frozenset({"stream", "stream_options", "model", "user", "store", "metadata"})
"""Fields that change how an answer travels but not what it says: streamed or not, the words are the same."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers asked for: text or tool calls, and why it ended."""

    pieces: tuple[str, ...]
    """The text in tokens; joined, they are the text."""
    calls: tuple[ToolCall, ...]
    finish_reason: str
    stopped_by: str | None = None
    """Which of the request's `stop` marks ended the text."""
    thoughts: tuple[str, ...] = ()
    """What the model shows of its reasoning, in tokens."""

    @property
    def text(self) -> str:
        """The text of the answer, empty when it is tool calls."""
        return "".join(self.pieces)

    @property
    def token_count(self) -> int:
        """What this choice adds to `completion_tokens`."""
        written = len(self.thoughts) + len(self.pieces)
        return written + sum(tokens.count(call.name) + tokens.count(call.arguments) for call in self.calls)


@dataclass(frozen=True, slots=True)
class Answer:
    """All the choices of one answer, with an id that its request determines."""

    digest: str
    choices: tuple[Choice, ...]
    prompt_tokens: int
    cached: Mapping[str, int] = field(default_factory=dict)
    """What a prompt cache made of the prompt, in usage's own fields; empty where there is none."""

    @property
    def completion_tokens(self) -> int:
        """The tokens of all choices together."""
        return sum(choice.token_count for choice in self.choices)


def answer(request: Mapping[str, Any], *, reasons: bool = False, caches: bool = False) -> Answer:
    """Answer a chat request.

    Args:
        request: A body of OpenAI's chat completions API; see its reference for the fields. Those that a stricter
            door should refuse are tolerated here.
        reasons: Whether to show reasoning where it is asked for.
        caches: Whether to heed the marks of a prompt cache.
    """
    prompt = read_prompt(request.get("messages") or ())
    digest = _digest(request)
    seed = int(request.get("seed") or 0)
    choices = [
        _choose(request, prompt, variant=seed + index, digest=f"{digest}{index}")
        for index in range(int(request.get("n") or 1))
    ]
    if reasons and reasoning.is_asked_for(request):
        thoughts = tokens.split(reasoning.thoughts(prompt))
        choices = [replace(choice, thoughts=thoughts) for choice in choices]
    return Answer(
        digest=digest,
        choices=tuple(choices),
        prompt_tokens=_prompt_tokens(request, prompt),
        cached=prompt_cache.counts(request.get("messages") or (), prompt) if caches else {},
    )


def text_choice(text: str, *, max_tokens: int | None, stop: str | Sequence[str] | None) -> Choice:
    """Cut a text as `stop` and `max_tokens` demand, in that order, and say why it ended."""
    marks = [stop] if isinstance(stop, str) else list(stop or ())
    cuts = [(position, mark) for mark in marks if mark and (position := text.find(mark)) >= 0]
    end, stopped_by = min(cuts, default=(len(text), None))
    pieces = tokens.split(text[:end])
    if max_tokens is not None and len(pieces) > max_tokens:
        return Choice(pieces=pieces[:max_tokens], calls=(), finish_reason="length")
    return Choice(pieces=pieces, calls=(), finish_reason="stop", stopped_by=stopped_by)


def _choose(request: Mapping[str, Any], prompt: Prompt, *, variant: int, digest: str) -> Choice:
    if calls := tool_calls.choose(request, prompt, digest=digest):
        return Choice(pieces=(), calls=calls, finish_reason="tool_calls")
    text = structured.reply(request.get("response_format"), prompt)
    if text is None:
        text = reply(prompt, variant=variant)
    limit = request.get("max_completion_tokens")
    if limit is None:
        limit = request.get("max_tokens")
    return text_choice(text, max_tokens=limit, stop=request.get("stop"))


def _digest(request: Mapping[str, Any]) -> str:
    what_is_asked = {name: value for name, value in request.items() if name not in _TRANSPORT_FIELDS}
    canonical = json.dumps(what_is_asked, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=12).hexdigest()


def _prompt_tokens(request: Mapping[str, Any], prompt: Prompt) -> int:
    offered = request.get("tools") or request.get("functions")
    cost_of_tools = tokens.count(json.dumps(offered)) if offered else 0
    return sum(turn.token_count for turn in prompt.turns) + cost_of_tools
