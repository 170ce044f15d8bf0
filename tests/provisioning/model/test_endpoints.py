from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from provisioning.model.endpoints import ModelServingEndpoint, default_entity_name
from provisioning.model.gateway import RateLimit
from provisioning.model.providers import CONFIG_OF
from provisioning.model.values import references_in

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "{{secrets/s/k}}"
BLOCKS: dict[str, dict[str, Any]] = {
    "openai": {"openai_api_key": KEY},
    "anthropic": {"anthropic_api_key": KEY},
    "amazon-bedrock": {
        "aws_region": "eu-central-1",
        "bedrock_provider": "anthropic",
        "aws_access_key_id": KEY,
        "aws_secret_access_key": KEY,
    },
    "cohere": {"cohere_api_key": KEY},
    "ai21labs": {"ai21labs_api_key": KEY},
    "google-cloud-vertex-ai": {"project_id": "p", "region": "r", "private_key": KEY},
    "databricks-model-serving": {"databricks_workspace_url": "https://w.example", "databricks_api_token": KEY},
    "palm": {"palm_api_key": KEY},
    "custom": {"custom_provider_url": "https://p.example", "bearer_token_auth": {"token": KEY}},
}
AZURE = {"openai_api_base": "https://a.example", "openai_api_version": "2024-10-21", "openai_deployment_name": "d"}
ENTRA = {"microsoft_entra_tenant_id": "t", "microsoft_entra_client_id": "c", "microsoft_entra_client_secret": KEY}


def external(provider: str = "openai", *, block: dict[str, Any] | None = None, **fields: object) -> dict[str, Any]:
    settings = BLOCKS[provider] if block is None else block
    model = {"provider": provider, "name": "m", "task": "llm/v1/chat", CONFIG_OF[provider]: settings}
    return {"name": "e", "external_model": model | fields.pop("model", {})} | fields


def custom(**fields: object) -> dict[str, Any]:
    return {"name": "c", "entity_name": "c.s.m", "entity_version": "1", "scale_to_zero_enabled": True} | fields


def endpoint(*entities: dict[str, Any], **fields: object) -> dict[str, Any]:
    config = {"served_entities": list(entities)} | fields.pop("config", {})
    return {"name": "chat", "config": config} | fields


