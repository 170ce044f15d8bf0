"""External models: the providers, what each one's config must hold, and which of its fields are keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TASKS = ("llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings")

CONFIG_KEYS: Mapping[str, str] = {
    "ai21labs": "ai21labs_config",
    "amazon-bedrock": "amazon_bedrock_config",
    "anthropic": "anthropic_config",
    "cohere": "cohere_config",
    "custom": "custom_provider_config",
    "databricks-model-serving": "databricks_model_serving_config",
    "google-cloud-vertex-ai": "google_cloud_vertex_ai_config",
    "openai": "openai_config",
    "palm": "palm_config",
}
"""The block in which each provider is configured."""

SECRET_FIELDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ai21labs_config": (("ai21labs_api_key",),),
    "amazon_bedrock_config": (("aws_access_key_id",), ("aws_secret_access_key",)),
    "anthropic_config": (("anthropic_api_key",),),
    "cohere_config": (("cohere_api_key",),),
    "custom_provider_config": (("api_key_auth", "value"), ("bearer_token_auth", "token")),
    "databricks_model_serving_config": (("databricks_api_token",),),
    "google_cloud_vertex_ai_config": (("private_key",),),
    "openai_config": (("openai_api_key",), ("microsoft_entra_client_secret",)),
    "palm_config": (("palm_api_key",),),
}
"""The fields that hold a secret reference. Each has a twin, `<field>_plaintext`, for the key itself."""

_PLAINTEXT = "_plaintext"
_BEDROCK_PROVIDERS = ("ai21labs", "amazon", "anthropic", "cohere")


def check(model: Mapping[str, Any]) -> None:
    """Judge an `external_model` block.

    Raises:
        ApiError: INVALID_PARAMETER_VALUE that names the field; never a field's value that may be a key.
    """
    for field in ("name", "provider", "task"):
        if not isinstance(model.get(field), str) or not model[field]:
            raise invalid(f"external_model.{field} is required.")
    provider = model["provider"]
    if provider not in CONFIG_KEYS:
        raise invalid(f"Unknown external model provider '{provider}'. Supported: {', '.join(sorted(CONFIG_KEYS))}.")
    if model["task"] not in TASKS:
        raise invalid(f"Unknown external model task '{model['task']}'. Supported: {', '.join(TASKS)}.")
    key = CONFIG_KEYS[provider]
    for other in CONFIG_KEYS.values():
        if other != key and model.get(other) is not None:
            raise invalid(f"external_model.{other} does not belong to provider '{provider}'; it takes {key}.")
    config = model.get(key)
    if not isinstance(config, dict):
        raise invalid(f"external_model.{key} is required for provider '{provider}'.")
    _CHECKS[provider](config, f"external_model.{key}")


def secrets_of(model: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield, for each secret field of the model, the mapping that holds it, its name and its plain-text twin's.

    The mapping is the model's own, so a caller that owns the model may replace the value in place.
    """
    for key, config in model.items():
        for *parents, field in SECRET_FIELDS.get(key, ()):
            holder = config
            for parent in parents:
                holder = holder.get(parent) if isinstance(holder, dict) else None
            if isinstance(holder, dict):
                yield holder, field, field + _PLAINTEXT


def _require(config: Mapping[str, Any], where: str, *fields: str) -> None:
    for field in fields:
        if not isinstance(config.get(field), str) or not config[field]:
            raise invalid(f"{where}.{field} is required.")


def _exactly_one(config: Mapping[str, Any], where: str, field: str) -> None:
    given = [name for name in (field, field + _PLAINTEXT) if config.get(name)]
    if len(given) != 1:
        fault = "both were" if given else "neither was"
        raise invalid(f"Exactly one of {where}.{field} and {where}.{field}{_PLAINTEXT} must be given; {fault}.")


def _check_simple(*secrets: str, required: tuple[str, ...] = ()) -> Callable[[dict[str, Any], str], None]:
    def check_config(config: dict[str, Any], where: str) -> None:
        _require(config, where, *required)
        for secret in secrets:
            _exactly_one(config, where, secret)

    return check_config


def _check_openai(config: dict[str, Any], where: str) -> None:
    kind = config.get("openai_api_type") or "openai"
    if kind not in {"openai", "azure", "azuread"}:
        raise invalid(f"{where}.openai_api_type must be one of openai, azure, azuread.")
    if kind != "openai":
        _require(config, where, "openai_api_base", "openai_api_version", "openai_deployment_name")
    if kind == "azuread":
        _require(config, where, "microsoft_entra_client_id", "microsoft_entra_tenant_id")
        _exactly_one(config, where, "microsoft_entra_client_secret")
    else:
        _exactly_one(config, where, "openai_api_key")


def _check_bedrock(config: dict[str, Any], where: str) -> None:
    _require(config, where, "aws_region", "bedrock_provider")
    if config["bedrock_provider"].lower() not in _BEDROCK_PROVIDERS:
        raise invalid(f"{where}.bedrock_provider must be one of {', '.join(_BEDROCK_PROVIDERS)}.")
    keys = ("aws_access_key_id", "aws_secret_access_key")
    with_keys = any(config.get(key) or config.get(key + _PLAINTEXT) for key in keys)
    others = [name for name in ("instance_profile_arn", "uc_service_credential_name") if config.get(name)]
    if with_keys + len(others) != 1:
        raise invalid(f"{where} needs exactly one of: access keys, instance_profile_arn, uc_service_credential_name.")
    if with_keys:
        for key in keys:
            _exactly_one(config, where, key)


def _check_custom(config: dict[str, Any], where: str) -> None:
    _require(config, where, "custom_provider_url")
    auth = {name: config.get(name) for name in ("api_key_auth", "bearer_token_auth")}
    given = [name for name, block in auth.items() if isinstance(block, dict)]
    if len(given) != 1:
        raise invalid(f"Exactly one of {where}.api_key_auth and {where}.bearer_token_auth must be given.")
    block = config[given[0]]
    if given[0] == "api_key_auth":
        _require(block, f"{where}.api_key_auth", "key")
        _exactly_one(block, f"{where}.api_key_auth", "value")
    else:
        _exactly_one(block, f"{where}.bearer_token_auth", "token")


_CHECKS: Mapping[str, Callable[[dict[str, Any], str], None]] = {
    "ai21labs": _check_simple("ai21labs_api_key"),
    "amazon-bedrock": _check_bedrock,
    "anthropic": _check_simple("anthropic_api_key"),
    "cohere": _check_simple("cohere_api_key"),
    "custom": _check_custom,
    "databricks-model-serving": _check_simple("databricks_api_token", required=("databricks_workspace_url",)),
    "google-cloud-vertex-ai": _check_simple("private_key", required=("project_id", "region")),
    "openai": _check_openai,
    "palm": _check_simple("palm_api_key"),
}
