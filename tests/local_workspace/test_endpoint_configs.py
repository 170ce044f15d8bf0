from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"
CUSTOM = {"entity_name": "main.ml.model", "entity_version": "3", "scale_to_zero_enabled": True}


def routes(**shares: dict[str, int]) -> dict[str, Any]:
    return {"routes": [{"served_entity_name": name, "traffic_percentage": share} for name, share in shares.items()]}


@pytest.mark.witness("config-entity-limit", client="HTTP")
def test_sixteen_entities_are_one_too_many(
    api: Api, refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    names = [f"m{number}" for number in range(16)]
    shares = routes(**{name: 100 if name == "m0" else 0 for name in names})
    config = {"served_entities": [openai_entity(name) for name in names], "traffic_config": shares}
    assert "at most 15" in refusal(config)
    config["served_entities"].pop()
    config["traffic_config"]["routes"].pop()
    api.ok("POST", ENDPOINTS, {"name": "chat", "config": config})


@pytest.mark.witness("config-traffic-required", client="HTTP")
def test_two_entities_need_a_traffic_config(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    assert "traffic_config is required" in refusal({"served_entities": [openai_entity("a"), openai_entity("b")]})


@pytest.mark.parametrize("shares", [{"a": 50, "b": 49}, {"a": 100, "b": 1}, {"a": 0, "b": 0}])
@pytest.mark.witness("config-traffic-sum", client="HTTP")
def test_traffic_must_sum_to_a_hundred(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]], shares: dict[str, int]
) -> None:
    config = {"served_entities": [openai_entity("a"), openai_entity("b")], "traffic_config": routes(**shares)}
    assert "sum to 100" in refusal(config)


@pytest.mark.parametrize("share", [-1, 101, 50.5, "100", None, True])
@pytest.mark.witness("config-traffic-sum", client="HTTP")
def test_a_share_is_a_whole_percentage(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]], share: object
) -> None:
    assert "traffic_percentage" in refusal({"served_entities": [openai_entity("a")], "traffic_config": routes(a=share)})


def test_a_route_names_a_served_entity(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    assert "'b'" in refusal({"served_entities": [openai_entity("a")], "traffic_config": routes(b=100)})


def test_entity_names_are_unique(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    config = {"served_entities": [openai_entity("a"), openai_entity("a")], "traffic_config": routes(a=100)}
    assert "unique" in refusal(config)


@pytest.mark.witness("config-one-kind", client="HTTP")
def test_external_and_custom_models_are_never_mixed(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    config = {
        "served_entities": [openai_entity("a"), {**CUSTOM, "name": "b"}],
        "traffic_config": routes(a=100, b=0),
    }
    assert "together" in refusal(config)


@pytest.mark.witness("config-one-task", client="HTTP")
def test_an_endpoint_has_one_task(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    embeddings = openai_entity("b")
    embeddings["external_model"]["task"] = "llm/v1/embeddings"
    config = {"served_entities": [openai_entity("a"), embeddings], "traffic_config": routes(a=100, b=0)}
    assert "same task" in refusal(config)


@pytest.mark.parametrize(
    "field",
    [
        {"min_provisioned_throughput": 0},
        {"max_provisioned_throughput": 0},
        {"workload_size": "Small"},
        {"scale_to_zero_enabled": False},
        {"entity_version": "1"},
    ],
)
@pytest.mark.witness("config-external-fields", client="HTTP")
def test_an_external_model_takes_no_field_of_a_custom_one_not_even_zero(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]], field: object
) -> None:
    assert next(iter(field)) in refusal({"served_entities": [openai_entity(**field)]})


@pytest.mark.witness("config-scale-to-zero", client="HTTP")
def test_a_custom_model_must_say_whether_it_scales_to_zero_in_the_real_words(
    refusal: Callable[[dict[str, Any]], str],
) -> None:
    config = {"served_entities": [{"entity_name": "main.ml.model", "entity_version": "3"}]}
    assert refusal(config) == "scaleToZeroEnabled is undefined. Please set it to either true or false."


def test_a_custom_model_needs_a_name(refusal: Callable[[dict[str, Any]], str]) -> None:
    entity = {key: value for key, value in CUSTOM.items() if key != "entity_name"}
    assert "entity_name" in refusal({"served_entities": [entity]})


def test_a_feature_spec_is_served_without_a_version(api: Api) -> None:
    spec = {"entity_name": "main.ml.features", "scale_to_zero_enabled": True}
    api.ok("POST", ENDPOINTS, {"name": "features", "config": {"served_entities": [spec]}})
    [served] = api.ok("GET", f"{ENDPOINTS}/features")["pending_config"]["served_entities"]
    assert served["name"] == "main-ml-features"
    assert "entity_version" not in served


def test_served_entities_and_served_models_exclude_each_other(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    assert "Only one of" in refusal({"served_entities": [openai_entity()], "served_models": [CUSTOM]})


@pytest.mark.parametrize("entities", ["text", {"a": 1}, [1], [None], 7])
def test_entities_are_a_list_of_objects(refusal: Callable[[dict[str, Any]], str], entities: object) -> None:
    assert "served_entities" in refusal({"served_entities": entities})


@pytest.mark.witness("config-external-name", client="HTTP")
def test_an_unnamed_external_entity_is_named_after_its_model(
    api: Api, openai_entity: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    entity = openai_entity("gpt-4.1:mini")
    del entity["name"]
    api.ok("POST", ENDPOINTS, {"name": "chat", "config": {"served_entities": [entity]}})
    workspace.clock.advance(5)
    config = api.ok("GET", f"{ENDPOINTS}/chat")["config"]
    assert config["served_entities"][0]["name"] == "gpt-4-1-mini"
    assert config["traffic_config"]["routes"][0]["served_entity_name"] == "gpt-4-1-mini"


@pytest.mark.witness("config-capture-unmoved", client="HTTP")
def test_where_auto_capture_writes_never_changes(api: Api, workspace: LocalWorkspace) -> None:
    capture = {"catalog_name": "c", "schema_name": "s", "enabled": True}
    config = {"served_entities": [CUSTOM], "auto_capture_config": capture}
    api.ok("POST", ENDPOINTS, {"name": "custom", "config": config})
    workspace.clock.advance(60)
    moved = {**config, "auto_capture_config": {**capture, "schema_name": "other"}}
    assert api("PUT", f"{ENDPOINTS}/custom/config", moved).error == (400, "INVALID_PARAMETER_VALUE")
    api.ok("PUT", f"{ENDPOINTS}/custom/config", {**config, "auto_capture_config": {**capture, "enabled": False}})


@pytest.mark.parametrize("first", ["external", "custom"])
@pytest.mark.witness("config-one-kind", client="HTTP")
def test_an_endpoint_stays_external_or_custom(
    api: Api, workspace: LocalWorkspace, openai_entity: Callable[..., dict[str, Any]], first: str
) -> None:
    entities = {"external": openai_entity(), "custom": CUSTOM}
    api.ok("POST", ENDPOINTS, {"name": "x", "config": {"served_entities": [entities.pop(first)]}})
    workspace.clock.advance(60)
    answer = api("PUT", f"{ENDPOINTS}/x/config", {"served_entities": list(entities.values())})
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")
    assert "external_model" in answer.body["message"]
    assert api.ok("GET", f"{ENDPOINTS}/x")["state"]["config_update"] == "NOT_UPDATING"
