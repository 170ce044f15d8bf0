"""The only way out: HTTP POSTs to addresses that were checked.

A host is looked up once for each connection, every address found is checked, and exactly those are dialled, with
the host's own name in `Host` and TLS. No redirect is followed: the next host was not configured, and must not get
the key. The environment's proxies are not used, for the same reason.
"""

from __future__ import annotations

import io
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from local_workspace.upstreams.addresses import checked_url

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from aiohttp.abc import ResolveResult

    from local_workspace.upstreams.addresses import AddressPolicy

EXECUTION_SECONDS = 297.0
"""How long a call may take in all: Databricks' own limit for external models."""

_CONNECT_SECONDS = 10.0
_UNLIMITED = 0
_BUFFER_BYTES = 2**16
_LARGEST_PLAIN = 2**20
_NOT_OURS_TO_ADD = ("User-Agent", "Accept", "Accept-Encoding")


class Dialer:
    """Sends POSTs to checked addresses; keeps connections open between calls.

    Args:
        policy: What may be called.
    """

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, verbatim: bool = False
    ) -> aiohttp.ClientResponse:
        """Send a POST and return the response once its headers are in; its body is yet to be read.

        Args:
            url: Where to.
            headers: Sent as they are, beside `Host` and `Content-Length`.
            body: Sent as it is.
            verbatim: Whether the path stands as it is written, escapes included: a signature may cover it.

        Raises:
            AddressRefusedError: The URL may not be called; nothing was sent.
            aiohttp.ClientError: The upstream could not be reached.
            TimeoutError: It did not connect or answer in time.
        """
        checked = checked_url(url, self._policy)
        if verbatim:
            checked = checked.with_path(urlsplit(url).path, encoded=True)
        # aiohttp warns of plain bytes of over a megabyte, and where warnings are errors the call would fail.
        data = body if len(body) <= _LARGEST_PLAIN else io.BytesIO(body)
        return await self._open_session().post(checked, headers=headers, data=data, allow_redirects=False)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:  # only now: a session belongs to the event loop that it is made in
            self._session = aiohttp.ClientSession(
                # As many as there are callers, who have a connection each: a limit would let streams wait for streams.
                connector=aiohttp.TCPConnector(
                    resolver=_CheckedResolver(self._policy), use_dns_cache=False, limit=_UNLIMITED
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=EXECUTION_SECONDS, sock_connect=_CONNECT_SECONDS),
                skip_auto_headers=_NOT_OURS_TO_ADD,
                auto_decompress=False,  # bytes pass as they came
                trust_env=False,
                read_bufsize=_BUFFER_BYTES,
            )
        return self._session


class _CheckedResolver(AbstractResolver):
    """Looks a host up and refuses it if any of its addresses may not be dialled."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily | int = 0) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)  # type: ignore[arg-type]  # AbstractResolver promises the enum, aiohttp's connector passes a plain 0
        for result in found:
            self._policy.check_address(ipaddress.ip_address(result["host"].partition("%")[0]), host=host)
        return found

    async def close(self) -> None:
        await self._resolver.close()
