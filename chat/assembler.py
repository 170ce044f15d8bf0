"""A stream's objects, turned into chunks as they come and into one answer at the end; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from chat.messages import Answer, Choice, Chunk, Content, ToolCall, ToolCallDelta, Usage
from chat.messages.answer import arguments_of, extras_of
from chat.messages.content import blocks_of, reasoning_beside, reasoning_of, text_of
from chat.messages.usage import UsageReport


class Assembler:
    """Assembles the answer of one stream.

    Each object of the stream goes to `add`, which returns the chunk it makes, if any. Usage is held back: endpoints
    repeat it on every chunk, leave it null until the end or send it last, and only the last word is true. `last`
    returns it once, when the stream is over.
    """

    def __init__(self) -> None:
        self._choices: dict[int, _Growing] = {}
        self._usage = UsageReport()
        self._parts: list[Usage | None] = []
        self._id: str | None = None
        self._model: str | None = None
        self._extras: dict[str, object] = {}

    @property
    def begun(self) -> bool:
        """Whether anything of an answer has come: from here on, a new attempt would say it twice."""
        return any(choice.begun for choice in self._choices.values())

    @property
    def finished(self) -> bool:
        """Whether every choice that began has said why it ended."""
        return bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())

    def add(self, payload: Mapping[str, object]) -> list[Chunk]:
        """Take in the stream's next object.

        Args:
            payload: a chat completion chunk, or a ChatAgent's chunk (a bare `delta`).

        Returns:
            The chunks it makes: one for each choice in it, none for an object that only reports usage.
        """
        if (usage := payload.get("usage")) is not None:
            self._usage.add(usage)
        if self._id is None and isinstance(identity := payload.get("id"), str):
            self._id = identity
        if self._model is None and isinstance(model := payload.get("model"), str):
            self._model = model
        for name in ("custom_outputs", "system_fingerprint", "service_tier"):
            if payload.get(name) is not None:
                self._extras[name] = payload[name]
        choices = payload.get("choices")
        if choices is None and isinstance(payload.get("delta"), Mapping):
            choices = [payload]
        if not isinstance(choices, list):
            return []
        return [self._piece(choice) for choice in choices if isinstance(choice, Mapping)]

    def next_part(self) -> Usage | None:
        """Begin the next part of an answer that several streams bring, each with a usage of its own.

        Returns:
            What the part before used, if the endpoint reported it.
        """
        before = self._usage.total()
        self._parts.append(before)
        self._usage = UsageReport()
        return before

    def last(self) -> Chunk:
        """The chunk that ends the stream: no text, but the whole answer's usage, if the endpoint reported it."""
        return Chunk(usage=self._used(), id=self._id, model=self._model, last=True)

    def answer(self, metadata: Mapping[str, object] | None = None) -> Answer:
        """The answer as far as it has come.

        Args:
            metadata: what the response's headers add to it.
        """
        grown = [self._choices[index].choice(index) for index in sorted(self._choices)]
        return Answer(
            choices=tuple(grown) or (Choice(),),
            usage=self._used(),
            model=self._model,
            id=self._id,
            metadata={**(metadata or {}), **self._extras},
        )

    def _used(self) -> Usage | None:
        """The usage of all parts; None if one of them did not say, since a sum without it would be too little."""
        total = self._usage.total()
        for part in self._parts:
            total = None if total is None or part is None else total + part
        return total

    def _piece(self, choice: Mapping[str, object]) -> Chunk:
        place = choice.get("index")
        index = place if isinstance(place, int) else 0
        growing = self._choices.get(index)
        if growing is None:
            growing = self._choices[index] = _Growing()
        delta = choice.get("delta")
        if not isinstance(delta, Mapping):
            delta = (
                choice.get("message") if isinstance(choice.get("message"), Mapping) else {"content": choice.get("text")}
            )
        return growing.add(choice, cast("Mapping[str, object]", delta), index, self._id, self._model)


