"""One API call as a handler sees it, and the way a handler becomes a route."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_workspace.errors import ApiError, invalid, malformed
from local_workspace.resources.endpoint_view import Shown

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from local_workspace.custom_models import CustomModels
    from local_workspace.resources.identities import Identity
    from local_workspace.workspace import Workspace

_LARGEST_BODY = 16 << 20


@dataclass(frozen=True)
class Call:
    """An authenticated API call.

    Attributes:
        workspace: the workspace that the caller's token belongs to.
        identity: who calls.
        path: the path's parameters.
        body: the JSON object that was sent, keys included; empty if there was none.
        custom_models: the server's, where they run.
    """

    workspace: Workspace
    identity: Identity
    path: Mapping[str, str]
    body: Mapping[str, Any] = field(repr=False)
    custom_models: CustomModels
    _request: Request = field(repr=False)

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters."""
        return self._request.query_params

    @property
    def base_url(self) -> str:
        """The server's scheme, host and port, as the caller names them."""
        return str(self._request.base_url).rstrip("/")

    def required(self, name: str) -> str:
        """Return a text that must be given, from the body or the query.

        Raises:
            ApiError: INVALID_PARAMETER_VALUE: it is missing, empty or no text.
        """
        value = self.optional(name)
        if not value:
            raise invalid(f"Missing required field: {name}")
        return value

    def optional(self, name: str) -> str | None:
        """Return a text that may be given, or None.

        Raises:
            ApiError: INVALID_PARAMETER_VALUE: it is no text.
        """
        value = self.body[name] if name in self.body else self.query.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(f"Field {name} must be a string.")
        return value


Handler = Callable[[Call], Mapping[str, Any] | Response]


class Handled:
    """A handler as Starlette calls it, and what the OpenAPI document says of it.

    Args:
        handler: a plain function. It runs in the event loop: what it does is a few SQLite statements, one call
            after the other, so that no two writes interleave.
        takes: the JSON Schema of the body, if it takes one.
        asks: the query parameters that must be given.
    """

    def __init__(self, handler: Handler, *, takes: Mapping[str, Any] | None, asks: tuple[str, ...]) -> None:
        self._handler = handler
        self.takes = takes
        self.asks = asks
        self.summary = (handler.__doc__ or "").partition("\n")[0]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: a mapping as JSON, a response as it is."""
        call = await _call(Request(scope, receive))
        try:
            answer = self._handler(call)
        except RecursionError:
            raise malformed("The request is nested too deeply.") from None
        await _response(answer)(scope, receive, send)


def route(
    method: str,
    path: str,
    handler: Handler,
    *,
    takes: Mapping[str, Any] | None = None,
    asks: tuple[str, ...] = (),
) -> Route:
    """Make a handler answer a route; an `ApiError` that it raises becomes the API's error body.

    Args:
        method: the HTTP method.
        path: Starlette's path pattern, without a trailing slash; requests with one find it too.
        handler: what answers.
        takes: the JSON Schema of the body, for the OpenAPI document.
        asks: the query parameters that must be given, for the same.
    """
    return Route(path, Handled(handler, takes=takes, asks=asks), methods=[method])


async def read_body(receive: Receive, *, at_most: int) -> bytes:
    """Return a request's body.

    Args:
        receive: the request's ASGI channel.
        at_most: bytes.

    Raises:
        ApiError: it is larger, or the client went away before it was complete.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise malformed("The client went away before its request was complete.")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > at_most:
            raise ApiError(413, "MAX_REQUEST_SIZE_EXCEEDED", f"The request is larger than {at_most} bytes.")
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _call(request: Request) -> Call:
    raw = await read_body(request.receive, at_most=_LARGEST_BODY)
    state = request.scope["state"]
    return Call(
        workspace=state["workspace"],
        identity=state["identity"],
        path=request.path_params,
        body=_json_object(raw),
        custom_models=request.app.state.custom_models,
        _request=request,
    )


def _response(answer: Mapping[str, Any] | Response) -> Response:
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Shown):
        return Response(answer.json, media_type="application/json")
    return JSONResponse(answer)


def _json_object(raw: bytes) -> Mapping[str, Any]:
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw, parse_constant=_refuse, parse_float=_finite)
        if b"\\u" in raw:
            # An escaped lone surrogate is a text that can be neither stored nor sent.
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        # The parser's own words are not passed on: they may quote a value.
        raise malformed("Could not parse request object: it is not valid JSON.") from None
    if not isinstance(body, dict):
        raise malformed("Could not parse request object: expected a JSON object.")
    return body


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("too large a number")
    return number
