"""Providers with a wire format of their own answer in OpenAI's shape, each by its vendor's own client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.local_workspace.conftest import Answer, Api
    from tests.local_workspace.upstreams.conftest import Upstream

pytest.importorskip("any_llm", reason="needs the extra `providers`")

PROVIDERS = ("anthropic", "amazon-bedrock", "cohere", "google-cloud-vertex-ai")
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
OTHER_TOOL = {"type": "function", "function": {"name": "send_mail", "parameters": {"type": "object", "properties": {}}}}
CALL = "/serving-endpoints/chat/invocations"
ASK = {"role": "user", "content": "What is the weather in Paris?"}


def service_account(email: str = "robot@project.iam.gserviceaccount.com") -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return json.dumps({
        "type": "service_account",
        "client_email": email,
        "private_key": pem,
        "private_key_id": "1",
        "token_uri": "http://thief.example/token",
    })  # fmt: skip


def model(
    provider: str, *, key: str | None = None, task: str = "llm/v1/chat", name: str | None = None
) -> dict[str, Any]:
    """An external model of a provider, with a good key unless another is given."""
    names, configs = {
        "anthropic": ("claude-sonnet-4-5", {"anthropic_config": {"anthropic_api_key_plaintext": key or "sk-ant-1"}}),
        "cohere": ("command-r", {"cohere_config": {"cohere_api_key_plaintext": key or "co-1"}}),
        "amazon-bedrock": (
            "anthropic.claude-3-haiku-20240307-v1:0",
            {
                "amazon_bedrock_config": {
                    "aws_region": "eu-west-1",
                    "bedrock_provider": "anthropic",
                    "aws_access_key_id_plaintext": key or "AKIAGOOD",
                    "aws_secret_access_key_plaintext": "secret-access-key",
                }
            },
        ),
        "google-cloud-vertex-ai": (
            "gemini-2.0-flash",
            {
                "google_cloud_vertex_ai_config": {
                    "project_id": "project",
                    "region": "europe-west1",
                    "private_key_plaintext": key or GOOGLE_KEY,
                }
            },
        ),
    }[provider]
    return {"provider": provider, "name": name or names, "task": task, **configs}


GOOGLE_KEY = service_account()


@pytest.fixture(scope="module")
def served() -> Iterator[LocalWorkspace]:
    """One workspace for all, with the vendors' clients loaded: that takes seconds, and no call is to wait for it."""
    from local_workspace.upstreams.translated import vendors  # noqa: PLC0415 - the slow part

    for provider in PROVIDERS:
        vendors.opened(provider)
    with LocalWorkspace(deploy_seconds=0) as running:
        yield running


@pytest.fixture
def call(served: LocalWorkspace, api_of: Callable[..., Api]) -> Callable[..., Answer]:
    """Calls a model of a provider in a workspace of its own."""
    made: dict[str, Api] = {}

    def ask(entity: dict[str, Any], body: dict[str, Any]) -> Answer:
        document = json.dumps(entity)
        if document not in made:
            fork = served.fork()
            made[document] = api_of(fork.host, fork.token)
            config = {"served_entities": [{"name": "entity", "external_model": entity}]}
            made[document].ok("POST", "/api/2.0/serving-endpoints", {"name": "chat", "config": config})
        return made[document]("POST", "/serving-endpoints/chat/invocations", body)

    return ask


