"""`Credentials`: of all the ways to log in, the one that holds for a call."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, cast

from chat.auth.environment import Machine, found_in
from chat.auth.hosts import bearer, origin_of
from chat.auth.renewal import Grant, Renewal
from chat.auth.unified import Unified
from chat.errors import AuthError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chat.auth.unified import Config, WorkspaceClient
    from chat.wire import Access, OwnRoute, Token

_MOST_ENDPOINT_TOKENS = 256
_REREAD_AFTER = 3600.0


class Credentials:
    """The credentials of one client.

    Args:
        host: the workspace's URL; None takes it from the environment or the SDK's configuration.
        token: a token, or a function that returns one each time; None takes it from there too.
        workspace_client: a client or configuration of the Databricks SDK, whose workspace and login to use.
        environ: the environment.
        clock: a monotonic clock, in seconds.

    Raises:
        InvalidRequestError: both `workspace_client` and `host` or `token` are given.
    """

    def __init__(
        self,
        host: str | None = None,
        token: Token | None = None,
        *,
        workspace_client: WorkspaceClient | Config | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if workspace_client is not None and (host is not None or token is not None):
            raise InvalidRequestError(
                "workspace_client= says which workspace and as whom, and so do host= and token=.",
                remedy="Pass workspace_client= alone, or host= and token=; a call may still bring its own token=.",
            )
        self._host = host
        self._token = token
        self._given: Config | None = getattr(workspace_client, "config", None) or cast(
            "Config | None", workspace_client
        )
        self._environ = environ
        self._clock = clock
        self._forget()

    def access(
        self,
        host: str | None = None,
        token: Token | None = None,
        *,
        route: OwnRoute | None = None,
        refused: Access | None = None,
    ) -> Access | None:
        """Say where to send a request and with which authorization.

        Args:
            host: another workspace than the client's own.
            token: another token than the client's own.
            route: the endpoint's own route, for a request that takes it.
            refused: the access that was given before and has just been refused.

        Returns:
            The access; None if what was refused is all that there is.

        Raises:
            AuthError: there are no credentials for that workspace.
            ConnectionFailedError, UnavailableError, RateLimitedError: the workspace's token endpoint is away.
        """
        if route is None:
            return self._workspace_access(host, token, refused)
        whole = self._workspace_access(host, token, None)
        if whole is None or not route.authorization_details:
            return whole
        from chat.auth.token_endpoint import endpoint_token  # noqa: PLC0415 - for route-optimized endpoints alone

        details = route.authorization_details
        return self._endpoint_token(route, whole).access(
            lambda _: endpoint_token(whole, details, route.origin), refused=refused
        )

    def blocks(self, host: str | None = None, token: Token | None = None, *, route: OwnRoute | None = None) -> bool:
        """Whether `access` may take a while (a login, or a function), so belongs off an event loop."""
        if not self._at_hand(host, token):
            return True
        whole = self._workspace_access(host, token, None) if route is not None else None
        return route is not None and whole is not None and not self._endpoint_token(route, whole).fresh

    def __getstate__(self) -> dict[str, object]:
        """Travel without what was found out here: the copy looks for itself (and a lock cannot be pickled)."""
        return {
            "_host": self._host,
            "_token": self._token,
            "_given": self._given,
            "_environ": None,
            "_clock": self._clock,
        }

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._forget()

    def _forget(self) -> None:
        self._renewals: dict[str | None, Renewal] = {}
        self._unified: dict[str | None, Unified] = {}
        self._endpoint_tokens: OrderedDict[tuple[OwnRoute, bytes], Renewal] = OrderedDict()

    def _workspace_access(self, host: str | None, token: Token | None, refused: Access | None) -> Access | None:
        given = self._brought(host, token)
        if given is None:
            renewal = self._renewals.get(host) or self._renewals.setdefault(host, Renewal(self._clock))
            return renewal.access(lambda again: self._login(host, again=again), refused=refused)
        # Not kept: an application that calls for its users must not collect their tokens.
        access = bearer(self._address(host), given() if callable(given) else given)
        return None if access == refused else access

    def _at_hand(self, host: str | None, token: Token | None) -> bool:
        given = self._brought(host, token)
        if given is not None:
            known = host or self._host or self._given or self._variables.get("DATABRICKS_HOST")
            return bool(known) and not callable(given)
        renewal = self._renewals.get(host)
        return renewal is not None and renewal.fresh

    def _brought(self, host: str | None, token: Token | None) -> Token | None:
        """The token that a call brings along, or else the client's own, which is for the client's own workspace."""
        if token is not None:
            return token
        return self._token if host is None else None

    def _login(self, host: str | None, *, again: bool) -> Grant:
        """Get access with what the caller, the environment or the SDK's configuration has to log in with."""
        if self._given is None or host is not None:
            found = found_in(self._variables, host or self._host)
            if isinstance(found, str):
                return Grant(bearer(self._address(host), found), _REREAD_AFTER)
            if isinstance(found, Machine):
                from chat.auth.token_endpoint import machine_token  # noqa: PLC0415 - for service principals alone

                return machine_token(self._address(host), found.client_id, found.client_secret)
        return self._sdk(host).access(again)

    def _sdk(self, host: str | None) -> Unified:
        given = self._given if host is None else None
        profile = bool(self._variables.get("DATABRICKS_CONFIG_PROFILE"))
        found = self._unified.get(host)
        return found or self._unified.setdefault(host, Unified(host or self._host, profile=profile, given=given))

    def _endpoint_token(self, route: OwnRoute, whole: Access) -> Renewal:
        """The place for the token by which one caller calls one endpoint; the caller's own token is not kept in it."""
        import hashlib  # noqa: PLC0415 - OpenSSL's library, for route-optimized endpoints alone

        key = (route, hashlib.sha256(whole.credential.encode()).digest())
        kept = self._endpoint_tokens.get(key) or self._endpoint_tokens.setdefault(key, Renewal(self._clock))
        while len(self._endpoint_tokens) > _MOST_ENDPOINT_TOKENS:
            self._endpoint_tokens.popitem(last=False)
        return kept

    def _address(self, host: str | None) -> str:
        if self._given is not None and host is None:
            return self._sdk(None).host
        found = host or self._host or self._variables.get("DATABRICKS_HOST")
        if found:
            return origin_of(found)
        try:
            return self._sdk(None).host  # a profile's, for instance
        except AuthError as error:
            raise AuthError(
                "A token is given, but no workspace.", remedy="Pass host=, or set DATABRICKS_HOST to its URL."
            ) from error

    @property
    def _variables(self) -> Mapping[str, str]:
        return os.environ if self._environ is None else self._environ
