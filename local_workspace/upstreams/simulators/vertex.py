"""A simulator of Gemini on Vertex AI: generateContent, whole and streamed, and embeddings, for Google's tokens."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from local_workspace.upstreams.builtin import chat_model, embeddings, tokens
from local_workspace.upstreams.builtin.chat_wire import event
from local_workspace.upstreams.simulators import serving, vertex_requests
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from local_workspace.upstreams.builtin.chat_model import Answer, Choice
    from local_workspace.upstreams.simulators.google import GoogleSimulator

_MODELS = "/v1/projects/{project}/locations/{region}/publishers/google/models/{model}"
_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}
_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_ANONYMOUS = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential."
)
_UNKNOWN_CALLER = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential."
)
_DIMENSIONS = 768


def create_app(*, google: GoogleSimulator, now: Callable[[], float]) -> Starlette:
    """Build the simulator.

    Args:
        google: Who issued the tokens that are accepted.
        now: The time that answers carry, in seconds since the epoch.
    """

    async def generate(request: Request) -> Response:
        made = await _made(request, google)
        return JSONResponse(_whole(made, **_named(request)))

    async def stream(request: Request) -> Response:
        made = await _made(request, google)
        if request.query_params.get("alt") != "sse":
            return JSONResponse(list(_chunks(made, **_named(request))))
        return serving.events(event(chunk) for chunk in _chunks(made, **_named(request)))

    async def predict(request: Request) -> Response:
        _check_token(request, google)
        body = await serving.body_of(request)
        size = int((body.get("parameters") or {}).get("outputDimensionality") or _DIMENSIONS)
        return JSONResponse({"predictions": [_prediction(each, size) for each in body.get("instances") or ()]})

    def _named(request: Request) -> dict[str, str]:
        made_at = datetime.fromtimestamp(now(), tz=UTC).isoformat()
        return {"model": request.path_params["model"], "created": made_at}

    routes = [
        Route(f"{_MODELS}:generateContent", generate, methods=["POST"]),
        Route(f"{_MODELS}:streamGenerateContent", stream, methods=["POST"]),
        Route(f"{_MODELS}:predict", predict, methods=["POST"]),
    ]
    return serving.application(routes, refuse=_refuse)


async def _made(request: Request, google: GoogleSimulator) -> Answer:
    _check_token(request, google)
    return chat_model.answer(vertex_requests.chat_request(await serving.body_of(request)))


def _check_token(request: Request, google: GoogleSimulator) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RefusedError(401, _ANONYMOUS)
    if not google.accepts(token):
        raise RefusedError(401, _UNKNOWN_CALLER)


def _prediction(instance: Mapping[str, Any], size: int) -> dict[str, Any]:
    text = str(instance.get("content", ""))
    statistics = {"token_count": tokens.count(text), "truncated": False}
    return {"embeddings": {"values": embeddings.embed(text, dimensions=size), "statistics": statistics}}


def _whole(made: Answer, *, model: str, created: str) -> dict[str, Any]:
    choice = made.choices[0]
    parts = _parts(choice) or [{"text": ""}]
    return _response(made, parts, model=model, created=created, finish=_REASONS[choice.finish_reason])


def _chunks(made: Answer, *, model: str, created: str) -> Iterator[dict[str, Any]]:
    choice = made.choices[0]
    for piece in choice.pieces:
        yield _response(made, [{"text": piece}], model=model, created=created)
    # Calls come whole, and the last chunk says why it ended.
    last = _parts(choice) if choice.calls else [{"text": ""}]
    yield _response(made, last, model=model, created=created, finish=_REASONS[choice.finish_reason])


def _response(
    made: Answer, parts: list[dict[str, Any]], *, model: str, created: str, finish: str | None = None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}}
    response = {
        "candidates": [candidate],
        "modelVersion": model,
        "createTime": created,
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


def _refuse(refused: RefusedError) -> Response:
    status = _STATUSES.get(refused.status, "INTERNAL")
    error = {"code": refused.status, "message": str(refused), "status": status}
    return JSONResponse({"error": error}, status_code=refused.status)
