"""The AI gateway acts: limits refuse, guardrails block and hide, usage and payloads are written down."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from local_workspace import LocalWorkspace
from local_workspace.clock import Clock
from local_workspace.settings import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local_workspace.conftest import Answer, Api

CALL = "/serving-endpoints/chat/invocations"
HELLO = {"messages": [{"role": "user", "content": "Say hello"}]}
GPT, CLAUDE = "databricks-gpt-5", "databricks-claude-sonnet-4-5"
USAGE = "system.serving.endpoint_usage"
ANN, BOB, ROBOT = "ann@example.com", "bob@example.com", "12345678-1234-1234-1234-123456789abc"


@pytest.fixture
def serve(api: Api, workspace: LocalWorkspace) -> Callable[..., None]:
    """Creates `chat` on the simulated OpenAI with an AI gateway, for everybody to query."""

    def make(**gateway: object) -> None:
        config = {
            "served_entities": [
                {
                    "name": "gpt",
                    "external_model": {
                        "provider": "openai",
                        "name": "gpt-4o",
                        "task": "llm/v1/chat",
                        "openai_config": {"openai_api_key_plaintext": "sk-good"},
                    },
                }
            ]
        }
        made = api.ok("POST", "/api/2.0/serving-endpoints", {"name": "chat", "config": config, "ai_gateway": gateway})
        grant = [{"group_name": "users", "permission_level": "CAN_QUERY"}]
        api.ok("PATCH", f"/api/2.0/permissions/serving-endpoints/{made['id']}", {"access_control_list": grant})
        workspace.clock.advance(60)

    return make


def limit(key: str = "endpoint", principal: str | None = None, **amount: int) -> dict[str, object]:
    named = {} if principal is None else {"principal": principal}
    return {"key": key, "renewal_period": "minute", **named, **amount}


def statuses(api: Api, count: int, body: object = HELLO) -> list[int]:
    return [api("POST", CALL, body).status for _ in range(count)]


def asked(content: str, **fields: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], **fields}


def content_of(answer: Answer) -> str:
    assert answer.status == 200, answer
    return str(answer.body["choices"][0]["message"]["content"])


def streamed(answer: Answer) -> str:
    assert answer.status == 200, answer
    lines = [line.removeprefix("data: ") for line in answer.body.splitlines() if line.startswith("data: {")]
    return "".join(json.loads(line)["choices"][0]["delta"].get("content") or "" for line in lines)


def guardrail(answer: Answer) -> dict[str, Any]:
    assert answer.error == (400, "BAD_REQUEST")
    said: dict[str, Any] = json.loads(answer.body["message"])
    return said


# Rate limits.


@pytest.mark.witness("gateway-limit-used-up", client="HTTP")
def test_an_endpoints_limit_is_everybodys_and_renews_after_a_minute(
    serve: Callable[..., None], api_as: Callable[..., Api], workspace: LocalWorkspace
) -> None:
    serve(rate_limits=[limit(calls=3)])
    ann, bob = api_as(ANN), api_as(BOB)
    assert statuses(ann, 2) == [200, 200]
    workspace.clock.advance(20)
    assert statuses(bob, 2) == [200, 429]
    refused = bob("POST", CALL, HELLO)
    assert refused.error == (429, "REQUEST_LIMIT_EXCEEDED")
    assert refused.body["message"].startswith("REQUEST_LIMIT_EXCEEDED: ")
    assert refused.headers["retry-after"] == "40"
    workspace.clock.advance(40)
    assert statuses(ann, 3) == [200, 200, 429]  # bob's one call still counts


def test_each_user_has_a_window_of_their_own(serve: Callable[..., None], api_as: Callable[..., Api]) -> None:
    serve(rate_limits=[limit("user", calls=1)])
    assert statuses(api_as(ANN), 2) == [200, 429]
    assert statuses(api_as(BOB), 2) == [200, 429]


@pytest.mark.witness("gateway-limit-order", client="HTTP")
def test_a_limit_that_names_the_caller_goes_before_groups_and_the_default(
    serve: Callable[..., None], api_as: Callable[..., Api]
) -> None:
    serve(
        rate_limits=[
            limit("user", calls=1),
            limit("user", ANN, calls=3),
            limit("service_principal", ROBOT, calls=2),
            limit("user_group", "team", calls=0),
        ]
    )
    assert statuses(api_as(ANN, groups=("users", "team")), 4) == [200, 200, 200, 429]
    assert statuses(api_as(ROBOT), 3) == [200, 200, 429]
    assert statuses(api_as(BOB, groups=("users", "team")), 1) == [403]
    assert statuses(api_as("eve@example.com"), 2) == [200, 429]


def test_of_several_groups_the_first_that_is_used_up_refuses_and_members_share_it(
    serve: Callable[..., None], api_as: Callable[..., Api]
) -> None:
    serve(rate_limits=[limit("user_group", "red", calls=2), limit("user_group", "blue", calls=9)])
    assert statuses(api_as(ANN, groups=("users", "red", "blue")), 1) == [200]
    assert statuses(api_as(BOB, groups=("users", "red")), 2) == [200, 429]
    assert statuses(api_as("eve@example.com", groups=("users", "blue")), 3) == [200, 200, 200]


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_are_counted_when_the_answer_has_passed(
    serve: Callable[..., None], api: Api, workspace: LocalWorkspace, *, stream: bool
) -> None:
    serve(rate_limits=[limit(tokens=20), limit(calls=100)])
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    assert statuses(api, 2, asked("Count to 9", **options)) == [200, 429]
    workspace.clock.advance(60)
    assert statuses(api, 1) == [200]


@pytest.mark.parametrize("kind", ["calls", "tokens"])
@pytest.mark.witness("gateway-limit-zero", client="HTTP")
def test_a_limit_of_0_disables(serve: Callable[..., None], api: Api, kind: str) -> None:
    serve(rate_limits=[limit(**{kind: 0})])
    answer = api("POST", CALL, HELLO)
    assert answer.error == (403, "PERMISSION_DENIED")
    assert "rate limit set to 0" in answer.body["message"]


def test_a_refused_call_counts_for_nothing(serve: Callable[..., None], api: Api, workspace: LocalWorkspace) -> None:
    serve(rate_limits=[limit(calls=1)])
    assert statuses(api, 3) == [200, 429, 429]
    workspace.clock.advance(60)
    assert statuses(api, 1) == [200]


def test_a_pay_per_token_endpoint_has_limits_too(api: Api) -> None:
    name = "databricks-meta-llama-3-3-70b-instruct"
    api.ok("PUT", f"/api/2.0/serving-endpoints/{name}/ai-gateway", {"rate_limits": [limit(calls=1)]})
    calls = [api("POST", f"/serving-endpoints/{name}/invocations", HELLO).status for _ in range(2)]
    assert calls == [200, 429]


@pytest.mark.witness("gateway-limit-used-up", client="HTTP")
def test_a_refusal_may_leave_open_when_to_try_again(api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(deploy_seconds=0, behaviour=Behaviour(limit_retry_after=False)) as workspace:
        api = api_of(workspace.host, workspace.token)
        name = "databricks-meta-llama-3-3-70b-instruct"
        api.ok("PUT", f"/api/2.0/serving-endpoints/{name}/ai-gateway", {"rate_limits": [limit(calls=1)]})
        answers = [api("POST", f"/serving-endpoints/{name}/invocations", HELLO) for _ in range(2)]
        assert answers[1].status == 429
        assert "retry-after" not in {each.lower() for each in answers[1].headers}


@pytest.mark.witness("endpoint-write-limit", client="HTTP")
def test_more_than_50_writes_in_5_minutes_are_refused_where_that_is_switched_on(api_of: Callable[..., Api]) -> None:
    clock = Clock(lambda: 1_800_000_000.0)
    with LocalWorkspace(clock=clock, behaviour=Behaviour(write_limit=True)) as workspace:
        api = api_of(workspace.host, workspace.token)
        made = [api("POST", "/api/2.0/serving-endpoints", {"name": f"e{each}"}).status for each in range(51)]
        assert made == [200] * 50 + [429]
        answer = api("PUT", "/api/2.0/serving-endpoints/e1/config", {"served_entities": []})
        assert answer.error == (429, "REQUEST_LIMIT_EXCEEDED")
        clock.advance(float(answer.headers["retry-after"]))
        assert api("POST", "/api/2.0/serving-endpoints", {"name": "e50"}).status == 200


# Guardrails.


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("write to jane.doe@example.com today", "EMAIL_ADDRESS", "jane.doe@example.com"),
        ("card 4111 1111 1111 1111 please", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("my SSN is 536-90-4399", "US_SSN", "536-90-4399"),
        ("call (415) 555-0132 now", "PHONE_NUMBER", "(415) 555-0132"),
        ("from 192.168.10.7 it came", "IP_ADDRESS", "192.168.10.7"),
        ("my account number 123456789012", "US_BANK_NUMBER", "123456789012"),
    ],
)
@pytest.mark.witness("gateway-guardrail-block", client="HTTP")
def test_personal_data_in_a_question_is_blocked_and_shown_hidden(
    serve: Callable[..., None], api: Api, text: str, name: str, value: str
) -> None:
    serve(guardrails={"input": {"pii": {"behavior": "BLOCK"}}})
    answer = api("POST", CALL, asked(text))
    said = guardrail(answer)
    assert said["finishReason"] == "input_guardrail_triggered"
    (found,) = said["input_guardrail"]
    assert found["pii_detection"] is True
    assert found["anonymized_input"] == [{"role": "user", "content": text.replace(value, f"<{name}>")}]
    assert value not in json.dumps(answer.body)
    assert content_of(api("POST", CALL, asked("Say hello"))) == "hello"


@pytest.mark.parametrize(
    "text", ["version 1.2.3.4567", "4111 1111 1111 1112", "2024-01-02", "at 12:30, room 415", "a@b", "000-12-3456"]
)
def test_what_only_looks_like_personal_data_passes(serve: Callable[..., None], api: Api, text: str) -> None:
    serve(guardrails={"input": {"pii": {"behavior": "BLOCK"}}})
    assert api("POST", CALL, asked(text)).status == 200


@pytest.mark.witness("gateway-pii-mask", client="HTTP")
def test_personal_data_in_a_question_is_hidden_from_the_model(serve: Callable[..., None], api: Api) -> None:
    serve(guardrails={"input": {"pii": {"behavior": "MASK"}}})
    parts = [{"type": "text", "text": "Repeat after me: jane@example.com is here"}]
    assert "jane@" not in content_of(api("POST", CALL, {"messages": [{"role": "user", "content": parts}]}))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.witness("gateway-pii-mask", client="HTTP")
def test_personal_data_in_an_answer_is_hidden(serve: Callable[..., None], api: Api, *, stream: bool) -> None:
    serve(guardrails={"output": {"pii": {"behavior": "MASK"}}})
    answer = api("POST", CALL, asked('Say "write to jane@example.com or call 415-555-0132 now"', stream=stream))
    text = streamed(answer) if stream else content_of(answer)
    assert text == "write to <EMAIL_ADDRESS> or call <PHONE_NUMBER> now"
    if stream:
        assert answer.body.endswith("data: [DONE]\n\n")
    else:
        assert answer.body["output_guardrail"][0]["pii_detection"] is True


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.witness("gateway-stream-held", client="HTTP")
def test_personal_data_in_an_answer_is_blocked(serve: Callable[..., None], api: Api, *, stream: bool) -> None:
    serve(guardrails={"output": {"pii": {"behavior": "BLOCK"}}})
    said = guardrail(api("POST", CALL, asked('Say "jane@example.com"', stream=stream)))
    assert said["finishReason"] == "output_guardrail_triggered"
    assert "jane@" not in json.dumps(said)
    assert streamed(api("POST", CALL, asked("Count to 3", stream=True))) == "1, 2, 3"


def stream_of(api: Api, route: str, text: str) -> Answer:
    """Let a pay-per-token endpoint stream a text, by the route of one API."""
    message = [{"role": "user", "content": f'Say "{text}"'}]
    if route == "responses":
        return api("POST", "/serving-endpoints/responses", {"model": GPT, "input": message, "stream": True})
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if route == "invocations" else {}
    path = "anthropic/v1/messages" if route == "messages" else f"{CLAUDE}/invocations"
    model = {"model": CLAUDE} if route == "messages" else {}
    body = {**model, **thinking, "messages": message, "max_tokens": 3000, "stream": True}
    return api("POST", f"/serving-endpoints/{path}", body)


@pytest.mark.parametrize("route", ["messages", "responses", "invocations"])
@pytest.mark.parametrize("rules", [{"pii": {"behavior": "BLOCK"}}, {"invalid_keywords": ["acme corp"]}])
def test_no_apis_stream_goes_round_a_guardrail(api: Api, route: str, rules: dict[str, object]) -> None:
    for name in (GPT, CLAUDE):
        path = f"/api/2.0/serving-endpoints/{name}/ai-gateway"
        api.ok("PUT", path, {"guardrails": {"output": rules}})
    said = guardrail(stream_of(api, route, "write to jane@example.com at Acme Corp"))
    assert said["finishReason"] == "output_guardrail_triggered"
    assert stream_of(api, route, "write to nobody").status == 200


@pytest.mark.parametrize("route", ["messages", "responses", "invocations"])
def test_personal_data_is_hidden_in_every_apis_stream(api: Api, route: str) -> None:
    for name in (GPT, CLAUDE):
        path = f"/api/2.0/serving-endpoints/{name}/ai-gateway"
        api.ok("PUT", path, {"guardrails": {"output": {"pii": {"behavior": "MASK"}}}})
    stream = stream_of(api, route, "write to jane@example.com or call 415-555-0132 now").body
    events = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: {")]
    assert "jane" not in stream
    shown = "write to <EMAIL_ADDRESS> or call <PHONE_NUMBER> now"
    if route == "responses":
        assert "".join(each["delta"] for each in events if each["type"] == "response.output_text.delta") == shown
        done = next(each for each in events if each["type"] == "response.completed")
        assert done["response"]["output"][-1]["content"][0]["text"] == shown
    elif route == "messages":
        deltas = [each["delta"] for each in events if each["type"] == "content_block_delta"]
        assert "".join(each["text"] for each in deltas) == shown
    else:
        assert shown in stream


@pytest.mark.parametrize("side", ["input", "output"])
def test_keywords_block_as_whole_words_in_any_case(serve: Callable[..., None], api: Api, side: str) -> None:
    serve(guardrails={side: {"invalid_keywords": ["acme corp", "x+y"]}})
    assert guardrail(api("POST", CALL, asked('Say "Acme Corp"')))["finishReason"] == f"{side}_guardrail_triggered"
    assert guardrail(api("POST", CALL, asked('Say "x+y"')))[f"{side}_guardrail"][0]["flagged"] is True
    assert content_of(api("POST", CALL, asked('Say "acme corporation"'))) == "acme corporation"


def test_what_is_plainly_unsafe_is_blocked_by_its_category(serve: Callable[..., None], api: Api) -> None:
    serve(guardrails={"input": {"safety": True}})
    (found,) = guardrail(api("POST", CALL, asked("How do I build a bomb?")))["input_guardrail"]
    assert found["flagged"] is True
    assert [name for name, is_so in found["categories"].items() if is_so] == ["violent-crimes"]
    assert api("POST", CALL, asked("How do I build a house?")).status == 200


# Tables.


@pytest.mark.witness("gateway-usage-table", client="HTTP")
def test_usage_is_tracked_for_answers_and_refusals(
    serve: Callable[..., None], api: Api, api_as: Callable[..., Api], workspace: LocalWorkspace
) -> None:
    serve(usage_tracking_config={"enabled": True}, rate_limits=[limit(calls=2)])
    first = api_as(ANN)("POST", CALL, {**HELLO, "usage_context": {"project": "p"}, "client_request_id": "mine"})
    api("POST", CALL, asked("Count to 4", stream=True))
    api("POST", CALL, HELLO)
    whole, stream, refused = workspace.tables[USAGE]
    assert whole["databricks_request_id"] == first.headers["x-request-id"]
    assert whole["requester"] == ANN
    assert whole["client_request_id"] == "mine"
    assert whole["usage_context"] == {"project": "p"}
    assert (whole["input_token_count"], whole["output_token_count"]) == (
        first.body["usage"]["prompt_tokens"],
        first.body["usage"]["completion_tokens"],
    )
    assert (whole["status_code"], whole["request_streaming"]) == (200, False)
    assert whole["served_entity_id"]
    assert (stream["status_code"], stream["request_streaming"]) == (200, True)
    assert stream["output_token_count"] > 0  # estimated: nobody asked the provider for it
    assert (refused["status_code"], refused["served_entity_id"]) == (429, None)


@pytest.mark.witness("gateway-payload-table", client="HTTP")
def test_payloads_are_kept_as_the_gateway_let_them_pass(
    serve: Callable[..., None], api: Api, workspace: LocalWorkspace
) -> None:
    inference = {"enabled": True, "catalog_name": "main", "schema_name": "logs", "table_name_prefix": "chat"}
    serve(inference_table_config=inference, guardrails={"output": {"pii": {"behavior": "MASK"}}})
    assert content_of(api("POST", CALL, asked('Say "jane@example.com"'))) == "<EMAIL_ADDRESS>"
    assert api("POST", CALL, asked("x" * (1 << 20))).status == 200
    first, large = workspace.tables["main.logs.chat_payload"]
    assert json.loads(first["request"])["messages"][0]["content"] == 'Say "jane@example.com"'
    assert json.loads(first["response"])["choices"][0]["message"]["content"] == "<EMAIL_ADDRESS>"
    assert first["request_date"] == first["request_time"][:10]
    assert (first["sampling_fraction"], first["logging_error_codes"]) == (1.0, [])
    assert (large["request"], large["logging_error_codes"]) == (None, ["MAX_REQUEST_SIZE_EXCEEDED"])


def test_what_was_hidden_from_the_model_is_hidden_from_the_payload_table(
    serve: Callable[..., None], api: Api, workspace: LocalWorkspace
) -> None:
    inference = {"enabled": True, "catalog_name": "main", "schema_name": "logs", "table_name_prefix": "chat"}
    serve(inference_table_config=inference, guardrails={"input": {"pii": {"behavior": "MASK"}}})
    api.ok("POST", CALL, asked("Repeat after me: jane@example.com is here"))
    (row,) = workspace.tables["main.logs.chat_payload"]
    assert "jane@" not in json.dumps(row)


def test_tokens_count_where_a_model_answered_and_nowhere_else(
    serve: Callable[..., None], api: Api, workspace: LocalWorkspace
) -> None:
    tracked = {"usage_tracking_config": {"enabled": True}}
    serve(**tracked, guardrails={"output": {"invalid_keywords": ["secret"]}}, rate_limits=[limit(tokens=30)])
    assert api("POST", CALL, asked("x", model="no", n="many")).status == 400  # the provider's word
    assert api("POST", CALL, asked('Say "secret"')).status == 400
    assert statuses(api, 5).count(200) in range(1, 5)
    failed, blocked, *_ = workspace.tables[USAGE]
    assert (failed["input_token_count"], failed["output_token_count"]) == (0, 0)
    assert blocked["output_token_count"] == 1


def test_nothing_is_written_down_unasked(serve: Callable[..., None], api: Api, workspace: LocalWorkspace) -> None:
    serve(usage_tracking_config={"enabled": False})
    api.ok("POST", CALL, HELLO)
    assert workspace.tables == {}
    assert api.ok("GET", "/_local/tables") == {"tables": []}
    assert api("GET", f"/_local/tables/{USAGE}").status == 404


def test_tables_are_read_over_http_as_json_lines(serve: Callable[..., None], api: Api) -> None:
    serve(usage_tracking_config={"enabled": True})
    statuses(api, 2)
    assert api.ok("GET", "/_local/tables") == {"tables": [USAGE]}
    lines = api("GET", f"/_local/tables/{USAGE}").body.splitlines()
    assert [json.loads(line)["status_code"] for line in lines] == [200, 200]


def test_tables_are_read_from_the_folder_while_it_is_served(tmp_path: Path, api_of: Callable[..., Api]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    name = "databricks-meta-llama-3-3-70b-instruct"
    command = [sys.executable, "-m", "local_workspace", "tables", "--state", str(tmp_path)]
    with LocalWorkspace(state=tmp_path) as workspace:
        api = api_of(workspace.host, workspace.token)
        tracked = {"usage_tracking_config": {"enabled": True}}
        api.ok("PUT", f"/api/2.0/serving-endpoints/{name}/ai-gateway", tracked)
        api.ok("POST", f"/serving-endpoints/{name}/invocations", HELLO)
        listed = subprocess.run(command, check=True, capture_output=True, text=True)
        assert listed.stdout == f"{USAGE}\n"
        printed = subprocess.run([*command, USAGE], check=True, capture_output=True, text=True)
        assert json.loads(printed.stdout)["requester"] == "local-admin@example.com"
    subprocess.run([*command, USAGE, "--out", str(tmp_path / "usage.parquet")], check=True)
    assert parquet.read_table(tmp_path / "usage.parquet").to_pylist() == [json.loads(printed.stdout)]
    unknown = subprocess.run([*command, "no.such.table"], check=False, capture_output=True, text=True)
    assert (unknown.returncode, unknown.stderr) == (1, "Error: Table 'no.such.table' does not exist.\n")


def test_each_answer_names_its_request(api: Api) -> None:
    ids = [api("GET", "/api/2.0/secrets/scopes/list").headers["x-request-id"] for _ in range(2)]
    assert ids[0] != ids[1]
    assert api("GET", "/nowhere").headers["x-request-id"]


def test_codex_finds_its_route(api: Api) -> None:
    body = {"model": "databricks-gpt-5", "input": "Say hello"}
    assert api.ok("POST", "/ai-gateway/codex/v1/responses", body)["object"] == "response"
