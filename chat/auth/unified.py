"""The Databricks SDK's unified auth: every method that it knows, from profiles to notebooks and model serving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from chat.auth.hosts import origin_of
from chat.auth.renewal import Grant
from chat.errors import AuthError
from chat.wire import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

FRESH_FOR = 30.0
"""Seconds for which the SDK's headers are used without asking it again. It renews a token earlier than that before
its end, and a token refused in between is renewed at once."""


class Config(Protocol):
    """What is asked of a `databricks.sdk.core.Config`."""

    @property
    def host(self) -> str | None:
        """The workspace's URL."""

    def authenticate(self) -> Mapping[str, str]:
        """Return the headers that prove who calls."""


class WorkspaceClient(Protocol):
    """What is asked of a `databricks.sdk.WorkspaceClient`."""

    @property
    def config(self) -> Config:
        """Its configuration."""


class Unified:
    """The unified auth for one workspace.

    Args:
        host: the workspace's URL, or None for the one that the SDK finds.
        profile: whether the environment names a profile, whose credentials are for its own host alone.
        given: a configuration of the caller's own, instead of one that is found.
    """

    def __init__(self, host: str | None, *, profile: bool = False, given: Config | None = None) -> None:
        self._host = host
        self._profile = profile
        self._given = given
        self._config = given

    @property
    def host(self) -> str:
        """The workspace's scheme, host and port.

        Raises:
            AuthError: the SDK finds none.
        """
        return origin_of(self._asked(lambda config: config.host or ""))

    def access(self, refused: bool) -> Grant:  # noqa: FBT001 - as `Renewal` calls it
        """Ask for headers.

        Args:
            refused: whether those before were refused; then what was found is looked for again.

        Raises:
            AuthError: the SDK finds no way to log in.
        """
        if refused:
            self._config = self._given
        headers = self._asked(lambda config: config.authenticate())
        return Grant(Access(self.host, dict(headers)), FRESH_FOR)

    def _asked(self, ask: Callable[[Config], T]) -> T:
        try:
            if self._config is None:
                self._config = self._found()
            return ask(self._config)
        except (ValueError, OSError, RuntimeError, LookupError, NotImplementedError) as error:
            # The SDK's text lists which settings it saw; it masks their values itself.
            raise AuthError(
                f"No way to log in to the workspace was found: {error}",
                remedy="Set DATABRICKS_HOST and DATABRICKS_TOKEN, or run `databricks auth login`.",
            ) from error

    def _found(self) -> Config:
        from databricks.sdk.core import Config as SdkConfig  # noqa: PLC0415 - over a second: only for those in need

        if not self._profile or self._host is None:
            return SdkConfig(host=self._host)
        found: Config = SdkConfig()  # with host=, the SDK would send the profile's credentials there
        if origin_of(found.host or "") != origin_of(self._host):
            raise AuthError(
                f"DATABRICKS_CONFIG_PROFILE belongs to {found.host}, not to {self._host}; nothing was sent.",
                remedy=f"Pass token= together with host=, or name a profile of {self._host}.",
            )
        return found
