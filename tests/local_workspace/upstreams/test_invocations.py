"""Calls to serving endpoints reach their upstream with the right key, and its answer comes back."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler
    from typing import Any

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api
    from tests.local_workspace.upstreams.conftest import Upstream

CALL = "/serving-endpoints/chat/invocations"
HALF_A_PAIR = b'{"messages": [{"role": "user", "content": "\\ud800"}]}'
UNPARSABLE = "Unable to parse json body for request"
HELLO = {"messages": [{"role": "user", "content": "Say hello"}]}


def test_the_upstream_sees_the_key_exactly_as_put(
    api: Api,
    upstream: Upstream,
    on_upstream: Callable[..., None],
) -> None:
    on_upstream("sk-anything +/=~ at all")
    answer = api("POST", CALL, HELLO)
    assert (answer.status, answer.body["id"]) == (200, "upstream-1")
    assert upstream.received[0].path == "/v1/chat/completions"
    assert upstream.received[0].headers["Authorization"] == "Bearer sk-anything +/=~ at all"
    assert upstream.received[0].body == {**HELLO, "model": "gpt-4o"}


@pytest.mark.witness("key-freshness", client="HTTP")
def test_after_a_rotation_the_upstream_sees_the_new_key(
    api: Api, upstream: Upstream, put_key: Callable[..., None], on_upstream: Callable[..., None]
) -> None:
    on_upstream("sk-old")
    api.ok("POST", CALL, HELLO)
    put_key("sk-new")
    api.ok("POST", CALL, HELLO)
    assert [each.headers["Authorization"] for each in upstream.received] == ["Bearer sk-old", "Bearer sk-new"]


def test_a_plaintext_key_reaches_the_upstream(api: Api, upstream: Upstream, serve: Callable[..., None]) -> None:
    config = {"openai_api_base": f"{upstream.url}/v1", "openai_api_key_plaintext": "sk-plain"}
    serve({"provider": "openai", "name": "gpt-4o", "openai_config": config})
    api.ok("POST", CALL, HELLO)
    assert upstream.received[0].headers["Authorization"] == "Bearer sk-plain"


def test_without_a_base_url_the_simulator_answers(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None], openai_model: Callable[..., dict[str, Any]]
) -> None:
    put_key("sk-good")
    serve(openai_model())
    answer = api("POST", CALL, HELLO)
    assert answer.body["choices"][0]["message"]["content"] == "hello"
    assert answer.headers["served-model-name"] == "entity-0"


def test_the_providers_public_url_is_simulated_too(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None], openai_model: Callable[..., dict[str, Any]]
) -> None:
    put_key("sk-good")
    serve(openai_model("https://api.openai.com/v1"))
    assert api.ok("POST", CALL, HELLO)["choices"][0]["message"]["content"] == "hello"


@pytest.mark.parametrize("key", ["sk-invalid-1", "not-a-key", "sk-"])
def test_the_simulator_refuses_a_wrong_key_and_the_refusal_is_passed_on(
    api: Api,
    put_key: Callable[..., None],
    serve: Callable[..., None],
    openai_model: Callable[..., dict[str, Any]],
    key: str,
) -> None:
    put_key(key)
    serve(openai_model())
    answer = api("POST", CALL, HELLO)
    assert answer.status == 401
    assert answer.body["error"] == "Received error from openai"
    assert answer.body["external_model_message"]["error"]["code"] == "invalid_api_key"
    assert key not in json.dumps(answer.body)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 502, 503])
@pytest.mark.witness("call-provider-error", client="HTTP")
def test_an_upstreams_error_keeps_its_status_and_words(
    api: Api,
    upstream: Upstream,
    on_upstream: Callable[..., None],
    status: int,
) -> None:
    on_upstream()
    upstream.will_send(status, {"error": {"message": "no luck", "type": "t"}}, Retry_After="7")
    answer = api("POST", CALL, HELLO)
    assert answer.status == status
    assert answer.body == {
        "error": "Received error from openai",
        "external_model_message": {"error": {"message": "no luck", "type": "t"}},
    }
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    "quoted",
    [
        "wrong key sk-canary-123456 sent",
        "Incorrect API key provided: sk-canar*********3456.",
        "<b>sk-canary-123456</b>",
    ],
)
def test_a_key_that_the_upstream_quotes_is_removed(
    api: Api,
    upstream: Upstream,
    on_upstream: Callable[..., None],
    quoted: str,
) -> None:
    on_upstream("sk-canary-123456")
    for body in ({"error": {"message": quoted}}, quoted.encode()):
        upstream.will_send(401, body)
        answer = api("POST", CALL, HELLO)
        assert answer.status == 401
        assert "sk-can" not in json.dumps(answer.body)
        assert "[REDACTED]" in json.dumps(answer.body)


def test_an_upstream_that_is_down_is_a_502(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None], openai_model: Callable[..., dict[str, Any]]
) -> None:
    put_key("sk-good")
    serve(openai_model("http://127.0.0.1:1/v1"))
    answer = api("POST", CALL, HELLO)
    assert (answer.status, answer.body["error"]) == (502, "Received error from openai")


def test_an_answer_that_says_it_is_too_large_is_a_502(
    api: Api, upstream: Upstream, on_upstream: Callable[..., None]
) -> None:
    on_upstream()

    def announce(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2**30))
        handler.end_headers()
        handler.close_connection = True

    upstream.answers.append(announce)
    assert api("POST", CALL, HELLO).status == 502


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(
    api: Api,
    upstream: Upstream,
    on_upstream: Callable[..., None],
) -> None:
    on_upstream()
    upstream.will_send(307, b"", Location=f"{upstream.url}/elsewhere")
    assert api("POST", CALL, HELLO).status == 502
    assert [each.path for each in upstream.received] == ["/v1/chat/completions"]


@pytest.mark.parametrize("base", ["http://169.254.169.254/v1", "https://proxy.example.com/v1", "http://10.0.0.1/v1"])
def test_a_host_that_may_not_be_called_is_refused_at_call_time(
    api: Api,
    put_key: Callable[..., None],
    serve: Callable[..., None],
    openai_model: Callable[..., dict[str, Any]],
    base: str,
) -> None:
    put_key("sk-good")
    serve(openai_model(base))
    answer = api("POST", CALL, HELLO)
    assert answer.error == (400, "BAD_REQUEST")
    assert "cannot be called" in answer.body["message"]


@pytest.mark.witness("key-dangling", client="HTTP")
def test_a_secret_that_is_gone_is_named(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None], openai_model: Callable[..., dict[str, Any]]
) -> None:
    put_key("sk-good")
    serve(openai_model())
    api.ok("POST", "/api/2.0/secrets/delete", {"scope": "s", "key": "k"})
    answer = api("POST", CALL, HELLO)
    assert answer.error == (400, "BAD_REQUEST")
    assert "{{secrets/s/k}} is missing" in answer.body["message"]


@pytest.mark.witness("call-not-ready", client="HTTP")
def test_an_endpoint_that_is_not_ready_answers_503(
    api: Api, put_key: Callable[..., None], create: Callable[..., dict[str, Any]]
) -> None:
    put_key("sk-good")
    create()
    assert api("POST", CALL, HELLO).error == (503, "TEMPORARILY_UNAVAILABLE")


def test_an_unknown_endpoint_is_a_404(api: Api) -> None:
    assert api("POST", CALL, HELLO).error == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.witness("call-needs-query", client="HTTP")
def test_a_caller_without_can_query_is_refused_before_the_upstream(
    api_as: Callable[..., Api],
    upstream: Upstream,
    on_upstream: Callable[..., None],
) -> None:
    on_upstream()
    answer = api_as("stranger@example.com")("POST", CALL, HELLO)
    assert answer.error == (403, "PERMISSION_DENIED")
    assert upstream.received == []


def test_a_rate_limit_of_zero_disables_the_endpoint(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None], openai_model: Callable[..., dict[str, Any]]
) -> None:
    put_key("sk-good")
    serve(openai_model(), ai_gateway={"rate_limits": [{"calls": 0, "renewal_period": "minute"}]})
    answer = api("POST", CALL, HELLO)
    assert answer.error == (403, "PERMISSION_DENIED")
    assert answer.body["message"] == "PERMISSION_DENIED: The endpoint is disabled due to a rate limit set to 0."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"inputs": [1]}, 'Bad request: json: unknown field "inputs"'),
        ({**HELLO, "foo": 1}, 'Bad request: json: unknown field "foo"'),
        ({}, "Bad request: missing required field 'messages'"),
        ({"messages": "hi"}, f"{UNPARSABLE}, field 'messages' expects an array of objects."),
        ({"messages": []}, "Bad request: field 'messages' must not be empty"),
        (
            {"messages": [{"role": "user", "content": {"a": 1}}]},
            f"{UNPARSABLE}, field 'messages.content' expects a string or an array of content parts.",
        ),
    ],
)
@pytest.mark.witness("call-unknown-field", client="HTTP")
def test_a_malformed_body_is_refused_before_the_upstream(
    api: Api,
    upstream: Upstream,
    on_upstream: Callable[..., None],
    body: object,
    message: str,
) -> None:
    on_upstream()
    answer = api("POST", CALL, body)
    assert answer.error == (400, "BAD_REQUEST")
    assert answer.body["message"] == message
    assert upstream.received == []


@pytest.mark.parametrize(
    "raw", [b"{", b"[1]", b"\xff\xfe", b'"text"', b"[" * 100_000, HALF_A_PAIR, b'{"messages": [], "n": NaN}']
)
def test_a_body_that_is_no_json_object_is_refused(
    api: Api,
    put_key: Callable[..., None],
    serve: Callable[..., None],
    openai_model: Callable[..., dict[str, Any]],
    raw: bytes,
) -> None:
    put_key("sk-good")
    serve(openai_model())
    assert api("POST", CALL, raw=raw).error == (400, "BAD_REQUEST")


@pytest.mark.witness("call-size", client="HTTP")
def test_a_body_over_four_megabytes_is_refused(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None], openai_model: Callable[..., dict[str, Any]]
) -> None:
    put_key("sk-good")
    serve(openai_model())
    too_long = {"messages": [{"role": "user", "content": "x" * (4 * 1024 * 1024)}]}
    assert api("POST", CALL, too_long).status == 413


def test_databricks_own_fields_stay_here_and_extra_params_are_merged(
    api: Api,
    upstream: Upstream,
    on_upstream: Callable[..., None],
) -> None:
    on_upstream()
    body = {
        **HELLO, "model": "ignored", "usage_context": {"team": "x"}, "client_request_id": "1",
        "extra_params": {"top_k": 3},
    }  # fmt: skip
    api.ok("POST", CALL, body)
    assert upstream.received[0].body == {**HELLO, "model": "gpt-4o", "top_k": 3}


def test_openais_routes_find_the_endpoint_by_model(
    api: Api,
    upstream: Upstream,
    on_upstream: Callable[..., None],
) -> None:
    on_upstream()
    for gateway in ("/serving-endpoints", "/ai-gateway/mlflow/v1", "/ai-gateway/openai/v1"):
        api.ok("POST", f"{gateway}/chat/completions", {**HELLO, "model": "chat"})
        api.ok("POST", f"{gateway}/responses", {"model": "chat", "input": "hi", "reasoning": {"effort": "low"}})
    assert [each.path for each in upstream.received] == ["/v1/chat/completions", "/v1/responses"] * 3
    assert {each.body["model"] for each in upstream.received} == {"gpt-4o"}
    assert api("POST", "/serving-endpoints/embeddings", {"model": "chat", "input": "x"}).error == (400, "BAD_REQUEST")
    assert api("POST", "/serving-endpoints/chat/completions", HELLO).error == (400, "BAD_REQUEST")


def test_without_the_extra_its_name_is_told(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "any_llm", None)
    for module in [name for name in sys.modules if name.startswith("local_workspace.upstreams.translated.")]:
        monkeypatch.delitem(sys.modules, module)
    put_key("sk-good")
    serve({"provider": "anthropic", "name": "claude", "anthropic_config": {"anthropic_api_key": "{{secrets/s/k}}"}})
    answer = api("POST", CALL, HELLO)
    assert answer.error == (501, "NOT_IMPLEMENTED")
    assert "'gatewright[providers]'" in answer.body["message"]
    assert "any_llm" in answer.body["message"]


def test_no_secret_stands_in_the_request_record(
    api: Api,
    workspace: LocalWorkspace,
    on_upstream: Callable[..., None],
) -> None:
    on_upstream("sk-canary-987654")
    api.ok("POST", CALL, HELLO)
    assert "canary" not in repr([(request, request.body) for request in workspace.requests])
