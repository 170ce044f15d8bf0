"""Write an `Answer` in the wire shape of OpenAI's chat completions, whole or as a stream."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin import reasoning, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_workspace.upstreams.builtin.chat_model import Answer, Choice

DONE = b"data: [DONE]\n\n"
_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)  # `dumps` would make one for each chunk
_ARGUMENT_PIECE = 12  # characters of a tool call's arguments in one chunk


class UsageStyle(StrEnum):
    """How a stream reports token usage; servers differ, and clients that sum every report count too much."""

    ON_REQUEST = "on_request"
    """OpenAI: nothing unless `stream_options.include_usage`; then nulls, and a last chunk without choices."""
    CUMULATIVE = "cumulative"
    """Databricks' pay-per-token models: the running total on each chunk, unasked."""
    NULLS_UNTIL_END = "nulls_until_end"
    """Claude on Databricks: `prompt_tokens` with nulls beside it until the last chunk, unasked."""
    FINAL_CHUNK = "final_chunk"
    """GPT on Databricks: one last chunk without choices, unasked."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds an answer on the wire.

    Attributes:
        model: The model's name as the answer gives it.
        created: The answer's time in seconds since the epoch.
        logprobs: How many alternatives to list for each token, or None to leave log probabilities out.
        usage: How a stream reports usage.
        include_usage: Whether the request asked for usage on its stream.
        signed: Whether reasoning carries a signature, as Claude's does.
    """

    model: str
    created: int
    logprobs: int | None = None
    usage: UsageStyle = UsageStyle.ON_REQUEST
    include_usage: bool = False
    signed: bool = False

    @classmethod
    def of(
        cls, request: Mapping[str, Any], *, model: str, created: int, usage: UsageStyle = UsageStyle.ON_REQUEST
    ) -> Envelope:
        """Read from a chat request what it says about the form of its answer."""
        options = request.get("stream_options") or {}
        return cls(
            model=model,
            created=created,
            logprobs=int(request.get("top_logprobs") or 0) if request.get("logprobs") else None,
            usage=usage,
            include_usage=bool(options.get("include_usage")),
        )


def completion(answer: Answer, envelope: Envelope) -> dict[str, Any]:
    """The whole answer as one `chat.completion` object."""
    return {
        "id": f"chatcmpl-{answer.digest}",
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": [
            {
                "index": index,
                "message": _message(choice, signed=envelope.signed),
                "logprobs": None if envelope.logprobs is None else _logprobs(choice.pieces, envelope.logprobs),
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(answer.choices)
        ],
        "usage": _total(answer),
    }


def stream(answer: Answer, envelope: Envelope) -> Iterator[bytes]:
    """The answer as server-sent events: a `data:` line for each chunk and `[DONE]` at the end."""
    shell = {
        "id": f"chatcmpl-{answer.digest}",
        "object": "chat.completion.chunk",
        "created": envelope.created,
        "model": envelope.model,
    }
    spent = 0
    deltas = list(_deltas(answer, envelope))
    for index, (choices, cost) in enumerate(deltas):
        spent += cost
        usage = _usage_on_chunk(answer, envelope, spent=spent, is_last=index == len(deltas) - 1)
        yield event({**shell, "choices": choices, **usage})
    if envelope.usage is UsageStyle.FINAL_CHUNK or (envelope.usage is UsageStyle.ON_REQUEST and envelope.include_usage):
        yield event({**shell, "choices": [], "usage": _total(answer)})
    yield DONE


def event(body: Mapping[str, Any]) -> bytes:
    """One server-sent event without a name."""
    return b"data: " + compact(body) + b"\n\n"


def compact(body: Mapping[str, Any]) -> bytes:
    """A JSON object without spaces, as servers write it."""
    return _encoder.encode(body).encode()


