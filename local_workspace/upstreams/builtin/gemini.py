"""Gemini's generateContent, answered by the built-in chat model: whole, or as the chunks of a stream."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin.chat_model import answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_workspace.upstreams.builtin.chat_model import Answer, Choice

_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}


def respond(request: Mapping[str, Any], *, model: str, created: float) -> dict[str, Any]:
    """Answer a request whole.

    Args:
        request: The chat request that it means.
        model: The model's name as the answer gives it.
        created: The answer's time in seconds since the epoch.
    """
    made = answer(request)
    choice = made.choices[0]
    parts = _parts(choice) or [{"text": ""}]
    return _response(made, parts, model=model, created=created, finish=_REASONS[choice.finish_reason])


def chunks(request: Mapping[str, Any], *, model: str, created: float) -> Iterator[dict[str, Any]]:
    """Answer a request piece by piece; see `respond`."""
    made = answer(request)
    choice = made.choices[0]
    for piece in choice.pieces:
        yield _response(made, [{"text": piece}], model=model, created=created)
    # Calls come whole, and the last chunk says why it ended.
    last = _parts(choice) if choice.calls else [{"text": ""}]
    yield _response(made, last, model=model, created=created, finish=_REASONS[choice.finish_reason])


def _response(
    made: Answer, parts: list[dict[str, Any]], *, model: str, created: float, finish: str | None = None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}}
    response = {
        "candidates": [candidate],
        "modelVersion": model,
        "createTime": datetime.fromtimestamp(created, tz=UTC).isoformat(),
        "responseId": made.digest,
    }
    if finish is None:
        return response
    candidate["finishReason"] = finish
    spent, given = made.prompt_tokens, made.completion_tokens
    counts = {"promptTokenCount": spent, "candidatesTokenCount": given, "totalTokenCount": spent + given}
    return {**response, "usageMetadata": counts}


def _parts(choice: Choice) -> list[dict[str, Any]]:
    if choice.calls:
        return [{"functionCall": {"name": call.name, "args": json.loads(call.arguments)}} for call in choice.calls]
    return [{"text": choice.text}] if choice.pieces else []
