"""What the environment says about credentials, without the SDK's help."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chat.auth.hosts import origin_of
from chat.errors import AuthError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CREDENTIALS = ("DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_PASSWORD")

# Each changes how a service principal logs in, or names another method beside it: the SDK knows what it means.
_INTRICATE = (
    "DATABRICKS_CONFIG_PROFILE",
    "DATABRICKS_ACCOUNT_ID",
    "DATABRICKS_AUTHORIZATION_DETAILS",
    "DATABRICKS_DISCOVERY_URL",
    "DATABRICKS_GROUP_ID",
    "DATABRICKS_METADATA_SERVICE_URL",
    "DATABRICKS_SCOPES",
    "DATABRICKS_USERNAME",
    "ARM_CLIENT_ID",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A service principal's login.

    Attributes:
        client_id: its application id.
        client_secret: its OAuth secret.
    """

    client_id: str
    client_secret: str = field(repr=False)


def found_in(variables: Mapping[str, str], wanted: str | None) -> str | Machine | None:
    """Find the credentials for a workspace.

    Args:
        variables: the environment.
        wanted: the workspace's URL, or None for the environment's own.

    Returns:
        A token, a service principal's login, or None if only the SDK can tell.

    Raises:
        AuthError: the environment's credentials are for another workspace.
    """
    home, method = variables.get("DATABRICKS_HOST"), variables.get("DATABRICKS_AUTH_TYPE")
    profile = variables.get("DATABRICKS_CONFIG_PROFILE")
    if not home and not wanted:
        if profile:
            _refuse_to_lend(variables, home, f"the workspace of profile {profile}")
        return None
    if wanted and (not home or origin_of(home) != origin_of(wanted)):
        _refuse_to_lend(variables, home, wanted)
        return None
    if method in {None, "", "pat"} and (token := variables.get("DATABRICKS_TOKEN")):
        return token
    if home and profile:
        _refuse_profile_of_another(variables, home, profile)
    client_id, secret = variables.get("DATABRICKS_CLIENT_ID"), variables.get("DATABRICKS_CLIENT_SECRET")
    if method not in {None, "", "oauth-m2m"} or not client_id or not secret or any(map(variables.get, _INTRICATE)):
        return None
    return Machine(client_id, secret)


def _refuse_profile_of_another(variables: Mapping[str, str], home: str, profile: str) -> None:
    """Raise if a profile is for another host than the environment's: the SDK would send its credentials there."""
    import configparser  # noqa: PLC0415 - for profiles alone
    from pathlib import Path  # noqa: PLC0415 - as above

    parser = configparser.ConfigParser(interpolation=None, default_section="")
    with contextlib.suppress(OSError, ValueError, configparser.Error):  # the SDK says what is wrong with the file
        parser.read(Path(variables.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser(), encoding="utf-8")
    listed = parser.get(profile, "host", fallback=None)
    if listed and origin_of(listed) != origin_of(home):
        raise AuthError(
            f"DATABRICKS_CONFIG_PROFILE belongs to {listed}, not to {home}; nothing was sent.",
            remedy="Unset DATABRICKS_HOST, or name a profile of it.",
        )


def _refuse_to_lend(variables: Mapping[str, str], home: str | None, wanted: str) -> None:
    """Raise if there are credentials of another host: the SDK would send them to any host it is given."""
    for name in _CREDENTIALS:
        if variables.get(name):
            raise AuthError(
                f"{name} belongs to {home or 'no host at all'}, not to {wanted}; nothing was sent.",
                remedy=f"Pass token= together with host=, or set DATABRICKS_HOST to {wanted}.",
            )
