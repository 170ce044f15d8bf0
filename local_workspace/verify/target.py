"""Which workspace is asked, and by which token."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


class TargetError(ValueError):
    """A workspace that must not be asked, or cannot be.

    Args:
        message: why, and what to do.
    """


@dataclass(frozen=True)
class Target:
    """A workspace and the credential for it.

    Attributes:
        host: scheme, host and port.
        token: sent to that host alone.
    """

    host: str
    token: str = field(repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return _is_loopback(urlsplit(self.host).hostname or "")

    @property
    def may_have_keyvault(self) -> bool:
        """Whether it can have scopes on Azure Key Vault."""
        name = urlsplit(self.host).hostname or ""
        return self.is_local or name.endswith((".azuredatabricks.net", ".databricks.azure.cn", ".databricks.azure.us"))


def target(host: str, *, token: str | None, environ: Mapping[str, str]) -> Target:
    """Return the workspace to ask.

    Args:
        host: as the user names it.
        token: as the user gives it; None takes DATABRICKS_TOKEN, which belongs to DATABRICKS_HOST and to no other.
        environ: the environment's variables.

    Raises:
        TargetError: the host is none, is not reached by TLS, or there is no token for it.
    """
    named = _origin(host)
    if token is not None:
        return Target(named, _usable(token))
    its_host = environ.get("DATABRICKS_HOST", "").strip()
    if not environ.get("DATABRICKS_TOKEN", "").strip():
        raise TargetError("no token: give --token-file, or set DATABRICKS_HOST and DATABRICKS_TOKEN")
    if not its_host or _origin(its_host) != named:
        raise TargetError(
            f"the token in DATABRICKS_TOKEN is for {its_host or 'no host that DATABRICKS_HOST names'}, and is not sent "
            f"to {named}: set DATABRICKS_HOST to it, or give --token-file"
        )
    return Target(named, _usable(environ["DATABRICKS_TOKEN"]))


def _origin(host: str) -> str:
    given = host.strip()
    try:
        url = urlsplit(given if "://" in given else f"https://{given}")
        name, port = url.hostname, url.port
    except ValueError as error:
        raise TargetError("the host is no URL: give one like https://adb-123.4.azuredatabricks.net") from error
    if not name or url.username is not None or url.password is not None:
        raise TargetError("the host must be a URL without user or password, like https://dbc-1.cloud.databricks.com")
    if url.path not in {"", "/"} or url.query or url.fragment:
        raise TargetError(f"the host must end after its name: https://{name}")
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(name)):
        raise TargetError(f"{name} is asked by https alone: a token goes over no other connection")
    shown = f"[{name}]" if ":" in name else name
    return f"{url.scheme}://{shown}" + (f":{port}" if port else "")


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _usable(token: str) -> str:
    stripped = token.strip()
    if not stripped.isascii() or not stripped.isprintable() or not stripped or " " in stripped:
        raise TargetError("the token is empty, or holds what no token does")
    return stripped
