"""A simulator of Microsoft Entra's client-credentials grant."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import JSONResponse

from local_workspace.upstreams.simulators.issued_tokens import LIFE_SECONDS, IssuedTokens

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_REFUSED_SECRET_PREFIX = "invalid"  # noqa: S105 - what a refused one looks like


class EntraSimulator(IssuedTokens):
    """Issues and checks the tokens of Microsoft Entra."""

    async def answer(self, request: Request) -> Response:
        """Answer a client-credentials grant; a secret that is empty or starts with `invalid` is refused."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        secret = form.get("client_secret", "")
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        if not secret or secret.startswith(_REFUSED_SECRET_PREFIX):
            return _refused("invalid_client", "AADSTS7000215: Invalid client secret provided.")
        token = self.issue({
            "aud": form.get("scope", "").removesuffix("/.default"),
            "appid": form.get("client_id"),
            "tid": request.path_params["tenant"],
        })  # fmt: skip
        return JSONResponse({"token_type": "Bearer", "expires_in": LIFE_SECONDS, "access_token": token})


def _refused(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status_code=401)