def breaches(value: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        ModelServingEndpoint.model_validate(value)
    return [(".".join(map(str, each["loc"])), each["msg"]) for each in caught.value.errors()]


@pytest.mark.parametrize("provider", BLOCKS)
def test_each_provider_is_accepted_and_sent_as_written(provider: str) -> None:
    value = endpoint(external(provider))
    assert ModelServingEndpoint.model_validate(value).body() == value


@pytest.mark.parametrize("provider", BLOCKS)
def test_each_provider_needs_its_own_block(provider: str) -> None:
    other = next(each for each in BLOCKS if each != provider)
    entity = external(provider)
    del entity["external_model"][CONFIG_OF[provider]]
    assert [path for path, _message in breaches(endpoint(entity))] == ["config.served_entities.0.external_model"]
    entity["external_model"][CONFIG_OF[other]] = BLOCKS[other]
    assert f"config.served_entities.0.external_model.{CONFIG_OF[other]}" in dict(breaches(endpoint(entity)))


@pytest.mark.parametrize("provider", BLOCKS)
def test_each_credential_is_given_exactly_once(provider: str) -> None:
    block = BLOCKS[provider]
    secrets = [name for name, value in block.items() if value == KEY]
    for name in secrets:
        without = {key: value for key, value in block.items() if key != name}
        assert breaches(endpoint(external(provider, block=without)))
        assert breaches(endpoint(external(provider, block=block | {f"{name}_plaintext": "x"})))
        plain = without | {f"{name}_plaintext": "x"}
        assert ModelServingEndpoint.model_validate(endpoint(external(provider, block=plain))).body()


@pytest.mark.parametrize(
    ("block", "missing"),
    [
        ({"openai_api_type": "azure", "openai_api_key": KEY}, set(AZURE)),
        ({"openai_api_type": "azuread", **AZURE}, {"microsoft_entra_tenant_id", "microsoft_entra_client_id"}),
    ],
)
def test_azure_names_everything_that_it_lacks(block: dict[str, Any], missing: set[str]) -> None:
    messages = " ".join(message for _path, message in breaches(endpoint(external(block=block))))
    assert all(name in messages for name in missing)


@pytest.mark.parametrize(
    "block",
    [
        {"openai_api_type": "azure", "openai_api_key": KEY, **AZURE},
        {"openai_api_type": "azuread", **AZURE, **ENTRA},
        {"openai_api_key": KEY, "openai_api_base": "http://127.0.0.1:8080/v1", "openai_organization": "o"},
    ],
)
def test_each_way_to_openai_is_accepted(block: dict[str, Any]) -> None:
    assert ModelServingEndpoint.model_validate(endpoint(external(block=block))).body()


BEDROCK = {"aws_region": "r", "bedrock_provider": "Amazon"}


@pytest.mark.parametrize("way", [{"instance_profile_arn": "a"}, {"uc_service_credential_name": "c"}])
def test_bedrock_has_other_ways_to_sign_in(way: dict[str, str]) -> None:
    model = ModelServingEndpoint.model_validate(endpoint(external("amazon-bedrock", block=BEDROCK | way)))
    assert "'bedrock_provider': 'amazon'" in repr(model.body())


@pytest.mark.parametrize(
    "ways",
    [
        {},
        {"instance_profile_arn": "a", "uc_service_credential_name": "c"},
        {"instance_profile_arn": "a", "aws_access_key_id": KEY, "aws_secret_access_key": KEY},
        {"aws_access_key_id": KEY},
    ],
)
def test_bedrock_has_one_way_to_sign_in_and_all_of_it(ways: dict[str, str]) -> None:
    assert breaches(endpoint(external("amazon-bedrock", block=BEDROCK | ways)))


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (endpoint(external(scale_to_zero_enabled=False)), "config.served_entities.0.scale_to_zero_enabled"),
        (endpoint(external(min_provisioned_throughput=0)), "config.served_entities.0.min_provisioned_throughput"),
        (endpoint(external(workload_size="Small")), "config.served_entities.0.workload_size"),
        (endpoint(custom(scale_to_zero_enabled=None)), "config.served_entities.0"),
        (endpoint({"name": "x"}), "config.served_entities.0"),
        (endpoint(custom(workload_size="Tiny")), "config.served_entities.0.workload_size"),
        (
            endpoint(custom(min_provisioned_concurrency=8, max_provisioned_concurrency=4)),
            "config.served_entities.0.min_provisioned_concurrency",
        ),
        (
            endpoint(custom(environment_vars={f"V{i}": "x" for i in range(31)})),
            "config.served_entities.0.environment_vars",
        ),
        (endpoint(custom(), external()), "config.served_entities.1"),
        (endpoint(external(), external()), "config.served_entities.1.name"),
        (
            endpoint(external(), external(model={"task": "llm/v1/embeddings"}, name="f")),
            "config.served_entities.1.external_model.task",
        ),
        (endpoint(external(), external(name="f")), "config"),
        (endpoint(*[external(name=f"e{i}") for i in range(16)]), "config.served_entities.15"),
        (endpoint(custom(), config={"served_models": [{}]}), "config.served_models"),
        (
            endpoint(
                external(),
                config={"traffic_config": {"routes": [{"served_entity_name": "x", "traffic_percentage": 100}]}},
            ),
            "config.traffic_config.routes.0.served_entity_name",
        ),
        (
            endpoint(
                external(),
                config={"traffic_config": {"routes": [{"served_entity_name": "e", "traffic_percentage": 90}]}},
            ),
            "config.traffic_config.routes",
        ),
        (
            endpoint(external(), config={"traffic_config": {"routes": [{"traffic_percentage": 100}]}}),
            "config.traffic_config.routes.0",
        ),
        (endpoint(external(), telemetry_config={"telemetry_profile_id": "p"}), "telemetry_config"),
        (endpoint(name="x" * 64), "name"),
        (endpoint(name="with.dot"), "name"),
        (endpoint(name="with\n"), "name"),
        (endpoint(name=""), "name"),
    ],
)
def test_what_the_server_would_refuse_is_refused_here(value: dict[str, Any], where: str) -> None:
    assert where in dict(breaches(value))