def usage_counts(prompt: int, completion: int, *, thoughts: int = 0) -> dict[str, Any]:
    """Token counts that add up, with the details that OpenAI's own answers carry."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thoughts,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _total(answer: Answer) -> dict[str, Any]:
    thoughts = sum(len(choice.thoughts) for choice in answer.choices)
    return {**usage_counts(answer.prompt_tokens, answer.completion_tokens, thoughts=thoughts), **answer.cached}


def _message(choice: Choice, *, signed: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None if choice.calls else choice.text, "refusal": None}
    if choice.thoughts:
        thoughts = "".join(choice.thoughts)
        said = [] if choice.calls else [{"type": "text", "text": choice.text}]
        signature = reasoning.signature(thoughts) if signed else None
        message["content"] = [reasoning.block(thoughts, signed=signature), *said]
    if choice.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in choice.calls
        ]
    return message


def _logprobs(pieces: tuple[str, ...], alternatives: int, *, start: int = 0) -> dict[str, Any]:
    return {
        "content": [
            {
                **_token(piece, position=start + offset),
                "top_logprobs": [
                    _token(piece if rank == 0 else f"{piece}{'·' * rank}", position=start + offset, rank=rank)
                    for rank in range(alternatives)
                ],
            }
            for offset, piece in enumerate(pieces)
        ],
        "refusal": None,
    }


def _token(piece: str, *, position: int, rank: int = 0) -> dict[str, Any]:
    logprob = tokens.log_probability(piece, position=position, rank=rank)
    return {"token": piece, "logprob": logprob, "bytes": list(piece.encode())}


def _deltas(answer: Answer, envelope: Envelope) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Each chunk's choices with its cost in tokens; several answers come interleaved, as OpenAI sends them."""
    each = [_choice_deltas(index, choice, envelope) for index, choice in enumerate(answer.choices)]
    for together in zip_longest(*each):
        for delta in together:
            if delta is not None:
                yield delta


def _choice_deltas(index: int, choice: Choice, envelope: Envelope) -> Iterator[tuple[list[dict[str, Any]], int]]:
    opening = {"role": "assistant", "content": None if choice.calls else "", "refusal": None}
    yield _chunk(index, opening), 0
    for piece in choice.thoughts:
        yield _chunk(index, {"content": [reasoning.block(piece)]}), 1
    if choice.thoughts and envelope.signed:
        signature = reasoning.signature("".join(choice.thoughts))
        yield _chunk(index, {"content": [reasoning.block("", signed=signature)]}), 0
    for position, piece in enumerate(choice.pieces):
        wanted = envelope.logprobs
        logprobs = None if wanted is None else _logprobs((piece,), wanted, start=position)
        yield _chunk(index, {"content": piece}, logprobs=logprobs), 1
    for position, call in enumerate(choice.calls):
        named = {"index": position, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield _chunk(index, {"tool_calls": [named]}), tokens.count(call.name) + tokens.count(call.arguments)
        for start in range(0, len(call.arguments), _ARGUMENT_PIECE):
            piece = call.arguments[start : start + _ARGUMENT_PIECE]
            yield _chunk(index, {"tool_calls": [{"index": position, "function": {"arguments": piece}}]}), 0
    yield _chunk(index, {}, finish=choice.finish_reason), 0


def _chunk(
    index: int, delta: dict[str, Any], *, finish: str | None = None, logprobs: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    return [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}]


def _usage_on_chunk(answer: Answer, envelope: Envelope, *, spent: int, is_last: bool) -> dict[str, Any]:
    match envelope.usage:
        case UsageStyle.ON_REQUEST:
            return {"usage": None} if envelope.include_usage else {}
        case UsageStyle.CUMULATIVE:
            return {"usage": _plain_counts(answer.prompt_tokens, spent)}
        case UsageStyle.NULLS_UNTIL_END if is_last:
            return {"usage": {**_plain_counts(answer.prompt_tokens, spent), **answer.cached}}
        case UsageStyle.NULLS_UNTIL_END:
            nulls = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": None, "total_tokens": None}
            return {"usage": nulls}
        case UsageStyle.FINAL_CHUNK:
            return {}


def _plain_counts(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
