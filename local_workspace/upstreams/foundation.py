"""Pay-per-token endpoints, answered by the built-in model in the styles that Databricks' own models have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from local_workspace.upstreams.builtin import chat_model, chat_wire, completions, embeddings, responses
from local_workspace.upstreams.builtin.chat_wire import UsageStyle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

_USAGE_STYLES = {"claude": UsageStyle.NULLS_UNTIL_END, "gpt-5": UsageStyle.FINAL_CHUNK}
"""By a part of the endpoint's name; the others send the running total on each chunk."""


def answer(body: Mapping[str, Any], *, path: str, model: str, created: int, headers: Mapping[str, str]) -> Response:
    """Answer a call to a pay-per-token endpoint.

    Args:
        body: The caller's request, checked.
        path: The API's path: `chat/completions`, `completions`, `embeddings` or `responses`.
        model: The model's name as the answer gives it.
        created: The answer's time in seconds since the epoch.
        headers: More headers for the caller.
    """
    return _ANSWERS[path](body, model, created, dict(headers))


def usage_style(model: str) -> UsageStyle:
    """How a model's streams report usage."""
    return next((style for part, style in _USAGE_STYLES.items() if part in model), UsageStyle.CUMULATIVE)


def _chat(body: Mapping[str, Any], model: str, created: int, headers: dict[str, str]) -> Response:
    made = chat_model.answer(body)
    envelope = chat_wire.Envelope.of(body, model=model, created=created, usage=usage_style(model))
    if body.get("stream"):
        return _events(chat_wire.stream(made, envelope), headers)
    return JSONResponse(chat_wire.completion(made, envelope), headers=headers)


def _completion(body: Mapping[str, Any], model: str, created: int, headers: dict[str, str]) -> Response:
    made = completions.complete(body)
    if body.get("stream"):
        return _events(completions.stream(made, model=model, created=created, include_usage=True), headers)
    logprobs = body.get("logprobs")
    return JSONResponse(completions.completion(made, model=model, created=created, logprobs=logprobs), headers=headers)


def _embedding(body: Mapping[str, Any], model: str, _: int, headers: dict[str, str]) -> Response:
    return JSONResponse(embeddings.embedding_list(body, model=model), headers=headers)


def _response(body: Mapping[str, Any], model: str, created: int, headers: dict[str, str]) -> Response:
    if body.get("stream"):
        return _events(responses.stream(body, model=model, created=created), headers)
    return JSONResponse(responses.respond(body, model=model, created=created), headers=headers)


def _events(chunks: Iterable[bytes], headers: dict[str, str]) -> Response:
    async def one_by_one() -> AsyncIterator[bytes]:  # a plain iterator would go through a thread for each chunk
        for chunk in chunks:
            yield chunk

    return StreamingResponse(one_by_one(), headers=headers, media_type="text/event-stream")


_ANSWERS: dict[str, Callable[[Mapping[str, Any], str, int, dict[str, str]], Response]] = {
    "chat/completions": _chat,
    "completions": _completion,
    "embeddings": _embedding,
    "responses": _response,
}