def limit(**fields: object) -> dict[str, Any]:
    return {"renewal_period": "minute", "calls": 1} | fields


@pytest.mark.parametrize(
    ("limits", "where"),
    [
        ([limit(tokens=1)], "0.tokens"),
        ([limit(calls=None)], "0"),
        ([limit(calls=-1)], "0.calls"),
        ([limit(key="user_group")], "0"),
        ([limit(key="service_principal")], "0"),
        ([limit(key="endpoint", principal="a")], "0.principal"),
        ([limit(renewal_period="hour")], "0.renewal_period"),
        ([limit(key="user", principal=f"u{i}") for i in range(21)], "20"),
        ([limit(key="user_group", principal=f"g{i}") for i in range(6)], "5"),
    ],
)
def test_rate_limits_keep_to_the_rules(limits: list[dict[str, Any]], where: str) -> None:
    assert f"ai_gateway.rate_limits.{where}" in dict(breaches(endpoint(ai_gateway={"rate_limits": limits})))


def test_an_inference_table_needs_its_place_only_when_enabled() -> None:
    gateway = {"inference_table_config": {"enabled": False}}
    assert ModelServingEndpoint.model_validate(endpoint(ai_gateway=gateway))
    assert breaches(endpoint(ai_gateway={"inference_table_config": {"enabled": True, "catalog_name": "c"}}))


def test_throughput_stands_in_for_scale_to_zero() -> None:
    entity = {"entity_name": "system.ai.m", "entity_version": "1", "provisioned_model_units": 50}
    assert ModelServingEndpoint.model_validate(endpoint(entity))


def test_an_entity_of_no_kind_is_not_said_to_be_of_another() -> None:
    entity = {"external_model": {"provider": "cohere", "name": "m", "task": "llm/v1/chat"}}
    with pytest.raises(ValidationError) as caught:
        ModelServingEndpoint.model_validate({"name": "a", "config": {"served_entities": [entity, {}]}})
    assert not any("cannot share" in each["msg"] for each in caught.value.errors())


def test_a_bad_field_does_not_hide_a_broken_rule() -> None:
    entity = external(unknown=1)
    entity["external_model"]["task"] = "chat"
    routes = [{"served_entity_name": "gone", "traffic_percentage": 90}]
    paths = {path for path, _message in breaches(endpoint(entity, config={"traffic_config": {"routes": routes}}))}
    assert paths == {
        "config.served_entities.0.unknown",
        "config.served_entities.0.external_model.task",
        "config.traffic_config.routes",
        "config.traffic_config.routes.0.served_entity_name",
    }


@pytest.mark.parametrize("cleared", [None, {}, {"rate_limits": []}, {"rate_limits": None}])
def test_absent_null_and_empty_can_be_told_apart(cleared: object) -> None:
    made = ModelServingEndpoint.model_validate({"name": "e", "ai_gateway": cleared})
    assert made.body() == {"name": "e", "ai_gateway": cleared}
    assert "ai_gateway" not in ModelServingEndpoint(name="e").body()


def test_explicit_zero_and_false_are_sent() -> None:
    gateway = {"usage_tracking_config": {"enabled": False}, "rate_limits": [limit(calls=0)]}
    assert ModelServingEndpoint.model_validate({"name": "e", "ai_gateway": gateway}).body()["ai_gateway"] == gateway


def test_our_additions_are_not_sent() -> None:
    made = ModelServingEndpoint.model_validate(
        {"name": "e", "permissions": [], "permissions_mode": "exact", "lifecycle": {"prevent_destroy": True}}
    )
    assert made.body() == {"name": "e"}


