"""Which workspace is meant? Decided from the target and the environment before anything is sent.

The SDK merges hosts and credentials from arguments, environment and profiles, and would send a token from the
environment to any host that it is given. So here every place that names a workspace has to name the same one.
No credential is read: of a profile only its `host`, of the environment only whether a credential is set.
"""

from __future__ import annotations

import configparser
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from provisioning.errors import ProvisioningError, WrongWorkspaceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from provisioning.model.workspace import Target

LOCAL_TARGET = "local"

_HOST_VARIABLE = "DATABRICKS_HOST"
_PROFILE_VARIABLE = "DATABRICKS_CONFIG_PROFILE"
_FILE_VARIABLE = "DATABRICKS_CONFIG_FILE"
_CREDENTIAL_VARIABLES = ("DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_PASSWORD")


@dataclass(frozen=True)
class Location:
    """A workspace that may be contacted.

    Attributes:
        host: its URL.
        profile: the section of ~/.databrickscfg that has the credentials, if it is to be used.
        token: the only credential to use; None leaves finding one to the SDK's unified auth.
    """

    host: str
    profile: str | None = None
    token: SecretStr | None = field(default=None, repr=False)


def check_local(target: Target) -> None:
    """Refuse `--local` for a target that names a workspace of its own.

    Raises:
        WrongWorkspaceError: the target has a host or a profile.
    """
    named = target.host or (target.profile and f"profile {target.profile}")
    if named:
        raise WrongWorkspaceError(
            f"target {target.name!r} is for {named}{_place(target)}, and --local is another workspace",
            remedy="leave --local out, or choose a target without a workspace (--target local)",
        )


def locate(
    target: Target, *, environ: Mapping[str, str], host: str | None = None, token: SecretStr | None = None
) -> Location:
    """Say which workspace a target means, if all that names one agrees.

    Args:
        target: what the configs say.
        environ: the environment; DATABRICKS_HOST, DATABRICKS_CONFIG_PROFILE and DATABRICKS_CONFIG_FILE count.
        host: a workspace that is given by hand; of the environment nothing counts then.
        token: the credential for it; with one, no other is looked for.

    Raises:
        WrongWorkspaceError: two places name different workspaces, a credential of the environment belongs to none
            that is named there, or target `local` would leave this machine.
        ProvisioningError: nothing names a workspace.
    """
    if host is not None:
        environ = {**({} if token else environ), _HOST_VARIABLE: host}
    env_host, env_profile = environ.get(_HOST_VARIABLE), environ.get(_PROFILE_VARIABLE)
    if target.profile and env_profile and target.profile != env_profile:
        raise _disagree(target, f"profile {target.profile!r}", f"{_PROFILE_VARIABLE} names {env_profile!r}")
    if target.host and env_host and _origin(target.host) != _origin(env_host):
        raise _disagree(target, target.host, f"{_HOST_VARIABLE} is {env_host}")
    named = target.host or env_host
    _must_stay_if_local(target, named)  # before a config file is looked at
    profile = None if token else target.profile or env_profile
    if token is None and (profile or not named):
        named = _agreed_with_profile(target, named, profile, environ)
    if not named:
        raise ProvisioningError(
            "no workspace is named: neither by the target nor by the environment",
            remedy="add --local for the embedded workspace, or set DATABRICKS_HOST, or the target's workspace.host",
        )
    _must_stay_if_local(target, named)
    if token is None and not env_host:  # with a profile too: the SDK prefers the environment's credential to its own
        _must_not_send_strays(named, environ)
    return Location(host=_origin(named), profile=profile, token=token)


def databricks_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the variables that would choose a workspace or a credential, sorted."""
    return tuple(sorted(name for name, value in environ.items() if name.startswith("DATABRICKS_") and value))


def _agreed_with_profile(
    target: Target, named: str | None, profile: str | None, environ: Mapping[str, str]
) -> str | None:
    listed = _profile_host(profile, environ)
    if named and listed and _origin(named) != _origin(listed):
        raise _disagree(target, named, f"profile {profile!r} is for {listed}")
    return named or listed


def _must_stay_if_local(target: Target, host: str | None) -> None:
    if host and target.name == LOCAL_TARGET and not _is_loopback(host):
        raise WrongWorkspaceError(
            f"target {LOCAL_TARGET!r} stays on this machine, and {host} is not on it",
            remedy=f"add --local, or unset {_HOST_VARIABLE} and {_PROFILE_VARIABLE}, or choose another --target",
        )


def _must_not_send_strays(host: str, environ: Mapping[str, str]) -> None:
    """A credential in the environment belongs to the host in the environment, and here there is none."""
    strays = [name for name in _CREDENTIAL_VARIABLES if environ.get(name)]
    if strays:
        raise WrongWorkspaceError(
            f"{strays[0]} is set without {_HOST_VARIABLE}, so it is not known to be for {host}",
            remedy=f"set {_HOST_VARIABLE}={host} to say that it is, or unset {strays[0]}",
        )


def _disagree(target: Target, meant: str, other: str) -> WrongWorkspaceError:
    return WrongWorkspaceError(
        f"target {target.name!r} is for {meant}{_place(target)}, but {other}; nothing was sent to either",
        remedy="make them agree, or choose another --target",
    )


def _place(target: Target) -> str:
    return f" ({target.position})" if target.position else ""


def _origin(host: str) -> str:
    """Reduce a host to `scheme://name[:port]`, as the SDK does, so that two spellings of one compare equal."""
    parts = urlsplit(host.strip() if "://" in host else f"https://{host.strip()}")
    default = {"https": 443, "http": 80}.get(parts.scheme)
    try:
        port = parts.port
    except ValueError:
        raise ProvisioningError(f"{host!r} is not a workspace's URL", remedy="write https://<workspace>") from None
    name = (parts.hostname or "").lower()
    if not name or parts.scheme not in {"http", "https"}:
        raise ProvisioningError(f"{host!r} is not a workspace's URL", remedy="write https://<workspace>")
    shown = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and port != default else "")


def _is_loopback(host: str) -> bool:
    name = urlsplit(_origin(host)).hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _profile_host(profile: str | None, environ: Mapping[str, str]) -> str | None:
    """Read the host of a profile (of the default one, if none is named) and nothing else of it."""
    path = Path(environ.get(_FILE_VARIABLE) or "~/.databrickscfg").expanduser()
    # without a default section of the parser's own, a named profile does not borrow [DEFAULT]'s host
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read(path, encoding="utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError):
        raise ProvisioningError(f"{path} cannot be read as a Databricks config file") from None
    section = profile or parser.get("__settings__", "default_profile", fallback="") or configparser.DEFAULTSECT
    if profile and not parser.has_section(profile):
        raise ProvisioningError(f"{path} has no profile {profile!r}", remedy=f"databricks auth login -p {profile}")
    return parser.get(section, "host", fallback="") or None
