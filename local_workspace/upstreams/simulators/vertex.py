"""A simulator of Gemini on Vertex AI: generateContent, whole and streamed, and embeddings, for Google's tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from local_workspace.upstreams.builtin import embeddings, gemini, tokens
from local_workspace.upstreams.builtin.chat_wire import event
from local_workspace.upstreams.simulators import serving, vertex_requests
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from local_workspace.upstreams.simulators.google import GoogleSimulator

_MODELS = "/v1/projects/{project}/locations/{region}/publishers/google/models/{model}"
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
        asked = await _asked(request, google)
        return JSONResponse(gemini.respond(asked, model=request.path_params["model"], created=now()))

    async def stream(request: Request) -> Response:
        asked = await _asked(request, google)
        chunks = gemini.chunks(asked, model=request.path_params["model"], created=now())
        if request.query_params.get("alt") != "sse":
            return JSONResponse(list(chunks))
        return serving.events(map(event, chunks))

    async def predict(request: Request) -> Response:
        _check_token(request, google)
        body = await serving.body_of(request)
        size = int((body.get("parameters") or {}).get("outputDimensionality") or _DIMENSIONS)
        return JSONResponse({"predictions": [_prediction(each, size) for each in body.get("instances") or ()]})

    routes = [
        Route(f"{_MODELS}:generateContent", generate, methods=["POST"]),
        Route(f"{_MODELS}:streamGenerateContent", stream, methods=["POST"]),
        Route(f"{_MODELS}:predict", predict, methods=["POST"]),
    ]
    return serving.application(routes, refuse=_refuse)


async def _asked(request: Request, google: GoogleSimulator) -> dict[str, Any]:
    _check_token(request, google)
    return vertex_requests.chat_request(await serving.body_of(request))


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


def _refuse(refused: RefusedError) -> Response:
    status = _STATUSES.get(refused.status, "INTERNAL")
    error = {"code": refused.status, "message": str(refused), "status": status}
    return JSONResponse({"error": error}, status_code=refused.status)
