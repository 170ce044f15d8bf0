"""A provider's answer in OpenAI's shape: whole, or as a stream of `data:` lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, StreamingResponse

from local_workspace.upstreams.builtin.chat_wire import DONE, event
from local_workspace.upstreams.relay import break_off

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send


class BrokenOffError(Exception):
    """A provider's stream ended before its answer did."""


@dataclass(frozen=True, slots=True)
class Shell:
    """What surrounds an answer: most providers give no time, and some no id.

    Attributes:
        id: What makes it unique.
        model: The model's name.
        created: Its time in seconds since the epoch.
    """

    id: str
    model: str
    created: int

    def of(self, kind: str, *, prefix: str) -> dict[str, Any]:
        """Return the fields of an object of this kind."""
        return {"id": f"{prefix}-{self.id}", "object": kind, "created": self.created, "model": self.model}


@dataclass(frozen=True, slots=True)
class Translated:
    """An answer that was translated.

    Attributes:
        body: The whole answer; None if it is a stream.
        events: The stream's events.
    """

    body: Mapping[str, Any] | None = None
    events: AsyncIterator[bytes] | None = None

    def response(self, headers: Mapping[str, str]) -> Response:
        """The HTTP answer."""
        if self.events is not None:
            return _Streamed(self.events, headers=dict(headers), media_type="text/event-stream")
        return JSONResponse(self.body, headers=dict(headers))


class _Streamed(StreamingResponse):
    """Events until they end, or until the provider breaks off: the connection then closes without a proper end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except* BrokenOffError:
            await break_off(scope)


def chat(completion: Mapping[str, Any], shell: Shell) -> dict[str, Any]:
    """Return what any-llm made of a provider's answer as OpenAI writes a chat completion."""
    choices = [
        {
            "index": choice.get("index", 0),
            "message": _message(choice.get("message") or {}),
            "finish_reason": choice.get("finish_reason") or "stop",
        }
        for choice in completion.get("choices") or ()
    ]
    whole = shell.of("chat.completion", prefix="chatcmpl")
    return {**whole, "choices": choices, "usage": _usage(completion.get("usage"))}


def text(completion: Mapping[str, Any], shell: Shell) -> dict[str, Any]:
    """Return what any-llm made of a provider's answer as one of the older completions API."""
    whole = chat(completion, shell)
    choices = [
        _text_choice(each["message"]["content"] or "", finish=each["finish_reason"]) for each in whole["choices"]
    ]
    return {**whole, **shell.of("text_completion", prefix="cmpl"), "choices": choices}


def embeddings(made: Mapping[str, Any], shell: Shell) -> dict[str, Any]:
    """Return embeddings as OpenAI writes them."""
    spent = _usage(made.get("usage"))
    counts = {name: spent.get(name, 0) for name in ("prompt_tokens", "total_tokens")}
    return {"object": "list", "data": made["data"], "model": shell.model, "usage": counts}


def says_something(choice: Mapping[str, Any]) -> bool:
    """Return whether a chunk's choice brings part of an answer, or its end."""
    return bool(_delta(choice.get("delta") or {}) or choice.get("finish_reason"))


async def stream(chunks: AsyncIterator[Mapping[str, Any]], shell: Shell) -> AsyncIterator[bytes]:
    """Write a chat stream's events: deltas, then a last chunk with the reason it finished and the usage, then `[DONE]`.

    Providers report reason and usage at different moments, some of them twice, and clients add up what they see.
    """
    common = shell.of("chat.completion.chunk", prefix="chatcmpl")
    ending = _Ending()
    role = {"role": "assistant"}
    async for chunk in chunks:
        ending.note(chunk)
        for choice in chunk.get("choices") or ():
            if delta := _delta(choice.get("delta") or {}):
                yield event({**common, "choices": [_choice({**role, **delta})]})
                role = {}
    yield event({**common, "choices": [_choice(role, finish=ending.reason())], **ending.usage()})
    yield DONE


async def text_stream(chunks: AsyncIterator[Mapping[str, Any]], shell: Shell) -> AsyncIterator[bytes]:
    """Write a chat stream's events as those of the older completions API."""
    common = shell.of("text_completion", prefix="cmpl")
    ending = _Ending()
    async for chunk in chunks:
        ending.note(chunk)
        for choice in chunk.get("choices") or ():
            if piece := (choice.get("delta") or {}).get("content"):
                yield event({**common, "choices": [_text_choice(piece)]})
    yield event({**common, "choices": [_text_choice("", finish=ending.reason())], **ending.usage()})
    yield DONE


class _Ending:
    """How a stream ends, gathered from all its chunks."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._spent: dict[str, int] = {}

    def note(self, chunk: Mapping[str, Any]) -> None:
        for name, count in _usage(chunk.get("usage")).items():
            self._spent[name] = max(self._spent.get(name, 0), count)
        for choice in chunk.get("choices") or ():
            self._reason = choice.get("finish_reason") or self._reason

    def reason(self) -> str:
        """Why it finished; a stream that does not say was cut, and must not look complete."""
        if self._reason is None:
            raise BrokenOffError
        return self._reason

    def usage(self) -> dict[str, dict[str, int]]:
        if not self._spent:
            return {}
        total = self._spent["prompt_tokens"] + self._spent["completion_tokens"]
        return {"usage": {**self._spent, "total_tokens": total}}


def _text_choice(piece: str, *, finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "text": piece, "logprobs": None, "finish_reason": finish}


def _choice(delta: Mapping[str, Any], *, finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    calls = message.get("tool_calls")
    written: dict[str, Any] = {"role": "assistant", "content": message.get("content") or (None if calls else "")}
    return {**written, "tool_calls": [_call(call) for call in calls]} if calls else written


def _delta(delta: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"content": delta["content"]} if delta.get("content") else {}
    if calls := delta.get("tool_calls"):
        kept["tool_calls"] = [{"index": call.get("index", 0), **_call(call)} for call in calls]
    return kept


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: call[name] for name in ("id", "type") if call.get(name)}
    function = {name: call["function"][name] for name in ("name", "arguments") if call["function"].get(name)}
    return {**kept, "function": {"arguments": "", **function}}


def _usage(usage: Mapping[str, Any] | None) -> dict[str, int]:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {name: int(usage.get(name) or 0) for name in names} if usage else {}
