"""Anthropic's newest client, unmodified, on the routes that speak its Messages API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def outcome(outcome_of: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return outcome_of("anthropic_client.py")


@pytest.mark.witness(
    "call-anthropic",
    "POST /serving-endpoints/anthropic/v1/messages",
    "POST /ai-gateway/anthropic/v1/messages",
    client="anthropic",
)
def test_both_gateways_answer(outcome: dict[str, Any]) -> None:
    assert outcome["gateways"] == {"serving-endpoints": "hello", "ai-gateway": "hello"}
    assert outcome["asynchronous"] == "hello"


def test_a_whole_answer_ends_its_turn_and_counts_its_tokens(outcome: dict[str, Any]) -> None:
    assert outcome["whole"]["stop_reason"] == "end_turn"
    usage = outcome["whole"]["usage"]
    assert usage["output_tokens"] == 1
    assert usage["input_tokens"] > 1


def test_a_stream_has_the_apis_events_in_their_order(outcome: dict[str, Any]) -> None:
    *opening, stop, delta, end = outcome["streamed"]["events"]
    assert opening[:3] == ["message_start", "content_block_start", "content_block_delta"]
    assert (stop, delta, end) == ("content_block_stop", "message_delta", "message_stop")


def test_a_streamed_answer_is_put_together(outcome: dict[str, Any]) -> None:
    streamed = outcome["streamed"]
    assert streamed["text"] == streamed["final"] == "1, 2, 3, 4, 5"
    assert streamed["tokens"] == 9


def test_a_tool_is_used_and_its_result_answered(outcome: dict[str, Any]) -> None:
    tools = outcome["tools"]
    assert tools["stop_reason"] == "tool_use"
    assert tools["call"] == tools["streamed call"] == ["get_weather", {"city": "Paris"}]
    assert "sunny" in tools["answer"]
    assert tools["forbidden"] == "text"


def test_system_prompts_images_and_output_schemas_are_heeded(outcome: dict[str, Any]) -> None:
    assert outcome["contents"]["system"] == "aye"
    assert "PNG image (2x3 pixels" in outcome["contents"]["image"]
    assert outcome["contents"]["output_config"] == {"city": "Paris"}


def test_an_answer_says_what_ended_it(outcome: dict[str, Any]) -> None:
    assert outcome["endings"] == {
        "max_tokens": ["max_tokens", "1, 2", 3],
        "stop_sequences": ["stop_sequence", "4", "1, 2, 3, "],
    }


def test_refusals_become_the_clients_own_errors(outcome: dict[str, Any]) -> None:
    assert outcome["refusals"] == {
        "unknown endpoint": "NotFoundError",
        "llama": "BadRequestError",
        "external": "BadRequestError",
        "no messages": "BadRequestError",
        "no result": "BadRequestError",
        "wrong token": "PermissionDeniedError",
    }