def chunks_of(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer
    *lines, done = [line for line in answer.body.split("\n\n") if line]
    assert done == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.witness("call-translated", client="HTTP")
def test_a_text_comes_whole_with_its_usage(call: Callable[..., Answer], provider: str) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello"}]
    answer = call(model(provider), {"messages": messages, "max_tokens": 20})
    assert answer.status == 200, answer
    assert answer.headers["served-model-name"] == "entity"
    assert answer.body["object"] == "chat.completion"
    (choice,) = answer.body["choices"]
    assert choice["message"] == {"role": "assistant", "content": "hello"}
    assert choice["finish_reason"] == "stop"
    usage = answer.body["usage"]
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] == 1
    assert usage["total_tokens"] == usage["prompt_tokens"] + 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stream_is_cut_at_the_limit_and_says_so_once(call: Callable[..., Answer], provider: str) -> None:
    body = {"messages": [{"role": "user", "content": "Count to 9"}], "stream": True, "max_tokens": 7}
    chunks = chunks_of(call(model(provider), body))
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content", "") for delta in deltas) == "1, 2, 3, 4"
    assert sum("role" in delta for delta in deltas) == 1
    assert len(chunks) > 5
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["length"]
    assert ["usage" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1]["usage"]["completion_tokens"] == 7


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("stop", ["3", ["3"]])
def test_a_text_ends_at_a_stop_mark(call: Callable[..., Answer], provider: str, stop: object) -> None:
    answer = call(
        model(provider), {"messages": [{"role": "user", "content": "Count to 9"}], "stop": stop, "top_p": 0.9}
    )
    assert answer.body["choices"][0]["message"]["content"] == "1, 2, "


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("choice", ["auto", "required"])
def test_a_tool_is_called(call: Callable[..., Answer], provider: str, choice: str) -> None:
    answer = call(model(provider), {"messages": [ASK], "tools": [TOOL], "tool_choice": choice})
    assert answer.status == 200, answer
    assert answer.body["choices"][0]["finish_reason"] == "tool_calls"
    assert answer.body["choices"][0]["message"]["content"] is None
    (made,) = answer.body["choices"][0]["message"]["tool_calls"]
    assert made["id"]
    assert made["type"] == "function"
    assert made["function"]["name"] == "get_weather"
    assert json.loads(made["function"]["arguments"]) == {"city": "Paris"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_tool_call_is_streamed(call: Callable[..., Answer], provider: str) -> None:
    chunks = chunks_of(call(model(provider), {"messages": [ASK], "tools": [TOOL], "stream": True}))
    parts = [part for chunk in chunks for part in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert [part["function"]["name"] for part in parts if "name" in part["function"]] == ["get_weather"]
    assert len([part for part in parts if "id" in part]) == 1
    assert json.loads("".join(part["function"]["arguments"] for part in parts)) == {"city": "Paris"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("provider", ["anthropic", "amazon-bedrock", "google-cloud-vertex-ai"])
def test_a_named_tool_is_called(call: Callable[..., Answer], provider: str) -> None:
    named = {"type": "function", "function": {"name": "send_mail"}}
    answer = call(model(provider), {"messages": [ASK], "tools": [TOOL, OTHER_TOOL], "tool_choice": named})
    (made,) = answer.body["choices"][0]["message"]["tool_calls"]
    assert made["function"]["name"] == "send_mail"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_tool_is_called_where_none_may_be(call: Callable[..., Answer], provider: str) -> None:
    answer = call(model(provider), {"messages": [ASK], "tools": [TOOL], "tool_choice": "none"})
    assert answer.body["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("result", ["18 degrees", "18", '{"degrees": 18}'])
def test_a_tools_result_is_read(call: Callable[..., Answer], provider: str, result: str) -> None:
    asked = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    messages = [
        ASK,
        {"role": "assistant", "content": "Let me look.", "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": "call_1", "content": result},
    ]
    answer = call(model(provider), {"messages": messages, "tools": [TOOL]})
    assert answer.status == 200, answer
    assert "18" in answer.body["choices"][0]["message"]["content"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_text_parts_and_late_instructions_are_understood(call: Callable[..., Answer], provider: str) -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "My name is "}, {"type": "text", "text": "Ann"}]},
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "assistant", "content": "Noted."},
        {"role": "user", "content": "What is my name?"},
    ]
    answer = call(model(provider), {"messages": messages, "user": "somebody", "n": 1})
    assert answer.body["choices"][0]["message"]["content"] == "Your name is Ann."


