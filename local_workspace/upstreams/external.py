"""Answer a call to an endpoint of external models: entity after entity, until one answers.

Imported by the first such call: the HTTP client takes longer to load than a workspace to start.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from local_workspace.errors import UnresolvedSecretError, bad_request
from local_workspace.upstreams import routing
from local_workspace.upstreams.addresses import AddressRefusedError
from local_workspace.upstreams.proxy import Proxy
from local_workspace.upstreams.relay import ClientGoneError, Relayed, unless_gone
from local_workspace.upstreams.sender import UpstreamError
from local_workspace.upstreams.translated.answers import Translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from aiohttp import ClientResponse
    from starlette.types import Receive

    from local_workspace.settings import Settings
    from local_workspace.upstreams.sender import Resolve

_CLIENT_CLOSED = 499


@dataclass(frozen=True, slots=True)
class ExternalCall:
    """One call to an endpoint of external models.

    Attributes:
        body: What the caller sent, checked.
        path: The API's path after its base (`chat/completions`).
        entities: The served entities to try, in order; at least one.
        resolve: Reads a secret reference's value.
        hops: How many workspaces the call passes through, this one included.
        data_lines_only: Whether an event stream may hold `data:` lines alone.
    """

    body: Mapping[str, Any]
    path: str
    entities: Sequence[Mapping[str, Any]]
    resolve: Resolve
    hops: int
    data_lines_only: bool


@asynccontextmanager
async def opened_proxy(settings: Settings, *, now: Callable[[], float]) -> AsyncIterator[Proxy]:
    """Open a proxy for as long as its server runs."""
    proxy = Proxy(settings, now=now)
    try:
        yield proxy
    finally:
        await proxy.aclose()


async def answer(proxy: Proxy, call: ExternalCall, *, receive: Receive) -> Response:
    """Answer a call, or stop asking when the caller goes away.

    Args:
        proxy: The way to the upstreams.
        call: What is asked.
        receive: The request's ASGI channel, its body already read.

    Raises:
        ApiError: The config cannot be called.
    """
    try:
        return await unless_gone(receive, _first_answer(proxy, call))
    except ClientGoneError:
        return Response(status_code=_CLIENT_CLOSED)


async def _first_answer(proxy: Proxy, call: ExternalCall) -> Response:
    *others, last = call.entities
    for entity in others:
        reached = await _ask(proxy, call, entity)
        if not isinstance(reached, UpstreamError) or reached.status not in routing.RETRIED_ELSEWHERE:
            return _response(reached, entity, call)
    return _response(await _ask(proxy, call, last), last, call)


async def _ask(
    proxy: Proxy, call: ExternalCall, entity: Mapping[str, Any]
) -> ClientResponse | Translated | UpstreamError:
    try:
        return await proxy.call(
            entity["external_model"], call.body, path=call.path, resolve=call.resolve, hops=call.hops
        )
    except AddressRefusedError as refused:
        raise bad_request(f"Served entity '{entity['name']}' cannot be called: {refused}.") from None
    except UnresolvedSecretError as unresolved:
        raise bad_request(f"Served entity '{entity['name']}' cannot be called: {unresolved}.") from None


def _response(
    reached: ClientResponse | Translated | UpstreamError, entity: Mapping[str, Any], call: ExternalCall
) -> Response:
    headers = {routing.SERVED_MODEL_HEADER: str(entity["name"])}
    if isinstance(reached, Translated):
        return reached.response(headers)
    if not isinstance(reached, UpstreamError):
        return Relayed(reached, headers=headers, data_lines_only=call.data_lines_only)
    if reached.retry_after is not None:
        headers["Retry-After"] = reached.retry_after
    return JSONResponse(reached.body, status_code=reached.status, headers=headers)
