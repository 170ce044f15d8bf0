"""Bearer tokens for a secret: fetched from the issuer when first needed, kept while they are good."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import aiohttp

from local_workspace.upstreams.errors import UpstreamUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from local_workspace.upstreams.dial import Dialer

_RENEWED_EARLY_SECONDS = 60.0
_DEFAULT_LIFE_SECONDS = 3600.0
_LARGEST_ANSWER = 64 * 1024
_MOST_KEPT = 256
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    ends: float


class TokenExchange:
    """Fetches OAuth tokens and keeps them while they are good.

    Args:
        dialer: The way out.
        now: The time in seconds since the epoch.
    """

    def __init__(self, dialer: Dialer, *, now: Callable[[], float]) -> None:
        self._dialer = dialer
        self._now = now
        self._tokens: dict[Hashable, _Token] = {}

    async def token(self, owner: Hashable, *, url: str, form: Callable[[], Mapping[str, str]], issuer: str) -> str:
        """Return a token that is good for at least another minute.

        Args:
            owner: Whose token, with a fingerprint of the secret: a new secret (a rotation) is exchanged at once.
            url: Where tokens are issued.
            form: Makes the request's fields, the secret among them; called only if a token is fetched.
            issuer: The issuer's name, for messages.

        Raises:
            AddressRefusedError: The issuer may not be called.
            UpstreamUnavailableError: It cannot be reached, or refuses; its answer is not passed on, since it may
                quote what it was sent.
        """
        kept = self._tokens.get(owner)
        if kept is None or kept.ends <= self._now() + _RENEWED_EARLY_SECONDS:
            if len(self._tokens) >= _MOST_KEPT:
                self._tokens.clear()
            kept = self._tokens[owner] = await self._fetch(url, form, issuer)
        return kept.value

    async def _fetch(self, url: str, form: Callable[[], Mapping[str, str]], issuer: str) -> _Token:
        body = urlencode(form()).encode()
        failure = None
        answer: object = None
        status = 0
        try:
            async with await self._dialer.post(url, headers=_FORM, body=body) as response:
                status = response.status
                answer = json.loads(await response.content.read(_LARGEST_ANSWER))
        except (aiohttp.ClientError, TimeoutError) as error:
            failure = UpstreamUnavailableError(f"{issuer} could not be reached ({type(error).__name__})")
        except ValueError:
            failure = UpstreamUnavailableError(f"{issuer}'s answer is no JSON")
        if failure is not None:  # raised out here: the frames behind the caught error hold the secret
            raise failure
        if status != 200 or not isinstance(answer, dict) or not answer.get("access_token"):  # noqa: PLR2004 - HTTP's own number
            raise UpstreamUnavailableError(f"{issuer} refused the secret (HTTP {status})", status=401)
        life = float(answer.get("expires_in") or _DEFAULT_LIFE_SECONDS)
        return _Token(value=str(answer["access_token"]), ends=self._now() + life)