@pytest.mark.parametrize(
    ("provider", "key", "status"),
    [
        ("anthropic", "sk-invalid-canary-1", 401),
        ("anthropic", "canary-not-a-key", 401),
        ("cohere", "invalid-canary-1", 401),
        ("amazon-bedrock", "invalid-canary-1", 403),
        ("google-cloud-vertex-ai", service_account("invalid@project"), 401),
        ("google-cloud-vertex-ai", "canary-no-json", 401),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_key_is_refused_and_not_shown(
    call: Callable[..., Answer], provider: str, key: str, status: int, *, stream: bool
) -> None:
    answer = call(model(provider, key=key), {"messages": [ASK], "stream": stream})
    assert answer.status == status
    assert answer.body["error"] == f"Received error from {provider}"
    assert "canary" not in json.dumps(answer.body)
    assert "PRIVATE" not in json.dumps(answer.body)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_request_keeps_the_providers_status_and_words(
    call: Callable[..., Answer], provider: str, *, stream: bool
) -> None:
    answer = call(model(provider), {"messages": [ASK], "temperature": 9, "stream": stream})
    assert answer.status == 400
    assert answer.body["error"] == f"Received error from {provider}"
    assert "emperature" in json.dumps(answer.body["external_model_message"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_a_provider_does_not_know_is_refused_by_name(call: Callable[..., Answer], provider: str) -> None:
    answer = call(model(provider), {"messages": [ASK], "n": 3})
    assert answer.status == 400
    assert "'n'" in answer.body["message"]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "odd",
    [
        {"messages": [{"role": "user", "content": ["no object"]}]},
        {"temperature": "hot"},
        {"messages": [{"role": "tool", "tool_call_id": "nobody-s", "content": "18"}]},
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_put_to_a_provider_is_a_bad_request(
    call: Callable[..., Answer], provider: str, odd: dict[str, Any], *, stream: bool
) -> None:
    assert call(model(provider), {"messages": [ASK], **odd, "stream": stream}).status == 400


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_tool_without_arguments_that_had_nothing_to_say_is_understood(
    call: Callable[..., Answer], provider: str
) -> None:
    asked = {"id": "call_1", "type": "function", "function": {"name": "send_mail", "arguments": ""}}
    messages = [
        ASK,
        {"role": "assistant", "content": None, "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": "call_1", "content": None},
    ]
    assert call(model(provider), {"messages": messages, "tools": [OTHER_TOOL]}).status == 200


@pytest.mark.parametrize("provider", PROVIDERS)
def test_several_tools_results_are_read(call: Callable[..., Answer], provider: str) -> None:
    made = [
        {
            "id": f"call_{city}",
            "type": "function",
            "function": {"name": "get_weather", "arguments": f'{{"city": "{city}"}}'},
        }
        for city in ("Paris", "Rome")
    ]
    results = [
        {"role": "tool", "tool_call_id": each["id"], "content": f"{degrees} degrees"}
        for each, degrees in zip(made, (17, 23), strict=True)
    ]
    answer = call(
        model(provider),
        {"messages": [ASK, {"role": "assistant", "content": None, "tool_calls": made}, *results], "tools": [TOOL]},
    )
    said = answer.body["choices"][0]["message"]["content"]
    assert "17" in said
    assert "23" in said


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_image_arrives_whole(call: Callable[..., Answer], provider: str) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
    ]
    answer = call(model(provider), {"messages": [{"role": "user", "content": parts}]})
    assert "a PNG image (1x1 pixels, 70 bytes)" in answer.body["choices"][0]["message"]["content"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_prompt_is_completed(call: Callable[..., Answer], provider: str) -> None:
    entity = model(provider, task="llm/v1/completions")
    answer = call(entity, {"prompt": "Say hello"})
    assert (answer.body["object"], answer.body["choices"][0]["text"]) == ("text_completion", "hello")
    chunks = chunks_of(call(entity, {"prompt": "Count to 3", "stream": True}))
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "1, 2, 3"


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("cohere", "embed-english-v3.0"),
        ("amazon-bedrock", "amazon.titan-embed-text-v2:0"),
        ("google-cloud-vertex-ai", "text-embedding-005"),
    ],
)
def test_texts_are_embedded(call: Callable[..., Answer], provider: str, name: str) -> None:
    answer = call(model(provider, task="llm/v1/embeddings", name=name), {"input": ["a cat", "a cat", "the moon"]})
    assert answer.status == 200, answer
    first, same, other = (each["embedding"] for each in answer.body["data"])
    assert first == pytest.approx(same)
    assert first != pytest.approx(other)
    assert answer.body["model"] == name


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_error_keeps_its_status_and_says_when_to_retry(
    api: Api, upstream: Upstream, serve: Callable[..., None], status: int, *, stream: bool
) -> None:
    config = {"cohere_api_key_plaintext": "co-canary-123", "cohere_api_base": f"{upstream.url}/v1"}
    serve({"provider": "cohere", "name": "command-r", "cohere_config": config})
    upstream.will_send(status, {"message": "no luck with co-canary-123"}, Retry_After="7")
    answer = api("POST", "/serving-endpoints/chat/invocations", {"messages": [ASK], "stream": stream})
    assert answer.status == status
    assert answer.headers["retry-after"] == "7"
    assert answer.body["external_model_message"] == {"message": "no luck with [REDACTED]"}
    assert len(upstream.received) == 1  # no client retries by itself
    assert upstream.received[0].path == "/v2/chat"
    assert upstream.received[0].headers["Authorization"] == "Bearer co-canary-123"


def test_a_stream_that_breaks_off_does_not_look_complete(
    api: Api, upstream: Upstream, serve: Callable[..., None]
) -> None:
    config = {"cohere_api_key_plaintext": "co-1", "cohere_api_base": upstream.url}
    serve({"provider": "cohere", "name": "command-r", "cohere_config": config})
    delta = {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "half"}}}}
    upstream.will_stream(f"event: content-delta\ndata: {json.dumps(delta)}\n\n".encode(), complete=False)
    with pytest.raises(urllib3.exceptions.HTTPError):
        api("POST", "/serving-endpoints/chat/invocations", {"messages": [ASK], "stream": True})


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.usefixtures("served")  # the clients are loaded
def test_an_answer_that_cannot_be_read_is_a_502(upstream: Upstream, api_of: Callable[..., Api], provider: str) -> None:
    entity = model(provider)
    entity.get("cohere_config", {})["cohere_api_base"] = upstream.url
    moved = () if provider == "cohere" else ((provider, upstream.url),)
    with LocalWorkspace(deploy_seconds=0, upstream_urls=moved) as workspace:
        api = api_of(workspace.host, workspace.token)
        config = {"served_entities": [{"name": "entity", "external_model": entity}]}
        api.ok("POST", "/api/2.0/serving-endpoints", {"name": "chat", "config": config})
        for said in (b"{}", b"[1]", b"", b"<html>", bytes(range(256)), b'data: {"type": "x"\n\n'):
            for stream in (False, True):
                upstream.will_send(200, said)
                answer = api("POST", CALL, {"messages": [ASK], "stream": stream})
                assert answer.status == 502, (said, stream, answer)
                assert "cannot be read" in answer.body["external_model_message"]["message"]


