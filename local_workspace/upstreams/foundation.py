"""Pay-per-token endpoints, answered by the built-in model in the styles that Databricks' own models have."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from local_workspace.errors import bad_request
from local_workspace.upstreams.builtin import (
    chat_model,
    chat_wire,
    completions,
    embeddings,
    gemini,
    messages,
    reasoning,
    responses,
)
from local_workspace.upstreams.builtin.chat_wire import Envelope, UsageStyle, event
from local_workspace.upstreams.simulators import anthropic_requests, fields, openai_requests, vertex_requests
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
_USAGE_STYLES = {"claude": UsageStyle.NULLS_UNTIL_END, "gpt-5": UsageStyle.FINAL_CHUNK}
"""By a part of the endpoint's name; the others send the running total on each chunk."""


def answer(
    body: Mapping[str, Any],
    *,
    path: str,
    model: str,
    created: int,
    headers: Mapping[str, str],
    usage: UsageStyle | None = None,
) -> Response:
    """Answer a call to a pay-per-token endpoint.

    Args:
        body: The caller's request, as `check` lets it pass.
        path: The API's path: `chat/completions`, `completions`, `embeddings`, `responses`, `messages`,
            `generateContent` or `streamGenerateContent`.
        model: The model's name as the answer gives it.
        created: The answer's time in seconds since the epoch.
        headers: More headers for the caller.
        usage: How a stream reports usage; None: as this model's family does.

    Raises:
        ApiError: A signature is forged.
    """
    envelope = Envelope.of(body, model=model, created=created, usage=usage or usage_style(model))
    return _ANSWERS[path](body, envelope, dict(headers))


def check(body: Mapping[str, Any], *, path: str) -> None:
    """Check a call to a pay-per-token endpoint, whatever model answers it.

    Raises:
        ApiError: A field has the wrong type or range.
    """
    try:
        _CHECKS[path](body)
    except RefusedError as refused:
        raise bad_request(f"Bad request: {refused}") from None


def usage_style(model: str) -> UsageStyle:
    """How a model's streams report usage."""
    return next((style for part, style in _USAGE_STYLES.items() if part in model), UsageStyle.CUMULATIVE)


def _chat(body: Mapping[str, Any], envelope: Envelope, headers: dict[str, str]) -> Response:
    is_claude = "claude" in envelope.model
    if is_claude and (place := reasoning.forged(body["messages"])) is not None:
        raise bad_request(f"Bad request: {place}: Invalid `signature` in `thinking` block")
    made = chat_model.answer(body, reasons=True, caches=is_claude)
    envelope = replace(envelope, signed=is_claude)
    if body.get("stream"):
        return _events(chat_wire.stream(made, envelope), headers)
    return JSONResponse(chat_wire.completion(made, envelope), headers=headers)


def _completion(body: Mapping[str, Any], envelope: Envelope, headers: dict[str, str]) -> Response:
    made = completions.complete(body)
    model, created = envelope.model, envelope.created
    if body.get("stream"):
        return _events(completions.stream(made, model=model, created=created, include_usage=True), headers)
    logprobs = body.get("logprobs")
    return JSONResponse(completions.completion(made, model=model, created=created, logprobs=logprobs), headers=headers)


def _embedding(body: Mapping[str, Any], envelope: Envelope, headers: dict[str, str]) -> Response:
    return JSONResponse(embeddings.embedding_list(body, model=envelope.model), headers=headers)


def _response(body: Mapping[str, Any], envelope: Envelope, headers: dict[str, str]) -> Response:
    model, created = envelope.model, envelope.created
    if body.get("stream"):
        return _events(responses.stream(body, model=model, created=created), headers)
    return JSONResponse(responses.respond(body, model=model, created=created), headers=headers)


def _message(body: Mapping[str, Any], envelope: Envelope, headers: dict[str, str]) -> Response:
    if body.get("stream"):
        return _events(messages.stream(body, model=envelope.model), headers)
    return JSONResponse(messages.respond(body, model=envelope.model), headers=headers)


def _content(body: Mapping[str, Any], envelope: Envelope, headers: dict[str, str]) -> Response:
    asked = vertex_requests.chat_request(body)
    return JSONResponse(gemini.respond(asked, model=envelope.model, created=envelope.created), headers=headers)


def _streamed_content(body: Mapping[str, Any], envelope: Envelope, headers: dict[str, str]) -> Response:
    asked = vertex_requests.chat_request(body)
    return _events(map(event, gemini.chunks(asked, model=envelope.model, created=envelope.created)), headers)


def _events(chunks: Iterable[bytes], headers: dict[str, str]) -> Response:
    async def one_by_one() -> AsyncIterator[bytes]:  # a plain iterator would go through a thread for each chunk
        for chunk in chunks:
            yield chunk

    return StreamingResponse(one_by_one(), headers=headers, media_type="text/event-stream")


_COMPLETION = replace(openai_requests.COMPLETION, required=("prompt",), is_open=True)
_EMBEDDING = replace(openai_requests.EMBEDDING, required=("input",), is_open=True)
_CHECKS: dict[str, Callable[[Mapping[str, Any]], object]] = {
    "chat/completions": partial(fields.check, rule=openai_requests.LENIENT_CHAT),
    "completions": partial(fields.check, rule=_COMPLETION),
    "embeddings": partial(fields.check, rule=_EMBEDDING),
    "responses": partial(fields.check, rule=replace(openai_requests.RESPONSE, is_open=True)),
    "messages": anthropic_requests.check_messages,
    "generateContent": vertex_requests.chat_request,
    "streamGenerateContent": vertex_requests.chat_request,
}
_ANSWERS: dict[str, Callable[[Mapping[str, Any], Envelope, dict[str, str]], Response]] = {
    "chat/completions": _chat,
    "completions": _completion,
    "embeddings": _embedding,
    "responses": _response,
    "messages": _message,
    "generateContent": _content,
    "streamGenerateContent": _streamed_content,
}
