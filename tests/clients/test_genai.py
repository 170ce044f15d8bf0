"""Google's newest client, unmodified, on the routes that speak Gemini's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def outcome(outcome_of: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return outcome_of("genai_client.py")


@pytest.mark.witness(
    "call-gemini",
    "POST /serving-endpoints/gemini/v1beta/models/{model_and_action}",
    "POST /ai-gateway/gemini/v1beta/models/{model_and_action}",
    client="google-genai",
)
def test_both_gateways_answer(outcome: dict[str, Any]) -> None:
    assert outcome["gateways"] == {"serving-endpoints": "hello", "ai-gateway": "hello"}


def test_a_whole_answer_says_why_it_ended_and_counts_its_tokens(outcome: dict[str, Any]) -> None:
    assert outcome["whole"]["given"] > 1
    assert {**outcome["whole"], "given": 0} == {"text": "1, 2", "reason": "MAX_TOKENS", "given": 0, "made": 3}


@pytest.mark.witness("call-gemini", client="google-genai")
def test_a_streamed_answer_is_put_together(outcome: dict[str, Any]) -> None:
    streamed = {"text": "1, 2, 3, 4, 5", "several": True, "reason": "STOP", "made": 9}
    assert outcome["streams"] == {"serving-endpoints": streamed, "ai-gateway": streamed}
    assert outcome["asynchronous"] == "hello"


def test_a_tool_is_used_and_its_result_answered(outcome: dict[str, Any]) -> None:
    assert outcome["tools"]["call"] == ["get_weather", {"city": "Paris"}]
    assert "sunny" in outcome["tools"]["answer"]


def test_system_prompts_and_output_schemas_are_heeded(outcome: dict[str, Any]) -> None:
    assert outcome["contents"] == {"system": "aye", "schema": {"city": "Paris"}}


def test_refusals_become_the_clients_own_errors(outcome: dict[str, Any]) -> None:
    assert outcome["refusals"] == {
        "unknown endpoint": 404,
        "claude": 400,
        "wrong token": 403,
        "unknown action": 404,
    }
