"""A simulator of Anthropic's Messages API: the built-in model behind a real check of the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from local_workspace.upstreams.builtin import messages
from local_workspace.upstreams.simulators import anthropic_requests, serving
from local_workspace.upstreams.simulators.keys import KeyCheck
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


def create_app(*, key: str | None = None) -> Starlette:
    """Build the simulator.

    Args:
        key: The only key to accept; None accepts any that looks like Anthropic's (`sk-…`, but not `sk-invalid…`).
    """
    keys = KeyCheck(key, prefix="sk-")

    async def message(request: Request) -> Response:
        _check_caller(request, keys)
        body = await serving.body_of(request)
        anthropic_requests.check_messages(body)
        if body.get("stream"):
            return serving.events(messages.stream(body, model=body["model"]))
        return JSONResponse(messages.respond(body, model=body["model"]))

    return serving.application([Route("/v1/messages", message, methods=["POST"])], refuse=_refuse)


def _check_caller(request: Request, keys: KeyCheck) -> None:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")  # newer clients send one
    key = request.headers.get("x-api-key") or bearer
    if not key:
        raise RefusedError(401, "x-api-key header is required")
    if not keys.accepts(key):
        raise RefusedError(401, "invalid x-api-key")
    if not request.headers.get("anthropic-version"):
        raise RefusedError(400, "anthropic-version: header is required")


def _refuse(refused: RefusedError) -> Response:
    error = {"type": _TYPES.get(refused.status, "api_error"), "message": str(refused)}
    return JSONResponse({"type": "error", "error": error}, status_code=refused.status)
