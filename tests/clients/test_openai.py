"""OpenAI's newest client, unmodified, on an external and on a pay-per-token endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def outcome(outcome_of: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return outcome_of("openai_client.py")


@pytest.fixture(params=["chat", "databricks-meta-llama-3-3-70b-instruct"], ids=["external", "foundation"])
def of_model(outcome: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = outcome["models"][request.param]
    return found


def test_chat_streams_calls_tools_and_fills_in_a_class(of_model: dict[str, Any]) -> None:
    assert of_model["chat"] == {
        "text": "hello",
        "stream": "hello",
        "call": ["get_weather", {"city": "Paris"}],
        "answer": "get_weather answered: sunny",
        "parsed": "Paris",
    }


def test_responses_stream_and_call_tools(of_model: dict[str, Any]) -> None:
    assert of_model["responses"] == {"text": "hello", "stream": "hello", "call": ["get_weather", {"city": "Paris"}]}


def test_the_asynchronous_client_streams(of_model: dict[str, Any]) -> None:
    assert of_model["async"] == "hello"


def test_embeddings(outcome: dict[str, Any]) -> None:
    assert outcome["embeddings"] == [1024, 1024]