class _Growing:
    """One choice while its pieces come in."""

    def __init__(self) -> None:
        self._content = Content()
        self._calls: dict[int, ToolCallDelta] = {}
        self._places: dict[int, int] = {}
        self._logprobs: dict[str, list[object]] = {}
        self._extras: dict[str, object] = {}
        self._refusal = ""
        self.finish_reason: str | None = None
        self.begun = False

    def add(
        self,
        choice: Mapping[str, object],
        delta: Mapping[str, object],
        index: int,
        identity: str | None,
        model: str | None,
    ) -> Chunk:
        piece = delta.get("content")
        text = reasoning = ""
        blocks: tuple[Mapping[str, object], ...] = ()
        if isinstance(piece, str):
            text = piece
        elif piece:
            blocks = tuple(blocks_of(piece))
            text, reasoning = "".join(map(text_of, blocks)), "".join(map(reasoning_of, blocks))
        if thoughts := reasoning_beside(delta):
            reasoning += thoughts
            self._content.add_reasoning(thoughts)
        if piece:
            self._content.add(piece)
        calls = self._tool_calls(delta["tool_calls"]) if delta.get("tool_calls") else ()
        if isinstance(refusal := delta.get("refusal"), str):
            self._refusal += refusal
        for name, extra in extras_of(delta).items():
            self._extras[name] = _extended(self._extras.get(name), extra, name)
        reason = choice.get("finish_reason")
        if ends := isinstance(reason, str) and reason not in {"", self.finish_reason}:  # some say it again and again
            self.finish_reason = reason
        self.begun = self.begun or bool(text or reasoning or blocks or calls or self._refusal or self.finish_reason)
        logprobs = choice.get("logprobs")
        return Chunk(
            text=text,
            reasoning=reasoning,
            content=blocks,
            tool_calls=calls,
            finish_reason=self.finish_reason if ends else None,
            logprobs=self._collected(logprobs) if isinstance(logprobs, Mapping) else None,
            index=index,
            id=identity,
            model=model,
        )

    def choice(self, index: int) -> Choice:
        return Choice(
            content=self._content.value,
            text=self._content.text,
            reasoning=self._content.reasoning,
            tool_calls=tuple(
                ToolCall(each.id or f"call_{each.index}", each.name or "", each.arguments or _NO_ARGUMENTS)
                for each in (self._calls[position] for position in sorted(self._calls))
            ),
            finish_reason=self.finish_reason,
            refusal=self._refusal or None,
            logprobs=self._logprobs or None,
            index=index,
            extras=self._extras,
        )

    def _collected(self, logprobs: Mapping[str, object]) -> Mapping[str, object]:
        for name, entries in logprobs.items():
            if isinstance(entries, list):
                self._logprobs.setdefault(name, []).extend(entries)
        return logprobs

    def _tool_calls(self, pieces: object) -> tuple[ToolCallDelta, ...]:
        deltas = []
        for position, piece in enumerate(pieces if isinstance(pieces, list) else ()):
            if not isinstance(piece, Mapping):
                continue
            function = piece.get("function") if isinstance(piece.get("function"), Mapping) else {}
            delta = self._delta(piece, cast("Mapping[str, object]", function), position)
            before = self._calls.get(delta.index)
            self._calls[delta.index] = delta if before is None else _continued(before, delta)
            deltas.append(delta)
        return tuple(deltas)

    def _delta(self, piece: Mapping[str, object], function: Mapping[str, object], position: int) -> ToolCallDelta:
        place = told if isinstance(told := piece.get("index"), int) else position
        index = self._places.get(place, place)
        before = self._calls.get(index)
        if before is not None and _is_another(before, piece.get("id"), function.get("name")):
            # Gemini gives all calls of an answer the same index, or none.
            index = self._places[place] = max(self._calls) + 1
            before = None
        arguments = arguments_of(function)
        if before is None and arguments == _NO_ARGUMENTS:
            # Claude may stream "{}" ahead of the real arguments: said aloud, it would spoil what follows.
            arguments = ""
        identity = str(piece["id"]) if piece.get("id") and (before is None or not before.id) else None
        name = str(function["name"]) if function.get("name") and (before is None or not before.name) else None
        return ToolCallDelta(index, identity, name, arguments)


_NO_ARGUMENTS = "{}"
_WHOLE = frozenset({"id", "name", "type"})
"""Extras that are said as a whole: where they are said again, nothing is added."""


def _extended(before: object, piece: object, name: str) -> object:
    """Add a piece to an extra, as `audio` and `function_call` come: objects whose texts and lists grow."""
    if isinstance(before, dict) and isinstance(piece, dict):
        return {**before, **{key: _appended(before.get(key), value, key) for key, value in piece.items()}}
    return _appended(before, piece, name)


def _appended(before: object, piece: object, name: str) -> object:
    if isinstance(before, str) and isinstance(piece, str) and name not in _WHOLE:
        return before + piece
    return [*before, *piece] if isinstance(before, list) and isinstance(piece, list) else piece


def _is_another(before: ToolCallDelta, identity: object, name: object) -> bool:
    """Whether a piece that names its function begins another call: some servers name it, or make up an id, in each."""
    if not name or not before.name:
        return False
    return identity != before.id if identity and before.id else name != before.name


def _continued(before: ToolCallDelta, piece: ToolCallDelta) -> ToolCallDelta:
    return ToolCallDelta(
        before.index, before.id or piece.id, before.name or piece.name, f"{before.arguments}{piece.arguments}"
    )
