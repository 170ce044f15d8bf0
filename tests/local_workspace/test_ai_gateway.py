from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"

LIMIT = {"calls": 1, "renewal_period": "minute", "key": "user"}


@pytest.mark.parametrize(
    ("gateway", "word"),
    [
        ({"rate_limits": [{**LIMIT, "tokens": 1}]}, "exactly one"),
        ({"rate_limits": [{"renewal_period": "minute"}]}, "exactly one"),
        ({"rate_limits": [{**LIMIT, "renewal_period": "hour"}]}, "renewal_period"),
        ({"rate_limits": [{**LIMIT, "calls": -1}]}, "calls"),
        ({"rate_limits": [{**LIMIT, "key": "team"}]}, "key"),
        ({"rate_limits": [{**LIMIT, "key": "user_group"}]}, "principal"),
        ({"rate_limits": [{**LIMIT, "key": "endpoint", "principal": "x"}]}, "principal"),
        ({"rate_limits": [LIMIT] * 21}, "at most 20"),
        ({"rate_limits": [{**LIMIT, "key": "user_group", "principal": "g"}] * 6}, "at most 5"),
        ({"rate_limits": "many"}, "rate_limits"),
        ({"guardrails": {"input": {"pii": {"behavior": "SHOUT"}}}}, "pii"),
        ({"guardrails": []}, "guardrails"),
        ({"guardrails": {"input": []}}, "guardrails.input"),
        ({"guardrails": {"input": {"valid_topics": "cats"}}}, "valid_topics"),
        ({"rate_limits": [{**LIMIT, "calls": "9" * 30}]}, "calls"),
        ({"inference_table_config": {"enabled": True}}, "catalog_name"),
        ({"usage_tracking_config": {"enabled": "no"}}, "usage_tracking_config.enabled"),
        ({"guardrails": {"output": {"safety": "yes"}}}, "guardrails.output.safety"),
    ],
)
@pytest.mark.witness("gateway-limit-form", client="HTTP")
def test_a_gateway_that_breaks_a_rule_is_refused(
    api: Api, create: Callable[..., dict[str, Any]], gateway: dict[str, Any], word: str
) -> None:
    create()
    answer = api("PUT", f"{ENDPOINTS}/chat/ai-gateway", gateway)
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")
    assert word in answer.body["message"]


@pytest.mark.witness("gateway-inference-table-moves", client="HTTP")
def test_an_inference_table_moves_only_by_way_of_disabled(api: Api, create: Callable[..., dict[str, Any]]) -> None:
    create()
    table = {"enabled": True, "catalog_name": "c", "schema_name": "s"}
    shown = api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", {"inference_table_config": table})
    assert shown["inference_table_config"]["table_name_prefix"] == "chat"
    moved = {"inference_table_config": {**table, "schema_name": "other"}}
    assert api("PUT", f"{ENDPOINTS}/chat/ai-gateway", moved).error == (400, "INVALID_PARAMETER_VALUE")
    api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", {"inference_table_config": {**table, "enabled": False}})
    api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", moved)


def test_a_count_written_as_text_is_a_number(api: Api, create: Callable[..., dict[str, Any]]) -> None:
    create()
    gateway = api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", {"rate_limits": [{**LIMIT, "calls": "0"}]})
    assert gateway == {"rate_limits": [{**LIMIT, "calls": 0}]}
