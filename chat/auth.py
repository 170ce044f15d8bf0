"""Which workspace, and as whom: from arguments, from the environment, or by the SDK's unified auth.

The SDK costs over a second to import. It is loaded only when neither the arguments nor DATABRICKS_HOST with
DATABRICKS_TOKEN say it all.
"""

from __future__ import annotations

import os
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chat.errors import AuthError
from chat.wire import Access, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from databricks.sdk.core import Config

FRESH_FOR = 30.0
"""Seconds for which the SDK's headers are used without asking it again. It renews a token earlier than that before
its end, and a token refused in between is renewed at once."""


class Credentials:
    """The credentials of one client.

    Args:
        host: the workspace's URL; None takes it from the environment or the SDK's configuration.
        token: a token, or a function that returns one each time; None takes it from there too.
        environ: the environment.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        host: str | None = None,
        token: Token | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._token = token
        self._environ = environ
        self._clock = clock
        self._unified: dict[str | None, _Unified] = {}
        self._known: dict[str | None, Access] = {}

    def access(self, host: str | None = None, token: Token | None = None, *, refresh: bool = False) -> Access | None:
        """Say where to send a request and with which authorization.

        Args:
            host: another workspace than the client's own.
            token: another token than the client's own.
            refresh: whether what was given before has just been refused.

        Returns:
            The access; None if a refresh was asked for and the token is a fixed one.

        Raises:
            AuthError: there are no credentials for that workspace.
        """
        given = self._given(host, token)
        if given is not None:
            # Not kept: an application that calls for its users must not collect their tokens.
            return None if refresh and not callable(given) else _bearer(self._address(host), given)
        known = self._known.get(host)
        if known is not None and not refresh:
            return known
        if found := self._from_environment(host):
            access = self._known[host] = _bearer(self._address(host), found)
            return None if access == known else access
        wanted = host or self._host
        return self._unified.setdefault(wanted, _Unified(wanted, self._clock)).access(refresh=refresh)

    def blocks(self, host: str | None = None, token: Token | None = None) -> bool:
        """Whether `access` may take a while (the SDK's unified auth, or a function), so belongs off an event loop."""
        given = self._given(host, token)
        return callable(given) or (given is None and host not in self._known)

    def __getstate__(self) -> dict[str, object]:
        """Travel without what was found out here: the copy looks for itself (and a lock cannot be pickled)."""
        return {"_host": self._host, "_token": self._token, "_environ": None, "_clock": self._clock}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _unified={}, _known={})

    def _given(self, host: str | None, token: Token | None) -> Token | None:
        """The token that a call brings along, or else the client's own, which is for the client's own workspace."""
        if token is not None:
            return token
        return self._token if host is None else None

    def _address(self, host: str | None) -> str:
        found = host or self._host or self._variables.get("DATABRICKS_HOST")
        if not found:
            raise AuthError(
                "A token is given, but no workspace.", remedy="Pass host=, or set DATABRICKS_HOST to its URL."
            )
        return origin_of(found)

    def _from_environment(self, host: str | None) -> str | None:
        """The environment's token, if it is for this workspace and no other way to log in is asked for."""
        variables = self._variables
        token, home = variables.get("DATABRICKS_TOKEN"), variables.get("DATABRICKS_HOST")
        if not token or variables.get("DATABRICKS_AUTH_TYPE", "pat") != "pat":
            return None
        wanted = host or self._host
        if not home and not wanted:
            return None
        if wanted and (not home or origin_of(home) != origin_of(wanted)):
            # The SDK would send it to any host it is given; a token belongs to the host it came with.
            raise AuthError(
                f"DATABRICKS_TOKEN belongs to {home or 'no host at all'}, not to {wanted}; nothing was sent.",
                remedy=f"Pass token= together with host=, or set DATABRICKS_HOST to {wanted}.",
            )
        return token

    @property
    def _variables(self) -> Mapping[str, str]:
        return os.environ if self._environ is None else self._environ


class _Unified:
    """The SDK's unified auth for one workspace, asked seldom and renewed when refused."""

    def __init__(self, host: str | None, clock: Callable[[], float]) -> None:
        self._host = host
        self._clock = clock
        self._lock = threading.Lock()
        self._config: Config | None = None
        self._access: Access | None = None
        self._asked = 0.0

    def access(self, *, refresh: bool) -> Access:
        refused = self._access
        with self._lock:
            if refresh and self._access is refused:  # else another thread has renewed it in the meantime
                self._config = self._access = None
            if self._access is None or self._clock() - self._asked > FRESH_FOR:
                self._access, self._asked = self._ask(), self._clock()
            return self._access

    def _ask(self) -> Access:
        from databricks.sdk.core import Config  # noqa: PLC0415 - over a second: only for those who need it

        try:
            if self._config is None:
                self._config = Config(host=self._host)
            headers = self._config.authenticate()
        except (ValueError, OSError) as error:
            # The SDK's text lists which settings it saw; it masks their values itself.
            raise AuthError(
                f"No way to log in to the workspace was found: {error}",
                remedy="Set DATABRICKS_HOST and DATABRICKS_TOKEN, or run `databricks auth login`.",
            ) from error
        return Access(origin_of(self._config.host or ""), headers)


@lru_cache(maxsize=64)
def origin_of(host: str) -> str:
    """Reduce a workspace's URL to scheme, host and port, as users paste it: with a path, a slash or no scheme.

    Raises:
        AuthError: it is no URL of a workspace.
    """
    text = host.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError as error:
        raise AuthError(f"{host!r} is no workspace URL.", remedy=_WRITE_HOST) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AuthError(f"{host!r} is no workspace URL.", remedy=_WRITE_HOST)
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


_WRITE_HOST = "Write it like https://adb-1234567890123456.7.azuredatabricks.net."


def _bearer(host: str, given: Token) -> Access:
    token = given() if callable(given) else given
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise AuthError("The token is empty or holds blanks or line breaks.", remedy="Check where it comes from.")
    return Access(host, {"Authorization": f"Bearer {token}"})
