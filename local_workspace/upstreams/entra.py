"""Microsoft Entra's tokens, for Azure deployments that take no key: fetched with a client secret, kept while good."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import aiohttp

from local_workspace.upstreams.errors import UpstreamUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.upstreams.destinations import EntraCredential
    from local_workspace.upstreams.dial import Dialer

AZURE_OPENAI_SCOPE = "https://cognitiveservices.azure.com/.default"
_RENEWED_EARLY_SECONDS = 60.0
_DEFAULT_LIFE_SECONDS = 3600.0
_LARGEST_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    ends: float


class EntraTokens:
    """Exchanges client secrets for bearer tokens.

    Args:
        dialer: The way out.
        now: The time in seconds since the epoch.
    """

    def __init__(self, dialer: Dialer, *, now: Callable[[], float]) -> None:
        self._dialer = dialer
        self._now = now
        self._tokens: dict[tuple[str, str, str, bytes], _Token] = {}

    async def token(self, credential: EntraCredential, *, authority: str, secret: str) -> str:
        """Return a token that is good for at least another minute.

        Args:
            credential: Whose token.
            authority: Base URL of the issuer.
            secret: The client secret. A new one (a rotation) is exchanged at once.

        Raises:
            AddressRefusedError: The authority may not be called.
            UpstreamUnavailableError: It cannot be reached, or refuses; its answer is not passed on, since it may
                quote what it was sent.
        """
        fingerprint = hashlib.blake2b(secret.encode(errors="surrogateescape"), digest_size=16).digest()
        owner = (authority, credential.tenant, credential.client, fingerprint)
        kept = self._tokens.get(owner)
        if kept is None or kept.ends <= self._now() + _RENEWED_EARLY_SECONDS:
            kept = self._tokens[owner] = await self._fetch(credential, authority=authority, secret=secret)
        return kept.value

    async def _fetch(self, credential: EntraCredential, *, authority: str, secret: str) -> _Token:
        url = f"{authority.rstrip('/')}/{quote(credential.tenant, safe='')}/oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": credential.client,
            "client_secret": secret,
            "scope": AZURE_OPENAI_SCOPE,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        failure = None
        answer: object = None
        status = 0
        try:
            async with await self._dialer.post(url, headers=headers, body=urlencode(form).encode()) as response:
                status = response.status
                answer = json.loads(await response.content.read(_LARGEST_ANSWER))
        except (aiohttp.ClientError, TimeoutError) as error:
            failure = UpstreamUnavailableError(f"Microsoft Entra could not be reached ({type(error).__name__})")
        except ValueError:
            failure = UpstreamUnavailableError("Microsoft Entra's answer is no JSON")
        if failure is not None:  # raised out here: the frames behind the caught error hold the secret
            raise failure
        if status != 200 or not isinstance(answer, dict) or not answer.get("access_token"):  # noqa: PLR2004 - HTTP's own number
            raise UpstreamUnavailableError(f"Microsoft Entra refused the client secret (HTTP {status})", status=401)
        life = float(answer.get("expires_in") or _DEFAULT_LIFE_SECONDS)
        return _Token(value=str(answer["access_token"]), ends=self._now() + life)
