"""The way to a workspace, and a request as it goes along that way: what both transports say, in the same words."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from chat.errors import UnreachableError, UntrustedHostError
from chat.network import UNTRUSTED_REMEDY, proxy_for, tls_context

if TYPE_CHECKING:
    from ssl import SSLContext

    from chat.wire import Request

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection to be made."""

_PORTS = {"http": 80, "https": 443}


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
        """Read a URL of scheme http or https."""
        parts = urlsplit(url)
        login, _, netloc = parts.netloc.rpartition("@")
        context = tls_context() if parts.scheme == "https" else None
        return cls(parts.hostname or "", parts.port or _PORTS[parts.scheme], netloc, context, unquote(login))


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
            UnreachableError: the proxy that it names is of a kind that is not known here.
        """
        target, proxy = Address.of(host), proxy_for(host)
        if proxy is None:
            return cls(host, target)
        if urlsplit(proxy).scheme not in _PORTS:
            raise UnreachableError(
                f"Cannot connect to {host}: a proxy by {urlsplit(proxy).scheme}:// is not supported.",
                remedy="Name an http:// or https:// proxy in HTTPS_PROXY.",
            )
        between = Address.of(proxy)
        if target.tls is not None:
            return cls(host, target, between)
        return cls(host, target, between, prefix=host, headers=_proxy_login(between))

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

    def refused(self, status: int, reason: str) -> OSError:
        """Make the error of a proxy that does not open a tunnel."""
        return OSError(f"the proxy {self.first_hop.netloc} answered {status} {reason}")

    def unreachable(self, error: Exception) -> UnreachableError:
        """Make the error of a connection that could not be made."""
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        through = f" through the proxy {self.proxy.netloc}" if self.proxy is not None else ""
        return UnreachableError(f"Cannot connect to {self.host}{through}: {reason}.", remedy="Check DATABRICKS_HOST.")


def untrusted(whose: Address, error: Exception) -> UntrustedHostError:
    """Make the error of a certificate that is not one to trust."""
    return UntrustedHostError(f"{whose.netloc}: {error}", remedy=UNTRUSTED_REMEDY)


def written(request: Request, route: Route) -> bytes:
    """Write a request, head and body, as it goes over the wire."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
    length = f"Content-Length: {len(request.body)}\r\n" if request.body is not None else ""
    head = (
        f"{request.method} {route.prefix}{request.path} HTTP/1.1\r\nHost: {route.target.netloc}\r\n"
        f"Accept-Encoding: identity\r\n{route.headers}{lines}{length}\r\n"
    )
    return head.encode("latin-1") + (request.body or b"")


def _proxy_login(proxy: Address) -> str:
    return f"Proxy-Authorization: Basic {b64encode(proxy.login.encode()).decode()}\r\n" if proxy.login else ""
