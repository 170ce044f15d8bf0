"""Google's bearer tokens: fetched with a service account's signed assertion, kept while good.

A service account's key is a JSON document that also names the address to fetch tokens from. That address is never
used: whoever writes the key would choose where the signed assertion goes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.errors import UpstreamUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.upstreams.credentials import GoogleCredential
    from local_workspace.upstreams.token_exchange import TokenExchange

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS = 3600


async def token(credential: GoogleCredential, *, exchange: TokenExchange, key: str, now: Callable[[], float]) -> str:
    """Return a bearer token for a service account.

    Args:
        credential: Whose token.
        exchange: Fetches and keeps tokens.
        key: The account's key, Google's JSON document.
        now: The time in seconds since the epoch.

    Raises:
        UpstreamUnavailableError: The key is none, or the issuer refuses or cannot be reached.
        AddressRefusedError: The issuer may not be called.
    """
    fingerprint = hashlib.blake2b(key.encode(errors="surrogateescape"), digest_size=16).digest()
    account = _read(key)

    def form() -> dict[str, str]:
        issued = int(now())
        claims = {
            "iss": account["client_email"],
            "scope": _SCOPE,
            "aud": credential.audience,
            "iat": issued,
            "exp": issued + _ASSERTION_SECONDS,
        }
        return {"grant_type": _GRANT, "assertion": _assertion(account, claims)}

    owner = ("google", credential.tokens, fingerprint)
    return await exchange.token(owner, url=credential.tokens, form=form, issuer="Google")


def _read(key: str) -> dict[str, Any]:
    try:
        account = json.loads(key)
    except (ValueError, RecursionError):
        account = None
    if not isinstance(account, dict) or not all(
        isinstance(account.get(field), str) and account[field] for field in ("client_email", "private_key")
    ):
        raise UpstreamUnavailableError(
            "private_key must be a service account's JSON key, with client_email and private_key", status=401
        )
    return account


def _assertion(account: dict[str, Any], claims: dict[str, Any]) -> str:
    from google.auth import crypt, jwt  # noqa: PLC0415 - part of an extra

    try:
        signer = crypt.RSASigner.from_service_account_info(account)
        return str(jwt.encode(signer, claims), "ascii")
    except ValueError:
        unreadable = UpstreamUnavailableError("the service account's private_key cannot be read", status=401)
    raise unreadable  # out here: the caught error may quote the key
