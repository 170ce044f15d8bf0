"""A workspace's OAuth token endpoint, for the two grants that need no SDK."""

from __future__ import annotations

import json
from base64 import b64encode
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from chat.auth.hosts import bearer
from chat.auth.renewal import Grant
from chat.errors import (
    AuthError,
    ChatError,
    ConnectionFailedError,
    Details,
    RateLimitedError,
    UnavailableError,
    UnreachableError,
    inert,
)
from chat.network import proxy_for, tls_context
from chat.wire import PRODUCT, Access, concealed, describe, retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_PATH = "/oidc/v1/token"  # noqa: S105 - a path
"""Where every workspace issues OAuth tokens (docs.databricks.com, "Authorize service principal access")."""

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SECONDS = 30.0
_LARGEST = 1 << 20
_RENEWED_BEFORE = 60.0
"""Seconds before its end from which on a token is not begun a call with."""


def machine_token(host: str, client_id: str, client_secret: str) -> Grant:
    """Log in as a service principal (OAuth machine to machine).

    Args:
        host: the workspace's scheme, host and port.
        client_id: the service principal's application id.
        client_secret: its OAuth secret.

    Raises:
        AuthError: the workspace does not take them.
        ConnectionFailedError, UnavailableError, RateLimitedError: it may take them in a moment.
    """
    login = b64encode(f"{client_id}:{client_secret}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": "all-apis"}
    token, seconds = _asked(host, form, {"Authorization": f"Basic {login}"}, secrets=(client_secret, login))
    return Grant(bearer(host, token), seconds)


def endpoint_token(access: Access, authorization_details: str, origin: str) -> Grant:
    """Exchange a workspace's OAuth token for one that a route-optimized endpoint takes.

    Args:
        access: the workspace's.
        authorization_details: what the token is to allow, as the endpoint itself says it.
        origin: where the endpoint answers.

    Raises:
        AuthError: the workspace does not give one, for lack of the right to query the endpoint.
        ConnectionFailedError, UnavailableError, RateLimitedError: it may give one in a moment.
    """
    form = {
        "grant_type": _JWT_BEARER,
        "authorization_details": authorization_details,
        "assertion": access.credential,
    }
    token, seconds = _asked(access.host, form, {}, secrets=(access.credential,))
    return Grant(bearer(origin, token), seconds)


def _asked(
    host: str, form: Mapping[str, str], headers: Mapping[str, str], *, secrets: tuple[str, ...]
) -> tuple[str, float]:
    proxy = proxy_for(host)
    opener = build_opener(
        ProxyHandler({host.partition(":")[0]: proxy} if proxy else {}), HTTPSHandler(context=tls_context()), _NoRedirect
    )
    request = Request(  # noqa: S310 - the workspace's own address, whose scheme is checked in `hosts`
        f"{host}{TOKEN_PATH}",
        urlencode(form).encode(),
        {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": PRODUCT, **headers},
    )
    try:
        with opener.open(request, timeout=_SECONDS) as response:
            told = json.loads(response.read(_LARGEST))
        return str(told["access_token"]), max(0.0, float(told["expires_in"]) - _RENEWED_BEFORE)
    except HTTPError as error:
        with error:
            raise _refused(host, error, secrets) from None  # its request holds the secret
    except URLError as error:
        raise UnreachableError(
            f"Cannot connect to {host}{TOKEN_PATH}: {error.reason}.", remedy="Check DATABRICKS_HOST."
        ) from None
    except (OSError, HTTPException) as error:
        raise ConnectionFailedError(f"The connection to {host}{TOKEN_PATH} was lost: {type(error).__name__}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise AuthError(
            f"{host}{TOKEN_PATH} answered with something else than a token.",
            remedy="Check DATABRICKS_HOST: it must be a workspace.",
        ) from error


def _refused(host: str, error: HTTPError, secrets: tuple[str, ...]) -> ChatError:
    body = error.read(_LARGEST)
    for secret in secrets:
        body = concealed(body, secret)
    said = describe(body)
    details = Details(error.code, said.code, said.request_id, retry_after(error.headers))  # type: ignore[arg-type]  # a Message is looked up like a Mapping
    reason = inert(" ".join(filter(None, (str(error.code), said.code, said.message))))
    text = f"{host}{TOKEN_PATH} gave no token: {reason}."
    if error.code == 429:  # noqa: PLR2004 - too many requests
        return RateLimitedError(text, details=details)
    if error.code >= 500:  # noqa: PLR2004 - the first server error
        return UnavailableError(text, details=details)
    return AuthError(
        text,
        remedy="Check the service principal's id and secret, and its right to query the endpoint.",
        details=details,
    )


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the login to wherever it points."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Follow none."""
