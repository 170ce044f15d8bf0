"""The way to a workspace, and a request as it goes along that way: what both transports say, in the same words."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from chat.errors import (
    TIMEOUT_REMEDY,
    CallTimeoutError,
    ChatError,
    ConnectionFailedError,
    UnreachableError,
    UntrustedHostError,
    inert,
)
from chat.network import UNTRUSTED_REMEDY, proxy_for, tls_context

if TYPE_CHECKING:
    from ssl import SSLContext

    from chat.wire import Request

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection to be made."""

KEPT_SECONDS = 60.0
"""Idle connections are kept so long: gateways and firewalls forget them without a word, some after four minutes."""

DRAIN_SECONDS = 0.5
"""Seconds in which the end of a transfer has to come after the answer's own ([DONE]), for its connection to be kept."""

_LONGEST_REASON = 200
_PORTS = {"http": 80, "https": 443}
_STATUSES = {status.value for status in HTTPStatus}
_CHECK_HOST = "Check DATABRICKS_HOST."


@dataclass(frozen=True, slots=True)
class Address:
    """Where a URL points to.

    Attributes:
        name: the host's name or address.
        port: its port.
        netloc: both as the URL has them, for the Host header.
        tls: how its certificate is checked; None for plain HTTP.
        login: the `user:password` of the URL, or an empty string.
    """

    name: str
    port: int
    netloc: str
    tls: SSLContext | None
    login: str = ""

    @classmethod
    def of(cls, url: str) -> Self:
        """Read a URL of scheme http or https.

        Raises:
            ValueError: there is no such host, whoever is asked.
        """
        parts = urlsplit(url)
        name = (parts.hostname or "").encode("idna").decode()
        if not name:
            raise ValueError("it names no host")  # an empty name would mean this machine
        netloc = (f"[{name}]" if ":" in name else name) + (f":{parts.port}" if parts.port else "")
        context = tls_context() if parts.scheme == "https" else None
        login = parts.netloc.rpartition("@")[0]
        return cls(name, parts.port or _PORTS[parts.scheme], netloc, context, unquote(login))


@dataclass(frozen=True, slots=True)
class Route:
    """How to get to a workspace.

    Attributes:
        host: the workspace's scheme, host and port.
        target: the same, read.
        proxy: what is in between, if anything.
        prefix: what a request's first line puts before the path: nothing, or for a proxy that is asked in plain HTTP
            the whole origin.
        headers: further header lines, for such a proxy.
    """

    host: str
    target: Address
    proxy: Address | None = None
    prefix: str = ""
    headers: str = ""

    @classmethod
    def to(cls, host: str) -> Self:
        """Find the way to a host, as the environment says.

        Args:
            host: scheme, host and port.

        Raises:
            UntrustedHostError: the certificate bundle that the environment names cannot be read.
            UnreachableError: there is no such host, or the proxy is of a kind that is not known here.
        """
        try:
            target = Address.of(host)
        except ValueError as error:
            raise UnreachableError(f"Cannot connect to {host}: {error}.", remedy=_CHECK_HOST) from error
        proxy = proxy_for(host)
        if proxy is None:
            return cls(host, target)
        between = _proxy(proxy, host)
        if target.tls is not None:
            return cls(host, target, between)
        return cls(host, target, between, prefix=f"http://{target.netloc}", headers=_proxy_login(between))

    @property
    def first_hop(self) -> Address:
        """Where a connection goes to: the proxy, if there is one."""
        return self.proxy or self.target

    def opening(self) -> bytes | None:
        """Return what asks the proxy for a tunnel; None where there is none."""
        if self.proxy is None or self.target.tls is None:
            return None
        name = f"[{self.target.name}]" if ":" in self.target.name else self.target.name
        target = f"{name}:{self.target.port}"
        return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{_proxy_login(self.proxy)}\r\n".encode()

    def admitted(self, status: int) -> None:
        """Look at what the proxy answered to `opening`.

        Args:
            status: the answer's HTTP status.

        Raises:
            OSError: it opens no tunnel.
        """
        if status != HTTPStatus.OK:
            # its own words are left out: whoever answers here is not the one who is asked
            said = f"{status} {HTTPStatus(status).phrase}" if status in _STATUSES else str(status)
            raise OSError(f"it answered {said}")

    def unreachable(self, error: Exception) -> UnreachableError:
        """Make the error of a connection that could not be made."""
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        through = f" through the proxy {self.proxy.netloc}" if self.proxy is not None else ""
        return UnreachableError(
            f"Cannot connect to {self.host}{through}: {inert(reason, limit=_LONGEST_REASON)}.", remedy=_CHECK_HOST
        )


def untrusted(whose: Address, error: Exception) -> UntrustedHostError:
    """Make the error of a certificate that is not one to trust."""
    return UntrustedHostError(f"{whose.netloc}: {error}", remedy=UNTRUSTED_REMEDY)


def broken(error: Exception, request: Request) -> ChatError:
    """Say in our own words why there was no answer; never the headers, which hold the token."""
    where = f"{request.host}{request.path}"
    if isinstance(error, TimeoutError):
        return CallTimeoutError(f"{where} did not answer within {request.timeout:g} s.", remedy=TIMEOUT_REMEDY)
    return ConnectionFailedError(f"The connection to {where} was lost: {type(error).__name__}.")


def written(request: Request, route: Route) -> bytes:
    """Write a request, head and body, as it goes over the wire."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
    length = f"Content-Length: {len(request.body)}\r\n" if request.body is not None else ""
    head = (
        f"{request.method} {route.prefix}{request.path} HTTP/1.1\r\nHost: {route.target.netloc}\r\n"
        f"Accept-Encoding: identity\r\n{route.headers}{lines}{length}\r\n"
    )
    return head.encode("latin-1") + (request.body or b"")


def _proxy(url: str, host: str) -> Address:
    scheme = url.partition("://")[0].lower()
    if scheme not in _PORTS:
        raise UnreachableError(
            f"Cannot connect to {host}: a proxy by {scheme}:// is not supported.",
            remedy="Name an http:// or https:// proxy in HTTPS_PROXY.",
        )
    try:
        return Address.of(url)
    except ValueError:  # not to be quoted: it quotes the URL, which holds the proxy's password
        raise UnreachableError(
            f"Cannot connect to {host}: what the environment names as its proxy is no URL.",
            remedy="Check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY.",
        ) from None


def _proxy_login(proxy: Address) -> str:
    return f"Proxy-Authorization: Basic {b64encode(proxy.login.encode()).decode()}\r\n" if proxy.login else ""
