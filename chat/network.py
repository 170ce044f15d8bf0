"""What both transports ask of the machine: the proxy and the certificate authorities that its environment names.

HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (also in lower case), REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE
and SSL_CERT_DIR mean what they mean to curl and requests. Both transports ask here, so that they take the same way.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chat.errors import UntrustedHostError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class _Descriptor(Protocol):
        def fileno(self) -> int: ...


_ASKED_AFTER = 60
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")

UNTRUSTED_REMEDY = "Name your certificate authority's file in SSL_CERT_FILE or REQUESTS_CA_BUNDLE."
"""What to do about a certificate that is not trusted."""


def proxy_for(host: str, *, environ: Mapping[str, str] = os.environ) -> str | None:
    """Find the proxy for a host.

    Args:
        host: scheme, host and port of the workspace.
        environ: the environment.

    Returns:
        The proxy's URL, or None for the direct way.
    """
    named = {name.lower(): value for name, value in environ.items() if name.lower().endswith("_proxy") and value}
    parts = urlsplit(host)
    proxy = named.get(f"{parts.scheme}_proxy") or named.get("all_proxy")
    if not proxy or _bypassed(parts.hostname or "", parts.port, named.get("no_proxy", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def tls_context(*, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Make the context in which TLS connections are checked.

    A bundle that the environment names takes the place of the system's authorities.

    Raises:
        UntrustedHostError: the bundle cannot be read.
    """
    bundle = next((environ[name] for name in _BUNDLES if environ.get(name)), None)
    if bundle is None:
        return ssl.create_default_context()
    try:
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise UntrustedHostError(
            f"The certificate bundle {bundle} cannot be read: {error}.", remedy=f"Check {', '.join(_BUNDLES)}."
        ) from error


def is_readable(sock: _Descriptor) -> bool:
    """Whether there is something to be read from a socket, be it its end."""
    if hasattr(select, "poll"):
        poll = select.poll()  # select() itself cannot watch descriptors above 1024
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])


def attend(sock: socket.socket) -> None:
    """Have the system send what is written at once, and ask the other side each minute whether it is still there.

    A request is one write: waiting to fill a packet (Nagle) would only delay it. And a model may think for five
    minutes, while gateways and load balancers forget a flow without a word of which they hear nothing for four.
    """
    with contextlib.suppress(OSError):  # reset already, says macOS here: whoever uses it will hear of that
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option in ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL"):  # the second is the first one's name on macOS
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), _ASKED_AFTER)


def _bypassed(name: str, port: int | None, no_proxy: str) -> bool:
    """Whether NO_PROXY exempts a host: by `*`, its name, its domain, or its name with the port."""
    for entry in no_proxy.lower().replace(",", " ").split():
        domain = entry.removeprefix("*").removeprefix(".")
        if entry == "*" or domain in (name, f"{name}:{port}") or (domain and name.endswith(f".{domain}")):
            return True
    return False
