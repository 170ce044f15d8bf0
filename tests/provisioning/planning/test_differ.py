from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning.planning.differ import CONCEALED, differences, leaves

if TYPE_CHECKING:
    from pydantic import JsonValue

ENTITIES = "config.served_entities"


def found(declared: JsonValue, live: JsonValue, *, path: str, exact: bool = False) -> list[tuple[object, ...]]:
    return [(each.path, each.old, each.new) for each in differences(declared, live, path=path, exact=exact)]


@pytest.mark.parametrize(
    ("path", "declared", "live"),
    [
        ("ai_gateway", {"usage_tracking_config": {"enabled": True}}, {"usage_tracking_config": {"enabled": True}}),
        ("ai_gateway", {"usage_tracking_config": {"enabled": False}}, {}),
        ("ai_gateway", {"rate_limits": []}, {}),
        ("ai_gateway", {"guardrails": {"input": {"safety": False}}}, None),
        (ENTITIES, [{"name": "a", "workload_size": "Small"}], [{"name": "a"}]),
        (ENTITIES, [{"name": "a", "entity_version": "3"}], [{"name": "a", "entity_version": 3}]),
        (
            ENTITIES,
            [{"name": "a", "min_provisioned_throughput": 5}],
            [{"name": "a", "min_provisioned_throughput": "5"}],
        ),
        (ENTITIES, [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}]),
        (ENTITIES, [{"name": "a", "burst_scaling_enabled": True}], [{"name": "a"}]),
        ("description", "", None),
        ("route_optimized", False, None),
        ("email_notifications", {"on_update_failure": ["b", "a"]}, {"on_update_failure": ["a", "b"]}),
        (
            "config.traffic_config",
            {"routes": [{"served_model_name": "a", "traffic_percentage": 100}]},
            {"routes": [{"served_entity_name": "a", "served_model_name": "a", "traffic_percentage": 100}]},
        ),
    ],
)
def test_what_the_server_does_to_a_value_is_no_difference(path: str, declared: JsonValue, live: JsonValue) -> None:
    assert found(declared, live, path=path) == []


def test_items_are_matched_by_identity_not_by_place() -> None:
    declared = [{"name": "a", "workload_size": "Large"}, {"name": "c"}]
    live = [{"name": "b"}, {"name": "a", "workload_size": "Small"}]

    assert found(declared, live, path=ENTITIES) == [
        (f"{ENTITIES}[a].workload_size", "Small", "Large"),
        (f"{ENTITIES}[c]", None, {"name": "c"}),
        (f"{ENTITIES}[b]", {"name": "b"}, None),
    ]


def test_limits_on_calls_and_on_tokens_of_one_user_are_two_items() -> None:
    declared = [{"key": "user", "calls": 5}, {"key": "user", "tokens": 90}]
    live = [{"key": "user", "tokens": 80}, {"key": "user", "calls": 5}]

    assert found(declared, live, path="ai_gateway.rate_limits") == [
        ("ai_gateway.rate_limits[user,tokens].tokens", 80, 90)
    ]


@pytest.mark.parametrize("zero", [0, False])
def test_explicit_zero_and_false_count(*, zero: bool | int) -> None:
    path = "ai_gateway.rate_limits[user,calls].calls" if zero is not False else "ai_gateway.fallback_config.enabled"

    assert found(zero, 1 if zero is not False else True, path=path) != []


def test_unmentioned_live_field_counts_only_if_exact() -> None:
    declared, live = [{"name": "a"}], [{"name": "a", "instance_profile_arn": "arn:1", "creator": "x", "state": {}}]

    assert found(declared, live, path=ENTITIES) == []
    assert found(declared, live, path=ENTITIES, exact=True) == [(f"{ENTITIES}[a].instance_profile_arn", "arn:1", None)]


def test_variable_that_left_the_config_is_to_go() -> None:
    declared = [{"name": "a", "environment_vars": {"A": "1"}}]
    live = [{"name": "a", "environment_vars": {"A": "1", "B": "2"}}]

    assert found(declared, live, path=ENTITIES) == [(f"{ENTITIES}[a].environment_vars.B", "2", None)]


def test_null_clears() -> None:
    assert found(None, {"rate_limits": [{"calls": 1}]}, path="ai_gateway") == [
        ("ai_gateway", {"rate_limits": [{"calls": 1}]}, None)
    ]


def test_plaintext_is_neither_compared_nor_shown() -> None:
    declared = [{"name": "a", "external_model": {"openai_config": {"openai_api_key_plaintext": "sk-1"}}}]

    assert found(declared, [{"name": "a", "external_model": {"openai_config": {}}}], path=ENTITIES) == []
    assert "sk-1" not in str(found(declared, [], path=ENTITIES))
    assert [value for _, value in leaves(declared, ENTITIES)] == ["a", CONCEALED]


def test_an_object_of_defaults_says_no_more_than_none() -> None:
    gateway = {"usage_tracking_config": {"enabled": False}, "guardrails": {"input": {"pii": {"behavior": "NONE"}}}}
    assert list(differences({}, gateway, path="ai_gateway", exact=True)) == []
    assert list(differences({"guardrails": {}}, gateway, path="ai_gateway", exact=True)) == []


def test_what_the_server_adds_is_not_shown_as_the_old_value() -> None:
    live = {"config_version": 3, "served_entities": [{"name": "a", "creator": "ann@example.com"}]}
    [cleared] = differences({}, live, path="config", exact=False)
    assert cleared.old == {"served_entities": [{"name": "a"}]}
