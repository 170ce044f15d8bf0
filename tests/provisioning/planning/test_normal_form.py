from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from provisioning.model.endpoints import ModelServingEndpoint
from provisioning.planning.comparison import hash_of

if TYPE_CHECKING:
    from collections.abc import Callable

ENDPOINT: dict[str, Any] = {
    "name": "chat",
    "config": {
        "served_entities": [
            {
                "external_model": {
                    "provider": "amazon-bedrock",
                    "name": "claude.v3",
                    "task": "llm/v1/chat",
                    "amazon_bedrock_config": {
                        "aws_region": "eu-west-1",
                        "bedrock_provider": "anthropic",
                        "instance_profile_arn": "arn:aws:iam::1:instance-profile/x",
                    },
                }
            }
        ]
    },
    "ai_gateway": {"rate_limits": [{"calls": 1, "renewal_period": "minute"}]},
    "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
    "permissions": [
        {"group_name": "users", "level": "CAN_QUERY"},
        {"group_name": "admins", "level": "CAN_MANAGE"},
        {"user_name": "ann@example.com", "level": "CAN_VIEW"},
    ],
}


def hashed(edit: Callable[[dict[str, Any]], object]) -> str:
    edited = deepcopy(ENDPOINT)
    edit(edited)
    return str(hash_of(ModelServingEndpoint.model_validate(edited)))


SAME: dict[str, Callable[[dict[str, Any]], object]] = {
    "tags in another order": lambda e: e["tags"].reverse(),
    "permissions in another order": lambda e: e["permissions"].reverse(),
    "a principal in another case": lambda e: e["permissions"][2].update(user_name="Ann@Example.com"),
    "a principal listed twice": lambda e: e["permissions"].append({"group_name": "users", "level": "CAN_VIEW"}),
    "the mode that permissions have": lambda e: e.update(permissions_mode="exact"),
    "a default spelled out": lambda e: e["ai_gateway"]["rate_limits"][0].update(key="endpoint"),
    "what is off by default": lambda e: e["ai_gateway"].update(fallback_config={"enabled": False}),
    "the name that the server gives": lambda e: e["config"]["served_entities"][0].update(name="claude-v3"),
    "the traffic that the server gives": lambda e: e["config"].update(
        traffic_config={"routes": [{"served_entity_name": "claude-v3", "traffic_percentage": 100}]}
    ),
    "a default of the endpoint itself": lambda e: e.update(route_optimized=False, description=""),
    "a null within a block": lambda e: e["config"].update(auto_capture_config=None),
}
OTHER: dict[str, Callable[[dict[str, Any]], object]] = {
    "another limit": lambda e: e["ai_gateway"]["rate_limits"][0].update(calls=2),
    "a limit of none": lambda e: e["ai_gateway"]["rate_limits"][0].update(calls=0),
    "another name": lambda e: e["config"]["served_entities"][0].update(name="claude"),
    "a block that is cleared": lambda e: e.update(ai_gateway=None),
    "a block that is released": lambda e: e.pop("ai_gateway"),
    "one right less": lambda e: e["permissions"].pop(),
    "rights that are only added": lambda e: e.update(permissions_mode="additive"),
}


@pytest.mark.parametrize("edit", SAME.values(), ids=SAME)
def test_another_wording_has_the_same_hash(edit: Callable[[dict[str, Any]], object]) -> None:
    assert hashed(edit) == hashed(lambda _endpoint: None)


@pytest.mark.parametrize("off", [None, {}, {"usage_tracking_config": {"enabled": False}}])
def test_block_is_off_however_it_is_said(off: object) -> None:
    assert hashed(lambda endpoint: endpoint.update(ai_gateway=off)) == hashed(OTHER["a block that is cleared"])


@pytest.mark.parametrize("edit", OTHER.values(), ids=OTHER)
def test_another_meaning_has_another_hash(edit: Callable[[dict[str, Any]], object]) -> None:
    assert hashed(edit) != hashed(lambda _endpoint: None)
