"""Microsoft Entra's tokens, for Azure deployments that take no key: fetched with a client secret, kept while good."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from local_workspace.upstreams.credentials import EntraCredential
    from local_workspace.upstreams.token_exchange import TokenExchange

AZURE_OPENAI_SCOPE = "https://cognitiveservices.azure.com/.default"


async def token(credential: EntraCredential, *, exchange: TokenExchange, secret: str) -> str:
    """Return a bearer token for a client.

    Args:
        credential: Whose token.
        exchange: Fetches and keeps tokens.
        secret: The client secret.

    Raises:
        AddressRefusedError: The authority may not be called.
        UpstreamUnavailableError: It cannot be reached, or refuses.
    """
    fingerprint = hashlib.blake2b(secret.encode(errors="surrogateescape"), digest_size=16).digest()
    url = f"{credential.authority.rstrip('/')}/{quote(credential.tenant, safe='')}/oauth2/v2.0/token"

    def form() -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_id": credential.client,
            "client_secret": secret,
            "scope": AZURE_OPENAI_SCOPE,
        }

    owner = ("entra", url, credential.client, fingerprint)
    return await exchange.token(owner, url=url, form=form, issuer="Microsoft Entra")
