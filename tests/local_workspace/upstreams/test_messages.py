"""Anthropic's Messages API as its wire has it; `tests/clients` has the client's view of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

GATEWAYS = ["/serving-endpoints/anthropic/v1/messages", "/ai-gateway/anthropic/v1/messages"]
PATH = GATEWAYS[0]
ASKED: dict[str, Any] = {
    "model": "databricks-claude-sonnet-4",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Say hello"}],
}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {**ASKED, "messages": [{"role": "user", "content": list(blocks)}]}


@pytest.mark.parametrize("path", GATEWAYS)
def test_the_token_is_taken_from_either_header(
    workspace: LocalWorkspace, api_of: Callable[..., Api], path: str
) -> None:
    anyone = api_of(workspace.host, None)
    for headers in ({"x-api-key": workspace.token}, {"Authorization": f"Bearer {workspace.token}"}):
        answer = anyone("POST", path, ASKED, headers=headers)
        assert (answer.status, answer.body["content"]) == (200, [{"type": "text", "text": "hello"}])
        assert answer.headers["served-model-name"] == "databricks-claude-sonnet-4"
    assert anyone("POST", path, ASKED).status == 401
    assert anyone("POST", path, ASKED, headers={"x-api-key": "dapi-wrong"}).status == 403


def test_no_other_route_takes_the_key_header(workspace: LocalWorkspace, api_of: Callable[..., Api]) -> None:
    anyone = api_of(workspace.host, None)
    headers = {"x-api-key": workspace.token}
    assert anyone("GET", "/api/2.0/serving-endpoints", headers=headers).status == 401
    assert anyone("POST", "/serving-endpoints/anthropic/invocations", {}, headers=headers).status == 401


def test_each_event_has_a_name_and_its_data_the_same_type(api: Api) -> None:
    events = api.ok("POST", PATH, {**ASKED, "stream": True}).strip().split("\n\n")
    for each in events:
        name, data = each.split("\n")
        assert data.startswith(f'data: {{"type":"{name.removeprefix("event: ")}"')
    assert [each.split("\n")[0].removeprefix("event: ") for each in events] == [
        "message_start", "content_block_start", "ping", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop",
    ]  # fmt: skip


def test_the_same_message_gets_the_same_bytes(api: Api) -> None:
    assert api.ok("POST", PATH, ASKED) == api.ok("POST", PATH, ASKED)


def test_several_results_answer_several_uses(api: Api) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    tools = [{"name": name, "input_schema": {**schema, "required": ["a", "b"]}} for name in ("add", "multiply")]
    question = {"role": "user", "content": "Call add and multiply on 2 and 3"}
    used = api.ok("POST", PATH, {**ASKED, "messages": [question], "tools": tools})
    assert [block["name"] for block in used["content"]] == ["add", "multiply"]
    results = [{"type": "tool_result", "tool_use_id": block["id"], "content": "6"} for block in used["content"]]
    turns = [question, {"role": "assistant", "content": used["content"]}, {"role": "user", "content": results}]
    answer = api.ok("POST", PATH, {**ASKED, "messages": turns, "tools": tools})
    assert answer["content"][0]["text"] == "add answered: 6 multiply answered: 6"
    one = {"type": "auto", "disable_parallel_tool_use": True}
    alone = api.ok("POST", PATH, {**ASKED, "messages": [question], "tools": tools, "tool_choice": one})
    assert len(alone["content"]) == 1


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="}, "PDF document"),
        ({"type": "text", "media_type": "text/plain", "data": "Say aye"}, "aye"),
        ({"type": "content", "content": [{"type": "text", "text": "Say aye"}]}, "aye"),
        ({"type": "url", "url": "https://example.com/a.pdf"}, "an uploaded file"),
    ],
)
def test_documents_are_read_or_described(api: Api, source: dict[str, Any], seen: str) -> None:
    answer = api.ok("POST", PATH, user({"type": "document", "source": source}))
    assert seen in answer["content"][0]["text"]


@pytest.mark.parametrize(
    "body",
    [
        {**ASKED, "max_tokens": None},
        {**ASKED, "max_tokens": "many"},
        {**ASKED, "messages": [{"role": "tool", "content": "x"}]},
        {**ASKED, "messages": [{"role": "user", "content": ""}]},
        {**ASKED, "temperature": 2},
        user({"type": "text", "text": ""}),
        user({"text": "no type"}),
        user({"type": "tool_result", "tool_use_id": "toolu_0", "content": "to nothing"}),
        {**ASKED, "tools": [{"name": 1}]},
    ],
)
def test_what_anthropic_refuses_is_a_400(api: Api, body: dict[str, Any]) -> None:
    assert api("POST", PATH, body).error == (400, "BAD_REQUEST")


def test_only_claude_speaks_it(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None], openai_model: Callable[..., dict[str, Any]]
) -> None:
    put_key("sk-good")
    serve(openai_model())
    assert api("POST", PATH, {**ASKED, "model": "chat"}).error == (400, "BAD_REQUEST")
    anthropic = {"provider": "anthropic", "name": "claude-sonnet-4"}
    serve({**anthropic, "anthropic_config": {"anthropic_api_key": "{{secrets/s/k}}"}}, name="claude")
    answer = api.ok("POST", PATH, {**ASKED, "model": "claude"})  # passes as it is: no vendor's client is needed
    assert (answer["type"], answer["model"]) == ("message", "claude-sonnet-4")
