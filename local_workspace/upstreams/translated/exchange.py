"""One call's traffic with its provider: what a vendor's client writes leaves here, and nowhere else.

A client is given a placeholder for the key and for the host. Of a request it writes, the path, the body and a few
headers are taken; host and credential are the call's own. So no environment variable that a client reads moves a
request, and no key stands where the client could log it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx

from local_workspace.errors import UnresolvedSecretError
from local_workspace.upstreams.addresses import AddressRefusedError
from local_workspace.upstreams.sender import UpstreamError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    import aiohttp

    from local_workspace.upstreams.destinations import Destination
    from local_workspace.upstreams.sender import Resolve, Sender

PLACEHOLDER_HOST = "http://provider.invalid"
PLACEHOLDER_KEY = "the workspace adds the key"

_TAKEN_HEADERS = ("content-type", "accept", "anthropic-version", "anthropic-beta")
_current: ContextVar[Exchange] = ContextVar("_current")


class EndedError(Exception):
    """The provider refused or could not be reached; the exchange knows what to tell."""


class Exchange:
    """One call's way to its provider, and what went wrong on it.

    Args:
        where: Where the provider's API begins, and the credential.
        sender: Sends requests.
        resolve: Reads a secret reference's value.
        hops: How many workspaces the call passes through.

    Attributes:
        is_sent: Whether a client has written a request; one that could not was asked for something impossible.
        refusal: What the provider said instead of an answer.
        failure: Why it was not called.
    """

    def __init__(self, where: Destination, *, sender: Sender, resolve: Resolve, hops: int) -> None:
        self._where = where
        self._sender = sender
        self._resolve = resolve
        self._hops = hops
        self.is_sent = False
        self.refusal: UpstreamError | None = None
        self.failure: AddressRefusedError | UnresolvedSecretError | None = None

    async def send(self, target: str, *, headers: Mapping[str, str], body: bytes) -> aiohttp.ClientResponse:
        """Send what a client wrote.

        Args:
            target: The path and query that it asks for.
            headers: Its headers; those that say nothing of who calls are taken.
            body: Its body.

        Raises:
            EndedError: There is no answer to read; `refusal` or `failure` says why.
        """
        self.is_sent = True
        where = replace(self._where, url=self._where.url + target)
        taken = {name: headers[name] for name in _TAKEN_HEADERS if name in headers}
        try:
            reached = await self._sender.send(
                where, body, headers={**taken, "accept-encoding": "identity"}, resolve=self._resolve, hops=self._hops
            )
        except (AddressRefusedError, UnresolvedSecretError) as error:
            self.failure = error
            raise EndedError from None
        if isinstance(reached, UpstreamError):
            self.refusal = reached
            raise EndedError
        return reached

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Let what clients write within, in this task, leave by this exchange."""
        mark = _current.set(self)
        try:
            yield
        finally:
            _current.reset(mark)


class WayOut(httpx.AsyncBaseTransport):
    """The transport of vendors' clients on httpx: hands each request to the call's exchange."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request by the exchange under way."""
        body = await request.aread()
        reached = await _current.get().send(request.url.raw_path.decode(), headers=request.headers, body=body)
        return httpx.Response(reached.status, headers=dict(reached.headers), stream=_Body(reached))


class _Body(httpx.AsyncByteStream):
    """The bytes of an answer as they come."""

    def __init__(self, reached: aiohttp.ClientResponse) -> None:
        self._reached = reached

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._reached.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        if self._reached.content.at_eof():
            self._reached.release()
        else:
            self._reached.close()
