"""A simulator of Microsoft Entra's client-credentials grant, and the check of the tokens that it gave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

_LIFE_SECONDS = 3599
_REFUSED_SECRET_PREFIX = "invalid"  # noqa: S105 - what a refused one looks like


class EntraSimulator:
    """Issues and checks tokens, signed with a key of its own.

    Args:
        now: The time in seconds since the epoch.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._key = secrets.token_bytes(32)

    async def issue(self, request: Request) -> Response:
        """Answer a client-credentials grant; a secret that is empty or starts with `invalid` is refused."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        secret = form.get("client_secret", "")
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        if not secret or secret.startswith(_REFUSED_SECRET_PREFIX):
            return _refused("invalid_client", "AADSTS7000215: Invalid client secret provided.")
        token = self._sign({
            "aud": form.get("scope", "").removesuffix("/.default"),
            "appid": form.get("client_id"),
            "tid": request.path_params["tenant"],
            "exp": int(self._now()) + _LIFE_SECONDS,
        })  # fmt: skip
        return JSONResponse({"token_type": "Bearer", "expires_in": _LIFE_SECONDS, "access_token": token})

    def accepts(self, token: str) -> bool:
        """Whether a token was issued here and has not expired."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(signed)):
            return False
        claims = signed.partition(".")[2]
        padded = claims + "=" * (-len(claims) % 4)
        return bool(json.loads(base64.urlsafe_b64decode(padded))["exp"] > self._now())

    def _sign(self, claims: dict[str, object]) -> str:
        parts = [_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
        signed = ".".join(parts)
        return f"{signed}.{self._signature(signed)}"

    def _signature(self, signed: str) -> str:
        return _base64url(hmac.digest(self._key, signed.encode(), hashlib.sha256))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _refused(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status_code=401)