def test_an_unreachable_provider_is_a_502_and_a_foreign_host_a_400(api: Api, serve: Callable[..., None]) -> None:
    for name, base, status in (("closed", "http://127.0.0.1:9", 502), ("far", "https://cohere.example", 400)):
        config = {"cohere_api_key_plaintext": "co-1", "cohere_api_base": base}
        serve({"provider": "cohere", "name": "command-r", "cohere_config": config}, name=name)
        answer = api("POST", f"/serving-endpoints/{name}/invocations", {"messages": [ASK]})
        assert answer.status == status
        assert "co-1" not in json.dumps(answer.body)


@pytest.mark.parametrize("field", ["region", "project_id"])
def test_a_place_cannot_name_another_host(api: Api, serve: Callable[..., None], field: str) -> None:
    entity = model("google-cloud-vertex-ai")
    entity["google_cloud_vertex_ai_config"][field] = "thief.example/#"
    serve(entity)
    answer = api("POST", "/serving-endpoints/chat/invocations", {"messages": [ASK]})
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")
    assert field in answer.body["message"]


def test_the_environment_moves_no_request(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch, upstream: Upstream
) -> None:
    for variable in ("ANTHROPIC_BASE_URL", "COHERE_BASE_URL", "AWS_ENDPOINT_URL", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, upstream.url)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "not-this-one")
    for provider in PROVIDERS:
        assert call(model(provider), {"messages": [ASK]}).status == 200
    assert upstream.received == []


def test_a_pinned_key_is_the_only_one_taken(api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(deploy_seconds=0, simulated_key="pinned") as workspace:
        api = api_of(workspace.host, workspace.token)
        for name, secret, status in (("right", "pinned", 200), ("wrong", "another", 403)):
            entity = model("amazon-bedrock")
            entity["amazon_bedrock_config"]["aws_secret_access_key_plaintext"] = secret
            config = {"served_entities": [{"name": "entity", "external_model": entity}]}
            api.ok("POST", "/api/2.0/serving-endpoints", {"name": name, "config": config})
            for stream in (False, True):
                body = {"messages": [ASK], "stream": stream}
                assert api("POST", f"/serving-endpoints/{name}/invocations", body).status == status


def test_the_operator_moves_a_provider_and_its_own_api_passes_as_it_is(
    upstream: Upstream, api_of: Callable[..., Api]
) -> None:
    moved = (("anthropic", upstream.url),)
    with LocalWorkspace(deploy_seconds=0, upstream_urls=moved) as workspace:
        api = api_of(workspace.host, workspace.token)
        config = {"served_entities": [{"name": "entity", "external_model": model("anthropic")}]}
        api.ok("POST", "/api/2.0/serving-endpoints", {"name": "chat", "config": config})
        upstream.will_send(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
        answer = api("POST", "/serving-endpoints/chat/invocations", {"messages": [ASK]})
        assert answer.status == 529
        upstream.will_send(200, {"type": "message", "id": "msg_1"})
        message = {"model": "chat", "max_tokens": 5, "messages": [ASK]}
        assert api.ok("POST", "/serving-endpoints/anthropic/v1/messages", message) == {"type": "message", "id": "msg_1"}
    assert [each.path for each in upstream.received] == ["/v1/messages", "/v1/messages"]
    assert [each.headers["x-api-key"] for each in upstream.received] == ["sk-ant-1", "sk-ant-1"]
    assert [each.body["model"] for each in upstream.received] == ["claude-sonnet-4-5", "claude-sonnet-4-5"]


@pytest.mark.parametrize("provider", ["ai21labs", "palm"])
def test_a_provider_that_is_not_spoken_to_is_named(call: Callable[..., Answer], provider: str) -> None:
    config = {f"{provider}_config": {f"{provider}_api_key_plaintext": "k"}}
    answer = call({"provider": provider, "name": "m", "task": "llm/v1/completions", **config}, {"prompt": "hi"})
    assert answer.error == (501, "NOT_IMPLEMENTED")
    assert provider in answer.body["message"]
