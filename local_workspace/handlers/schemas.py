"""What the routes take, as JSON Schema: for readers of the OpenAPI document and for those who test against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
SWITCH: Schema = {"type": "boolean"}


def record(required: tuple[str, ...] = (), /, **properties: Mapping[str, Any]) -> Schema:
    """Return the schema of an object.

    Args:
        required: the properties that must be given.
        properties: each property's schema.
    """
    return {"type": "object", "required": list(required), "properties": properties}


def texts(*names: str) -> Schema:
    """Return the schema of an object of texts; a name that ends in `*` must be given."""
    bare = [name.rstrip("*") for name in names]
    required = tuple(name.rstrip("*") for name in names if name.endswith("*"))
    return record(required, **dict.fromkeys(bare, TEXT))


def several(items: Mapping[str, Any]) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


TAG = texts("key*", "value")
MAILS = record(on_update_success=several(TEXT), on_update_failure=several(TEXT))
EXTERNAL_MODEL = record(
    ("provider", "name", "task"),
    provider={"enum": ["openai", "anthropic", "cohere", "custom", "amazon-bedrock"]},
    name=TEXT,
    task={"enum": ["llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"]},
    openai_config=texts("openai_api_key", "openai_api_key_plaintext", "openai_api_base", "openai_api_type"),
    anthropic_config=texts("anthropic_api_key", "anthropic_api_key_plaintext"),
    cohere_config=texts("cohere_api_key", "cohere_api_key_plaintext", "cohere_api_base"),
    custom_provider_config=record(
        custom_provider_url=TEXT,
        bearer_token_auth=texts("token", "token_plaintext"),
        api_key_auth=texts("key", "value", "value_plaintext"),
    ),
    amazon_bedrock_config=texts("aws_region", "bedrock_provider", "aws_access_key_id", "instance_profile_arn"),
)
ENTITY = record(
    name=TEXT,
    entity_name=TEXT,
    entity_version=TEXT,
    scale_to_zero_enabled=SWITCH,
    workload_size=TEXT,
    provisioned_model_units=NUMBER,
    external_model=EXTERNAL_MODEL,
)
ROUTES = record(routes=several(record(served_entity_name=TEXT, served_model_name=TEXT, traffic_percentage=NUMBER)))
CONFIG = record(
    served_entities=several(ENTITY),
    served_models=several(record(name=TEXT, model_name=TEXT, model_version=TEXT, scale_to_zero_enabled=SWITCH)),
    traffic_config=ROUTES,
    auto_capture_config=record(enabled=SWITCH, catalog_name=TEXT, schema_name=TEXT, table_name_prefix=TEXT),
)
RATE_LIMIT = record(
    ("renewal_period",),
    calls=NUMBER,
    tokens=NUMBER,
    renewal_period={"enum": ["minute"]},
    key={"enum": ["endpoint", "user", "user_group", "service_principal"]},
    principal=TEXT,
)
_GUARDRAIL = record(
    safety=SWITCH,
    pii=record(behavior={"enum": ["NONE", "BLOCK", "MASK"]}),
    invalid_keywords=several(TEXT),
    valid_topics=several(TEXT),
)
AI_GATEWAY = record(
    fallback_config=record(enabled=SWITCH),
    guardrails=record(input=_GUARDRAIL, output=_GUARDRAIL),
    inference_table_config=record(enabled=SWITCH, catalog_name=TEXT, schema_name=TEXT, table_name_prefix=TEXT),
    rate_limits=several(RATE_LIMIT),
    usage_tracking_config=record(enabled=SWITCH),
)
TELEMETRY = record(telemetry_profile_id=TEXT, table_names=texts("logs_table"))
ENDPOINT = record(
    ("name",),
    name=TEXT,
    config=CONFIG,
    ai_gateway=AI_GATEWAY,
    tags=several(TAG),
    description=TEXT,
    route_optimized=SWITCH,
    email_notifications=MAILS,
    budget_policy_id=TEXT,
    telemetry_config=TELEMETRY,
    rate_limits=several(RATE_LIMIT),
)
GRANTS = record(
    access_control_list=several(
        record(
            user_name=TEXT,
            group_name=TEXT,
            service_principal_name=TEXT,
            permission_level={"enum": ["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"]},
        )
    )
)
