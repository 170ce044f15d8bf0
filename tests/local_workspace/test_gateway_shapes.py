"""Guardrails and measures of an AI gateway, on each API that an endpoint speaks, whole and streamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

CLAUDE, GEMINI, LLAMA = (
    "databricks-claude-sonnet-4",
    "databricks-gemini-2-5-pro",
    "databricks-meta-llama-3-3-70b-instruct",
)
TEXT = "write to jane@example.com or call 415-555-0132 now"
HIDDEN = "write to <EMAIL_ADDRESS> or call <PHONE_NUMBER> now"
ASK = f'Say "{TEXT}"'
MASK = {"pii": {"behavior": "MASK"}}


class Shape(NamedTuple):
    """An API: which endpoint speaks it, where, and how it is asked."""

    endpoint: str
    path: str
    body: dict[str, Any]
    stream_path: str
    stream: dict[str, Any]


def asked(model: str, **body: object) -> dict[str, Any]:
    return {"model": model, **body}


CONTENTS = {"contents": [{"role": "user", "parts": [{"text": ASK}]}]}
MESSAGES = [{"role": "user", "content": ASK}]
GOOGLE = f"/serving-endpoints/gemini/v1beta/models/{GEMINI}"
SHAPES = {
    "chat": Shape(LLAMA, "/serving-endpoints/chat/completions", asked(LLAMA, messages=MESSAGES), "", {"stream": True}),
    "responses": Shape(LLAMA, "/serving-endpoints/responses", asked(LLAMA, input=ASK), "", {"stream": True}),
    "messages": Shape(
        CLAUDE,
        "/serving-endpoints/anthropic/v1/messages",
        asked(CLAUDE, messages=MESSAGES, max_tokens=99),
        "",
        {"stream": True},
    ),
    "gemini": Shape(GEMINI, f"{GOOGLE}:generateContent", CONTENTS, f"{GOOGLE}:streamGenerateContent", {}),
}
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
whole_or_streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def call(api: Api, shape: Shape, *, stream: bool) -> str:
    path = (stream and shape.stream_path) or shape.path
    answer = api("POST", path, {**shape.body, **(shape.stream if stream else {})})
    assert answer.status == 200, answer
    return answer.body if stream else json.dumps(answer.body)


def guarded(api: Api, shape: Shape, **gateway: object) -> None:
    api.ok("PUT", f"/api/2.0/serving-endpoints/{shape.endpoint}/ai-gateway", gateway)


@each_shape
@whole_or_streamed
@pytest.mark.witness("gateway-pii-mask", client="HTTP")
def test_personal_data_in_an_answer_is_hidden(api: Api, shape: Shape, *, stream: bool) -> None:
    unguarded = call(api, shape, stream=stream)
    guarded(api, shape, guardrails={"output": MASK})
    answer = call(api, shape, stream=stream)
    assert HIDDEN in answer
    for data in ("jane", "555"):
        assert data in unguarded
        assert data not in answer
    if stream:  # nothing of its form is lost
        kinds = [line.partition(":")[0] for line in unguarded.splitlines()]
        assert [line.partition(":")[0] for line in answer.splitlines()] == kinds


@each_shape
@whole_or_streamed
def test_personal_data_in_an_answer_is_blocked(api: Api, shape: Shape, *, stream: bool) -> None:
    guarded(api, shape, guardrails={"output": {"pii": {"behavior": "BLOCK"}}})
    path = (stream and shape.stream_path) or shape.path
    answer = api("POST", path, {**shape.body, **(shape.stream if stream else {})})
    assert answer.error == (400, "BAD_REQUEST")
    assert "output_guardrail_triggered" in answer.body["message"]
    assert "jane@" not in answer.body["message"]


@each_shape
def test_personal_data_in_a_question_is_hidden_from_the_model(api: Api, shape: Shape) -> None:
    guarded(api, shape, guardrails={"input": MASK})
    assert "jane@" not in call(api, shape, stream=False)


@each_shape
@whole_or_streamed
def test_usage_is_what_the_answer_reports(api: Api, workspace: LocalWorkspace, shape: Shape, *, stream: bool) -> None:
    guarded(api, shape, usage_tracking_config={"enabled": True})
    call(api, shape, stream=stream)
    (row,) = workspace.tables["system.serving.endpoint_usage"]
    assert row["request_streaming"] is stream
    assert 0 < row["output_token_count"] < 40  # its tokens; an estimate by its length would be more
    assert row["input_token_count"] > 0
