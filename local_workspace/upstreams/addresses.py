"""Which hosts and addresses an upstream may have; pure judgement, no look-ups.

A serving endpoint's config names a URL, and whoever writes configs is not always who runs the workspace. So a
call is refused before anything is dialled unless its host is this machine, a host that the operator allowed by
name, or, in live mode, a public one. Link-local addresses (the cloud's metadata services live there) are refused
whatever was allowed.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from yarl import URL

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

_LOOPBACK_NAMES = ("localhost", ".localhost")
_NUMERIC_LABEL = re.compile(r"(?:0x[0-9a-f]*|\d+)", re.IGNORECASE)
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")))


class AddressRefusedError(Exception):
    """An upstream that must not be called, and why; never retried."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be called.

    Attributes:
        allowed_hosts: Hosts that the operator allowed by name, wherever they are but link-local.
        is_live: Whether public addresses may be called.
    """

    allowed_hosts: frozenset[str] = frozenset()
    is_live: bool = False

    def check_host(self, host: str) -> None:
        """Judge a host by its name, before anything is looked up: a look-up is traffic too.

        Raises:
            AddressRefusedError: It may not be called.
        """
        literal = _literal(host)
        if literal is not None:
            self.check_address(literal, host=host)
        elif _NUMERIC_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise AddressRefusedError(f"{host!r} is an ambiguous way to write an address; write it as a.b.c.d")
        elif not (self.is_live or _is_loopback_name(host) or host in self.allowed_hosts):
            raise AddressRefusedError(
                f"upstream host {host!r} is not on this machine; start the workspace with --allow-upstream {host} "
                "or --upstreams live to call it"
            )

    def check_address(self, address: Address, *, host: str) -> None:
        """Judge an address that a host stands for.

        Raises:
            AddressRefusedError: It may not be dialled.
        """
        address = _unwrapped(address)
        if address.is_link_local or address in _METADATA:
            raise AddressRefusedError(f"upstream host {host!r} is a link-local or metadata address: never called")
        if address.is_unspecified or address.is_multicast:
            raise AddressRefusedError(f"upstream host {host!r} is no address of one machine")
        if host in self.allowed_hosts:
            return
        if address.is_loopback and (_literal(host) is not None or _is_loopback_name(host)):
            return
        if self.is_live and address.is_global:
            return
        raise AddressRefusedError(
            f"upstream host {host!r} has an address that may not be called; "
            f"start the workspace with --allow-upstream {host} to allow it"
        )


@lru_cache(maxsize=512)
def checked_url(url: str, policy: AddressPolicy) -> URL:
    """Parse an upstream's URL and judge its host.

    Raises:
        AddressRefusedError: It is no plain http(s) URL, or its host may not be called.
    """
    if not url.isascii():
        raise AddressRefusedError("write the upstream's URL in ASCII (xn--…): look-alike letters hide where it leads")
    try:
        parsed = URL(url)
        names_a_host = bool(parsed.host)
    except ValueError:
        raise AddressRefusedError("the upstream's URL cannot be read") from None
    if parsed.scheme not in {"http", "https"} or not names_a_host:
        raise AddressRefusedError("the upstream's URL must start with http:// or https:// and name a host")
    if parsed.user is not None or parsed.password is not None:
        raise AddressRefusedError("the upstream's URL must not hold a user name or password")
    policy.check_host(str(parsed.raw_host))
    return parsed


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it."""
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _is_loopback_name(host: str) -> bool:
    return host == _LOOPBACK_NAMES[0] or host.endswith(_LOOPBACK_NAMES[1])