def test_a_plaintext_credential_is_shown_nowhere_but_in_the_body() -> None:
    block = {"openai_api_key_plaintext": "hunter2"}
    made = ModelServingEndpoint.model_validate(endpoint(external(block=block)))
    assert "hunter2" not in f"{made!r} {made} {made.model_dump()} {made.model_dump_json()}"
    assert "hunter2" in repr(made.body())
    with pytest.raises(ValidationError) as caught:
        ModelServingEndpoint.model_validate(endpoint(external(block={"openai_api_key": "hunter2"})))
    assert "hunter2" not in str(caught.value)


def test_models_are_frozen() -> None:
    made = ModelServingEndpoint(name="e")
    with pytest.raises(ValidationError):
        made.name = "f"  # type: ignore[misc] # that it is frozen is the point


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        ({"name": "a.b"}, "a.b"),
        ({"external_model": {"name": "gpt-4.1:latest"}}, "gpt-4-1-latest"),
        ({"entity_name": "c.s.m", "entity_version": "1"}, None),
    ],
)
def test_the_servers_default_name_is_known_where_it_is_documented(entity: dict[str, Any], name: str | None) -> None:
    assert default_entity_name(entity) == name


def test_system_endpoints_are_told_by_their_name() -> None:
    assert ModelServingEndpoint(name="databricks-claude-sonnet-4").is_system
    assert not ModelServingEndpoint(name="my-databricks-model").is_system


def test_references_are_found_anywhere_in_a_text() -> None:
    assert references_in("x {{secrets/a/b}} {{secrets/c.d/e_f}}") == (("a", "b"), ("c.d", "e_f"))
    assert references_in("{{secrets/a}} {secrets/a/b}") == ()
    assert references_in("{{secrets/${workspace.current_user.short_name}/k}}")[0].key == "k"


ODD: tuple[Any, ...] = (None, {}, [], [[]], {"a": {}}, [None], "text", 3, 1.5, True)
WHOLE: dict[str, Any] = endpoint(
    *(external(each) for each in BLOCKS),
    external(block=AZURE | ENTRA | {"openai_api_type": "azuread"}, name="azure"),
    custom(environment_vars={"A": "b"}, workload_size="Small"),
    tags=[{"key": "a", "value": "b"}, {"key": "c"}],
    permissions=[{"level": "CAN_QUERY", "group_name": "g"}],
    ai_gateway={
        "rate_limits": [{"calls": 1, "key": "user_group", "principal": "g", "renewal_period": "minute"}],
        "inference_table_config": {"enabled": True, "catalog_name": "c", "schema_name": "s"},
    },
    config={"traffic_config": {"routes": [{"served_entity_name": "e", "traffic_percentage": 100}]}},
)


def variants(value: object) -> Iterator[object]:
    """Yield the value with each piece of it, in turn, replaced by something odd."""
    yield from ODD
    if isinstance(value, dict):
        yield from (value | {key: odd} for key, child in value.items() for odd in variants(child))
    if isinstance(value, list):
        for index, child in enumerate(value):
            yield from ([*value[:index], odd, *value[index + 1 :]] for odd in variants(child))


def test_no_value_of_a_wrong_type_gets_past_the_rules_as_another_error() -> None:
    refused = 0
    for value in variants(WHOLE):
        with contextlib.suppress(ValidationError):
            ModelServingEndpoint.model_validate(value)
            continue
        refused += 1
    assert refused > 1000


@pytest.mark.parametrize(
    ("calls", "kind"), [(True, "int_type"), (2**63, "less_than_equal"), ("9" * 400, "less_than_equal"), (-1, "greater")]
)
def test_a_count_is_a_number_that_the_api_can_hold(calls: object, kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RateLimit.model_validate({"calls": calls, "renewal_period": "minute"})
    assert [each["type"].startswith(kind) for each in caught.value.errors()] == [True]
