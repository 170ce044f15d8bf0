"""Where an external model's calls go, and which credential they carry: one rule for each provider.

Only providers whose bytes pass unchanged are here; the others are in `translated`. What a config leaves out, or
names as the provider's public host, is answered by the simulator unless the workspace is live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from local_workspace.errors import ApiError, bad_request, invalid
from local_workspace.upstreams.credentials import EntraCredential, HeaderCredential

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_workspace.upstreams.bases import Bases
    from local_workspace.upstreams.credentials import Credential

_LATEST_AZURE = "preview"
_MESSAGES = "messages"
_ANTHROPIC_VERSION = "2023-06-01"


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
    credential: Credential
    model: str
    headers: tuple[tuple[str, str], ...] = ()


def destination(model: Mapping[str, Any], *, path: str, bases: Bases) -> Destination:
    """Find where a call to an external model goes.

    Args:
        model: The served entity's `external_model`, with secret references in place.
        path: The API's path after its base: `chat/completions`, `completions`, `embeddings`, `responses`, or
            `messages`, which is Anthropic's own.
        bases: Where providers are.

    Raises:
        ApiError: 501 for a provider without OpenAI's wire format; 400 for a config that lacks something.
    """
    provider = str(model.get("provider", ""))
    rule = _RULES.get(provider)
    if path == _MESSAGES and provider != "anthropic":
        raise bad_request(f"Provider '{provider}' does not speak Anthropic's Messages API.")
    if rule is None:
        raise ApiError(
            501,
            "NOT_IMPLEMENTED",
            f"The local workspace does not call provider '{provider}', whose API was retired or takes completions "
            "alone.",
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
        credential=_bearer(required(config, "openai_api_key")),
        model=str(model["name"]),
        headers=(("OpenAI-Organization", str(organization)),) if organization else (),
    )


def _azure(
    model: Mapping[str, Any], config: Mapping[str, Any], path: str, bases: Bases, *, with_entra: bool
) -> Destination:
    base = bases.azure(required(config, "openai_api_base"))
    deployment = quote(required(config, "openai_deployment_name"), safe="")
    query = urlencode({"api-version": config.get("openai_api_version") or _LATEST_AZURE})
    credential: Credential
    if with_entra:
        credential = EntraCredential(
            authority=bases.entra_authority,
            tenant=required(config, "microsoft_entra_tenant_id"),
            client=required(config, "microsoft_entra_client_id"),
            reference=required(config, "microsoft_entra_client_secret"),
        )
    else:
        credential = HeaderCredential(header="api-key", reference=required(config, "openai_api_key"))
    return Destination(
        provider="openai",
        url=f"{base}/openai/deployments/{deployment}/{path}?{query}",
        credential=credential,
        model=str(model["name"]),
    )


def _custom(model: Mapping[str, Any], path: str, _: Bases) -> Destination:
    """A custom provider's URL is used as it is if it names the API's path already, else as the base of it."""
    config = model.get("custom_provider_config") or {}
    url = required(config, "custom_provider_url").rstrip("/")
    key, token = config.get("api_key_auth"), config.get("bearer_token_auth")
    return Destination(
        provider="custom",
        url=url if url.partition("?")[0].endswith(f"/{path}") else f"{url}/{path}",
        credential=(
            HeaderCredential(header=required(key, "key"), reference=required(key, "value"))
            if key
            else _bearer(required(token or {}, "token"))
        ),
        model=str(model["name"]),
    )


def _databricks(model: Mapping[str, Any], _path: str, _: Bases) -> Destination:
    config = model.get("databricks_model_serving_config") or {}
    workspace = required(config, "databricks_workspace_url").rstrip("/")
    return Destination(
        provider="databricks-model-serving",
        url=f"{workspace}/serving-endpoints/{quote(str(model['name']), safe='')}/invocations",
        credential=_bearer(required(config, "databricks_api_token")),
        model=str(model["name"]),
    )


def _anthropic(model: Mapping[str, Any], path: str, bases: Bases) -> Destination:
    """Anthropic's own API, for callers who speak it; chat completions are translated (`translated.origins`)."""
    config = model.get("anthropic_config") or {}
    base = bases.of_provider("anthropic", host="api.anthropic.com", simulated="anthropic")
    return Destination(
        provider="anthropic",
        url=f"{base}/v1/{path}",
        credential=HeaderCredential(header="x-api-key", reference=required(config, "anthropic_api_key")),
        model=str(model["name"]),
        headers=(("anthropic-version", _ANTHROPIC_VERSION),),
    )


def _bearer(reference: str) -> HeaderCredential:
    return HeaderCredential(header="Authorization", reference=reference, prefix="Bearer ")


def required(config: Mapping[str, Any], field: str) -> str:
    """Return a field that a config must have.

    Raises:
        ApiError: 400: it has none.
    """
    value = config.get(field)
    if not value:
        raise invalid(f"The external model's config has no {field}.")
    return str(value)


_RULES: dict[str, Callable[[Mapping[str, Any], str, Bases], Destination]] = {
    "anthropic": _anthropic,
    "openai": _openai,
    "custom": _custom,
    "databricks-model-serving": _databricks,
}
