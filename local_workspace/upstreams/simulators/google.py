"""A simulator of Google's tokens for service accounts: the assertion's form and claims are checked.

Its signature is not: that takes the public half of the account's key, which Google alone has.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.responses import JSONResponse

from local_workspace.upstreams.bases import GOOGLE_TOKENS
from local_workspace.upstreams.simulators.issued_tokens import LIFE_SECONDS, IssuedTokens, read_part

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_SECONDS = 3600
_SHORTEST_SIGNATURE = 128  # bytes: that of an RSA key of 1024 bits
_REFUSED_ACCOUNT = "invalid"


class GoogleSimulator(IssuedTokens):
    """Issues and checks the tokens of service accounts."""

    async def answer(self, request: Request) -> Response:
        """Answer a grant for a signed assertion; an account whose e-mail starts with `invalid` is refused."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if form.get("grant_type") != _GRANT:
            return _refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')[:64]}")
        try:
            claims = _claims(form.get("assertion", ""))
        except ValueError:
            return _refused("invalid_grant", "Invalid JWT Signature.")
        issuer = str(claims.get("iss"))
        if "@" not in issuer or issuer.startswith(_REFUSED_ACCOUNT):
            return _refused("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") != GOOGLE_TOKENS or not self._is_timely(claims):
            return _refused("invalid_grant", "Invalid JWT: Token must be a short-lived token for this audience.")
        token = self.issue({"sub": issuer, "scope": claims.get("scope")})
        return JSONResponse({"token_type": "Bearer", "expires_in": LIFE_SECONDS, "access_token": token})

    def _is_timely(self, claims: dict[str, Any]) -> bool:
        issued, ends = claims.get("iat"), claims.get("exp")
        return (
            isinstance(issued, int)
            and isinstance(ends, int)
            and issued <= ends <= issued + _LONGEST_SECONDS
            and ends > self._now()
        )


def _claims(assertion: str) -> dict[str, Any]:
    header, claims, signature = assertion.split(".")
    if read_part(header).get("alg") != "RS256":
        raise ValueError("another signature")
    if len(base64.urlsafe_b64decode(signature + "==")) < _SHORTEST_SIGNATURE:
        raise ValueError("no signature")
    return read_part(claims)


def _refused(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status_code=400)
