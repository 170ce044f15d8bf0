"""Logging in: the SDK's unified auth, held to the bounds of all other calls, its failures told from the API's.

What the SDK fetches to log in (a host's metadata, its OAuth endpoints, tokens) goes by clients of its own, which nobody
can hand it: they read without end, and its request for a token waits without end and follows a redirect, the client's
secret with it. So the SDK's own modules are given bounded ones, once, for this process.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import requests

from provisioning.workspace.answers import bound
from provisioning.workspace.sdk import BaseClient
from provisioning.workspace.sdk import config as sdk_config
from provisioning.workspace.sdk import oauth as sdk_oauth

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest, Response

    from provisioning.workspace.sdk import Config

_TOKEN_SECONDS = 60
"""Of silence, as for the API's answers."""


class LoginFailedError(Exception):
    """No token could be had; its text is the SDK's, the token endpoint's, or ours."""


def authentication(config: Config) -> Callable[[PreparedRequest], PreparedRequest]:
    """Return what adds the credential to a request.

    Args:
        config: finds the credential, and renews it.
    """

    def authenticated(request: PreparedRequest) -> PreparedRequest:
        try:
            request.headers.update(config.authenticate())
        except (requests.ConnectionError, requests.Timeout, requests.TooManyRedirects):
            raise  # as at every other call
        except ValueError as error:  # a refusal, in the token endpoint's words
            raise LoginFailedError(str(error)) from error
        except (requests.RequestException, LookupError, TypeError, RuntimeError) as error:
            # of an answer without a token the SDK says `Not supported yet: 'expires_in'`, or 'content-type'
            raise LoginFailedError("the answer is not a token endpoint's") from error
        return request

    return authenticated


class _BoundedClient(BaseClient):
    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - of the overridden
        super().__init__(*args, **kwargs)
        bound(self._session)


class _BoundedRequests(ModuleType):
    """`requests`, as the SDK's `oauth` uses it: for tokens alone."""

    def __getattr__(self, name: str) -> object:
        return getattr(requests, name)

    def post(self, url: str, data: Any = None, **options: Any) -> Response:  # noqa: ANN401 - as requests.post
        with requests.Session() as session:
            bound(session)
            session.max_redirects = 0
            return session.post(url, data, **{"timeout": _TOKEN_SECONDS, **options})


def _bound_the_sdk() -> None:
    sdk_config._BaseClient = _BoundedClient  # type: ignore[attr-defined] # noqa: SLF001 - as the module's docstring says
    sdk_oauth.requests = _BoundedRequests("requests")  # type: ignore[attr-defined] # as above
    for discover in (
        sdk_oauth.get_endpoints_from_url,
        sdk_oauth.get_account_endpoints,
        sdk_oauth.get_workspace_endpoints,
        sdk_oauth.get_unified_endpoints,
    ):
        for client in discover.__defaults__ or ():
            bound(client._session)  # noqa: SLF001 - made when the SDK was imported


_bound_the_sdk()
