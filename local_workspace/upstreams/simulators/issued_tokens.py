"""Bearer tokens that a simulated issuer signs, and the check of those that come back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIFE_SECONDS = 3599


class IssuedTokens:
    """Issues and checks tokens, signed with a key of its own.

    Args:
        now: The time in seconds since the epoch.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._key = secrets.token_bytes(32)

    def issue(self, claims: Mapping[str, object]) -> str:
        """Return a token that is good for an hour."""
        stated = {**claims, "exp": int(self._now()) + LIFE_SECONDS}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, stated))
        return f"{signed}.{self._signature(signed)}"

    def accepts(self, token: str) -> bool:
        """Whether a token was issued here and has not expired."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return False
        return bool(read_part(signed.partition(".")[2])["exp"] > self._now())

    def _signature(self, signed: str) -> str:
        return _base64url(hmac.digest(self._key, signed.encode(), hashlib.sha256))


def read_part(part: str) -> dict[str, Any]:
    """Read the header or the claims of a JSON web token.

    Raises:
        ValueError: It is no base64 of a JSON object.
    """
    read = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(read, dict):
        raise ValueError("no object")  # noqa: TRY004 - one error for whatever is no token
    return read


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
