"""Where an external model's calls go, and which credential they carry: one rule for each provider.

Only providers that speak OpenAI's wire format are here; their bytes pass unchanged. What a config leaves out, or
names as the provider's public host, is answered by the simulator unless the workspace is live.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from local_workspace.errors import ApiError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OPENAI_BASE = "https://api.openai.com/v1"
ENTRA_AUTHORITY = "https://login.microsoftonline.com"
_PUBLIC_HOSTS = ("api.openai.com", ".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_LATEST_AZURE = "preview"


@dataclass(frozen=True, slots=True)
class HeaderCredential:
    """A secret that is sent as a header.

    Attributes:
        header: The header's name.
        reference: The secret's reference; the value is read when the call is made.
        prefix: What stands before the value.
    """

    header: str
    reference: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class EntraCredential:
    """A client whose secret Microsoft Entra exchanges for a bearer token.

    Attributes:
        tenant: The directory's id.
        client: The application's id.
        reference: The client secret's reference.
    """

    tenant: str
    client: str
    reference: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one call goes.

    Attributes:
        provider: The provider's name as Databricks writes it.
        url: The full URL.
        credential: What authenticates the call.
        model: The model that the upstream is asked for.
        headers: More headers, none of them secret.
    """

    provider: str
    url: str
    credential: HeaderCredential | EntraCredential
    model: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Bases:
    """Where providers are when a config doesn't say, or says their public host.

    Attributes:
        simulator: The base URL of OpenAI's simulator without a path; None in live mode.
        allowed_hosts: Public hosts that are really called although the rest is simulated.
    """

    simulator: str | None
    allowed_hosts: frozenset[str] = frozenset()

    def openai(self, configured: str | None) -> str:
        """The base URL for OpenAI's own API, `/v1` included."""
        if self.simulator is not None and (configured is None or self._is_simulated(configured)):
            return f"{self.simulator}/v1"
        return (configured or OPENAI_BASE).rstrip("/")

    def azure(self, configured: str) -> str:
        """The base URL for an Azure resource."""
        if self.simulator is not None and self._is_simulated(configured):
            return self.simulator
        return configured.rstrip("/")

    def _is_simulated(self, url: str) -> bool:
        host = _public_host(url)
        return host is not None and host not in self.allowed_hosts


@lru_cache(maxsize=512)
def _public_host(url: str) -> str | None:
    """The provider's own host that a URL names, or None."""
    host = (urlsplit(url).hostname or "").lower()
    is_public = any(host == known.lstrip(".") or (known[0] == "." and host.endswith(known)) for known in _PUBLIC_HOSTS)
    return host if is_public else None


def destination(model: Mapping[str, Any], *, path: str, bases: Bases) -> Destination:
    """Find where a call to an external model goes.

    Args:
        model: The served entity's `external_model`, with secret references in place.
        path: The API's path after its base: `chat/completions`, `completions`, `embeddings`, `responses`.
        bases: Where providers are.

    Raises:
        ApiError: 501 for a provider without OpenAI's wire format; 400 for a config that lacks something.
    """
    provider = str(model.get("provider", ""))
    rule = _RULES.get(provider)
    if rule is None:
        raise ApiError(
            501,
            "NOT_IMPLEMENTED",
            f"The local workspace does not speak the wire format of provider '{provider}' yet; "
            f"it calls {', '.join(sorted(_RULES))}.",
        )
    return rule(model, path, bases)


def _openai(model: Mapping[str, Any], path: str, bases: Bases) -> Destination:
    config = model.get("openai_config") or {}
    kind = str(config.get("openai_api_type") or "openai").lower()
    if kind in {"azure", "azuread"}:
        return _azure(model, config, path, bases, with_entra=kind == "azuread")
    organization = config.get("openai_organization")
    return Destination(
        provider="openai",
        url=f"{bases.openai(config.get('openai_api_base'))}/{path}",
        credential=_bearer(_required(config, "openai_api_key")),
        model=str(model["name"]),
        headers=(("OpenAI-Organization", str(organization)),) if organization else (),
    )


def _azure(
    model: Mapping[str, Any], config: Mapping[str, Any], path: str, bases: Bases, *, with_entra: bool
) -> Destination:
    base = bases.azure(_required(config, "openai_api_base"))
    deployment = quote(_required(config, "openai_deployment_name"), safe="")
    query = urlencode({"api-version": config.get("openai_api_version") or _LATEST_AZURE})
    credential: HeaderCredential | EntraCredential
    if with_entra:
        credential = EntraCredential(
            tenant=_required(config, "microsoft_entra_tenant_id"),
            client=_required(config, "microsoft_entra_client_id"),
            reference=_required(config, "microsoft_entra_client_secret"),
        )
    else:
        credential = HeaderCredential(header="api-key", reference=_required(config, "openai_api_key"))
    return Destination(
        provider="openai",
        url=f"{base}/openai/deployments/{deployment}/{path}?{query}",
        credential=credential,
        model=str(model["name"]),
    )


def _custom(model: Mapping[str, Any], path: str, _: Bases) -> Destination:
    """A custom provider's URL is used as it is if it names the API's path already, else as the base of it."""
    config = model.get("custom_provider_config") or {}
    url = _required(config, "custom_provider_url").rstrip("/")
    key, token = config.get("api_key_auth"), config.get("bearer_token_auth")
    return Destination(
        provider="custom",
        url=url if urlsplit(url).path.endswith(f"/{path}") else f"{url}/{path}",
        credential=(
            HeaderCredential(header=_required(key, "key"), reference=_required(key, "value"))
            if key
            else _bearer(_required(token or {}, "token"))
        ),
        model=str(model["name"]),
    )


def _databricks(model: Mapping[str, Any], _path: str, _: Bases) -> Destination:
    config = model.get("databricks_model_serving_config") or {}
    workspace = _required(config, "databricks_workspace_url").rstrip("/")
    return Destination(
        provider="databricks-model-serving",
        url=f"{workspace}/serving-endpoints/{quote(str(model['name']), safe='')}/invocations",
        credential=_bearer(_required(config, "databricks_api_token")),
        model=str(model["name"]),
    )


def _bearer(reference: str) -> HeaderCredential:
    return HeaderCredential(header="Authorization", reference=reference, prefix="Bearer ")


def _required(config: Mapping[str, Any], field: str) -> str:
    value = config.get(field)
    if not value:
        raise invalid(f"The external model's config has no {field}.")
    return str(value)


_RULES: dict[str, Callable[[Mapping[str, Any], str, Bases], Destination]] = {
    "openai": _openai,
    "custom": _custom,
    "databricks-model-serving": _databricks,
}
