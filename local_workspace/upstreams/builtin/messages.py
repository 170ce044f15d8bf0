"""Anthropic's Messages API, answered by the built-in chat model: blocks in, blocks out, and its named events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin.chat_model import answer
from local_workspace.upstreams.builtin.chat_wire import event
from local_workspace.upstreams.builtin.messages_input import chat_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_workspace.upstreams.builtin.chat_model import Answer, Choice

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_INPUT_PIECE = 12  # characters of a tool's input in one event


def respond(request: Mapping[str, Any], *, model: str) -> dict[str, Any]:
    """Answer a Messages request whole."""
    made = answer(chat_request(request))
    choice = made.choices[0]
    return {**_message(made, model=model), "content": _blocks(choice), **_ending(choice), "usage": _usage(made)}


def stream(request: Mapping[str, Any], *, model: str) -> Iterator[bytes]:
    """Answer a Messages request as its named server-sent events."""
    made = answer(chat_request(request))
    for body in _events(made, model=model):
        yield f"event: {body['type']}\n".encode() + event(body)


def _message(made: Answer, *, model: str) -> dict[str, Any]:
    """What is known of an answer before its content."""
    return {
        "id": f"msg_{made.digest}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _blocks(choice: Choice) -> list[dict[str, Any]]:
    if choice.calls:
        return [
            {"type": "tool_use", "id": _call_id(call.id), "name": call.name, "input": json.loads(call.arguments)}
            for call in choice.calls
        ]
    return [{"type": "text", "text": choice.text}] if choice.pieces else []


def _call_id(identifier: str) -> str:
    return f"toolu_{identifier.removeprefix('call_')}"


def _ending(choice: Choice) -> dict[str, Any]:
    reason = "stop_sequence" if choice.stopped_by is not None else _STOP_REASONS[choice.finish_reason]
    return {"stop_reason": reason, "stop_sequence": choice.stopped_by}


def _usage(made: Answer) -> dict[str, Any]:
    return {
        "input_tokens": made.prompt_tokens,
        "output_tokens": made.completion_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "service_tier": "standard",
    }


def _events(made: Answer, *, model: str) -> Iterator[dict[str, Any]]:
    choice = made.choices[0]
    # As the real one, the first event reports the prompt's tokens, and the last but one those of the answer.
    yield {
        "type": "message_start",
        "message": {**_message(made, model=model), "usage": {**_usage(made), "output_tokens": 0}},
    }
    for index, block in enumerate(_blocks(choice)):
        yield {"type": "content_block_start", "index": index, "content_block": _opening(block)}
        if index == 0:
            yield {"type": "ping"}
        for delta in _deltas(block, choice):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": _ending(choice), "usage": {"output_tokens": made.completion_tokens}}
    yield {"type": "message_stop"}


def _opening(block: dict[str, Any]) -> dict[str, Any]:
    return {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}


def _deltas(block: dict[str, Any], choice: Choice) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in choice.pieces)
        return
    written = json.dumps(block["input"], ensure_ascii=False)
    for start in range(0, len(written), _INPUT_PIECE):
        yield {"type": "input_json_delta", "partial_json": written[start : start + _INPUT_PIECE]}
