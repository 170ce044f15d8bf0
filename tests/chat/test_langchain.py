"""What LangChain's own suite does not ask of `ChatDatabricks`."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from databricks.sdk import WorkspaceClient
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelNotFoundError,
    ModelRateLimitError,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import ValidationError

from chat import ChatClient, ChatDatabricks, Chunk, Endpoint, errors, mlflow_resources
from chat.langchain.incoming import ChunkWriter
from chat.langchain.outgoing import to_wire
from tests.chat.faces import TOKEN, Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.local import WorkspaceHandle
    from tests.chat.scripted import ScriptedServer

COUNTS = {"prompt_tokens": 30, "completion_tokens": 3, "total_tokens": 33}


def answer(content: object = "hello", **message: object) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **message}
    return {"id": "1", "model": "gpt-x", "choices": [{"message": said, "finish_reason": "stop"}], "usage": COUNTS}


def delta(content: object, finish: str | None = None, **more: object) -> dict[str, Any]:
    return {"model": "gpt-x", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}], **more}


def model(server: ScriptedServer, **options: object) -> ChatDatabricks:
    return ChatDatabricks(endpoint="my-chat", host=server.host, token="dapi-stand-in", max_retries=0, **options)


def unhurried(server: ScriptedServer, **options: object) -> ChatDatabricks:
    """A model that retries on a clock on which nobody waits."""
    clock, chat = Clock(), ChatDatabricks(endpoint="my-chat", **options)
    chat._client = ChatClient("my-chat", host=server.host, token=TOKEN, clock=clock, sleep=clock.sleep)
    return chat


def add(x: int, y: int) -> int:
    """Add two numbers."""
    return x + y


def test_an_unknown_constructor_argument_is_an_error() -> None:
    with pytest.raises(ValidationError, match="base_url"):
        ChatDatabricks(endpoint="x", base_url="http://elsewhere")  # type: ignore[call-arg]


def test_its_arguments_become_fields_of_the_body(scripted: ScriptedServer) -> None:
    scripted.reply(answer())
    chat = model(scripted, temperature=0.1, max_tokens=256, stop=["a"], extra_params={"top_k": 3})
    chat.invoke([("system", "Be brief."), ("user", "hi")], stop=["b"])
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    expected = {"messages": messages, "temperature": 0.1, "max_tokens": 256, "stop": ["b"], "top_k": 3}
    assert scripted.bodies == [expected]


def test_usage_is_in_both_metadata(scripted: ScriptedServer) -> None:
    scripted.reply(answer())
    message = model(scripted).invoke("hi")
    assert message.usage_metadata == {"input_tokens": 30, "output_tokens": 3, "total_tokens": 33}
    assert {name: message.response_metadata[name] for name in COUNTS} == COUNTS
    assert message.response_metadata["model_name"] == "gpt-x"


def test_cumulative_usage_of_a_stream_is_counted_once(scripted: ScriptedServer) -> None:
    scripted.stream(delta("a", usage=COUNTS), delta("b", usage=COUNTS), delta("", "stop", usage=COUNTS))
    chunks = list(model(scripted).stream("hi"))
    whole = sum(chunks[1:], chunks[0])
    assert isinstance(whole, AIMessageChunk)
    assert whole.usage_metadata == {"input_tokens": 30, "output_tokens": 3, "total_tokens": 33}
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.response_metadata["model_name"] == "gpt-x"


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        (True, "required"),
        ("add", {"type": "function", "function": {"name": "add"}}),
        ({"type": "function", "function": {"name": "add"}}, {"type": "function", "function": {"name": "add"}}),
    ],
)
def test_each_way_to_choose_a_tool(scripted: ScriptedServer, choice: object, written: object) -> None:
    scripted.reply(answer())
    model(scripted).bind_tools([add], tool_choice=choice).invoke("hi")
    assert scripted.bodies[0]["tool_choice"] == written


@pytest.mark.parametrize("choice", ["multiply", {"type": "function", "function": {"name": "multiply"}}])
def test_a_tool_that_is_not_there_cannot_be_chosen(choice: object) -> None:
    with pytest.raises(ValueError, match="multiply"):
        ChatDatabricks(endpoint="x").bind_tools([add], tool_choice=choice)


def test_a_tool_without_parameters_gets_empty_ones(scripted: ScriptedServer) -> None:
    scripted.reply(answer())
    model(scripted).bind_tools([{"type": "function", "function": {"name": "f"}}], strict=True).invoke("hi")
    assert scripted.bodies[0]["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}  # type: ignore[index]


def test_arguments_that_are_no_json_are_kept_as_an_invalid_call_and_sent_back(scripted: ScriptedServer) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": "{x: 1"}}
    scripted.reply(answer(None, tool_calls=[call]))
    message = model(scripted).invoke("hi")
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == "{x: 1"
    assert to_wire([message])[0]["tool_calls"] == [call]


def block(text: str, signature: str | None = None) -> dict[str, Any]:
    part = {"type": "summary_text", "text": text} | ({"signature": signature} if signature else {})
    return {"type": "reasoning", "summary": [part]}


def test_reasoning_round_trips_with_its_signature(scripted: ScriptedServer) -> None:
    content = [block("I think", "s1"), {"type": "text", "text": "yes"}]
    scripted.reply(answer(content))
    message = model(scripted).invoke("hi")
    assert message.text == "yes"
    assert message.content_blocks[0]["type"] == "reasoning"
    assert to_wire([message])[0]["content"] == content


def test_streamed_reasoning_round_trips_with_its_signature(scripted: ScriptedServer) -> None:
    scripted.stream(delta([block("I ")]), delta([block("think", "s1")]), delta("y"), delta("es", "stop"))
    chunks = list(model(scripted).stream("hi"))
    whole = sum(chunks[1:], chunks[0])
    assert whole.text == "yes"
    sent = to_wire([AIMessage(content=whole.content)])[0]["content"]
    assert sent == [block("I think", "s1"), {"type": "text", "text": "yes"}]


def test_reasoning_beside_the_content_is_shown_as_reasoning(scripted: ScriptedServer) -> None:
    scripted.reply(answer("yes", reasoning_content="I think"))
    message = model(scripted).invoke("hi")
    assert [each["type"] for each in message.content_blocks] == ["reasoning", "text"]


def test_an_empty_text_next_to_tool_calls_is_sent_as_null() -> None:
    call = {"name": "add", "args": {"x": 1}, "id": "1", "type": "tool_call"}
    sent = to_wire([AIMessage("", tool_calls=[call]), ToolMessage("2", tool_call_id="1")])
    assert sent[0]["content"] is None
    assert sent[1] == {"role": "tool", "content": "2", "tool_call_id": "1"}


def test_cache_marks_reach_the_wire() -> None:
    mark = {"type": "ephemeral"}
    sent = to_wire([SystemMessage([{"type": "text", "text": "long", "cache_control": mark}])])
    assert sent == [{"role": "system", "content": [{"type": "text", "text": "long", "cache_control": mark}]}]


def test_standard_blocks_are_written_as_the_api_has_them() -> None:
    parts = [
        {"type": "image", "base64": "AA==", "mime_type": "image/png"},
        {"type": "audio", "base64": "AA==", "mime_type": "audio/wav"},
        {"type": "file", "base64": "AA==", "mime_type": "application/pdf"},
    ]
    sent = to_wire([HumanMessage(content_blocks=parts)])[0]["content"]  # type: ignore[arg-type]
    assert [part["type"] for part in sent] == ["image_url", "input_audio", "file"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "body", "ours", "langchains"),
    [
        (401, {"error_code": 401, "message": "m"}, errors.UnauthenticatedError, ModelAuthenticationError),
        (404, {"error_code": "X", "message": "m"}, errors.NotFoundError, ModelNotFoundError),
        (429, {"error_code": "X", "message": "m"}, errors.RateLimitedError, ModelRateLimitError),
        (500, {"error_code": "X", "message": "m"}, errors.ServerError, ModelAPIError),
        (400, {"error": {"code": "context_length_exceeded"}}, errors.ContextTooLongError, ContextOverflowError),
    ],
)
async def test_an_error_is_ours_and_langchains(
    scripted: ScriptedServer, status: int, body: object, ours: type[Exception], langchains: type[Exception]
) -> None:
    scripted.reply(body, status=status)
    with pytest.raises(ours) as caught:
        await model(scripted).ainvoke("hi")
    assert isinstance(caught.value, langchains)
    assert caught.value.status == status  # type: ignore[attr-defined]


def test_a_cut_stream_keeps_what_had_come(scripted: ScriptedServer) -> None:
    scripted.stream(delta("part"), None, done=False)
    with pytest.raises(errors.StreamCutError) as caught:
        list(model(scripted).stream("hi"))
    assert isinstance(caught.value, ModelConnectionError)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "part"


def test_a_piece_of_text_is_as_if_it_had_been_constructed() -> None:
    for content in ("a", [{"type": "text", "text": "x", "index": 0}]):
        constructed = ChatGenerationChunk(message=AIMessageChunk(content=content))
        piece = ChunkWriter().write(Chunk(text=content) if isinstance(content, str) else Chunk(content=tuple(content)))
        assert piece is not None
        assert piece == constructed
        assert piece.model_dump() == constructed.model_dump()
        assert piece.message.model_fields_set == constructed.message.model_fields_set
        assert (piece.text, type(piece.text)) == (constructed.text, type(constructed.text))


def test_pieces_share_nothing_that_can_be_changed() -> None:
    writer = ChunkWriter()
    one, other = writer.write(Chunk(text="a")), writer.write(Chunk(text="b"))
    assert one is not None
    assert other is not None
    held = [
        {id(each) for each in vars(piece.message).values() if isinstance(each, (list, dict))} for piece in (one, other)
    ]
    assert held[0].isdisjoint(held[1])


def test_a_model_can_be_pickled_after_use(scripted: ScriptedServer) -> None:
    scripted.reply(answer())
    chat = model(scripted)
    chat.invoke("hi")
    assert pickle.loads(pickle.dumps(chat)).invoke("hi").content == "hello"  # noqa: S301 - our own bytes


def test_a_client_of_the_sdk_says_which_workspace_and_as_whom(
    workspace: WorkspaceHandle, create_external: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    create_external(workspace, "my-chat")
    monkeypatch.delenv("DATABRICKS_HOST")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    client = WorkspaceClient(host=workspace.host, token=workspace.token)
    chat = ChatDatabricks(endpoint="my-chat", workspace_client=client)
    assert chat.invoke("hi").content
    assert "workspace_client" not in repr(chat)


async def test_closing_closes_both_clients(scripted: ScriptedServer) -> None:
    scripted.reply(answer())
    async with model(scripted) as chat:
        chat.invoke("hi")
        await chat.ainvoke("hi")
        assert scripted.connections == 2
    with chat:  # and a closed model opens what it needs
        assert chat.invoke("hi").content == "hello"
    assert scripted.connections == 3


def test_waiting_for_what_is_not_there_is_langchains_error_too(workspace: WorkspaceHandle) -> None:
    with pytest.raises(errors.EndpointMissingError) as caught:
        ChatDatabricks(endpoint=f"not-in-{workspace.host[-4:]}").wait_until_ready(1)
    assert isinstance(caught.value, ModelNotFoundError)


def test_tokens_are_estimated_without_a_download() -> None:
    chat = ChatDatabricks(endpoint="x")
    assert chat.get_num_tokens("four" * 4) == 4
    assert chat.get_num_tokens_from_messages([HumanMessage("hi")]) > 0


def test_the_token_is_in_no_repr() -> None:
    assert "dapi-secret" not in repr(ChatDatabricks(endpoint="x", token="dapi-secret"))  # type: ignore[arg-type]


def test_importing_and_calling_it_loads_no_asynchronous_http(scripted: ScriptedServer) -> None:
    scripted.reply(answer())
    program = (
        "import sys; from chat import ChatDatabricks\n"
        f"ChatDatabricks(endpoint='e', host={scripted.host!r}, token='t').invoke('hi')\n"
        "print([name for name in ('aiohttp', 'mlflow', 'openai', 'databricks') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_broken_stream_is_resumed_if_the_model_or_the_call_says_so(scripted: ScriptedServer) -> None:
    broken, rest = (delta("one "), None), (delta("two", "stop"),)
    scripted.stream(*broken).stream(*rest).stream(*broken).stream(*rest).stream(*broken)
    careful, plain = unhurried(scripted, resume=True), unhurried(scripted, streaming=True)
    assert "".join(chunk.text for chunk in careful.stream("hi")) == "one two"
    message = plain.invoke("hi", resume=True)
    assert (message.text, message.response_metadata["resumed"][0]["after"]) == ("one two", 4)
    with pytest.raises(errors.StreamCutError):
        list(careful.stream("hi", resume=False))
    assert all("resume" not in body for body in scripted.bodies)


def test_an_endpoint_may_be_elsewhere_and_its_token_shows_nowhere(scripted: ScriptedServer) -> None:
    scripted.reply({"error_code": "TEMPORARILY_UNAVAILABLE"}, status=503).reply(answer())
    away = Endpoint("there", host=scripted.host, token="dapi-of-another-workspace")
    chat = ChatDatabricks(endpoint=["here", away], host=scripted.host, token="dapi-stand-in", max_retries=0)
    assert chat.invoke("hi").response_metadata["endpoint"] == "there"
    assert [headers["authorization"] for _, headers, _ in scripted.requests][1] == "Bearer dapi-of-another-workspace"
    assert (chat.model, chat.model_dump()["endpoint"]) == ("here", ["here", "there"])
    told = [repr(chat), str(chat.model_dump()), chat.model_dump_json(), str(chat._identifying_params), str(dumpd(chat))]
    assert "dapi-of-another-workspace" not in "".join(told)
    assert [each.name for each in mlflow_resources(chat)] == ["here", "there"]
    assert pickle.loads(pickle.dumps(chat)).invoke("hi", endpoint=away).text == "hello"  # noqa: S301 - our own


def test_traces_are_told_what_langchains_own_slower_way_tells() -> None:
    model = ChatDatabricks(endpoint="e", temperature=0.1, max_tokens=5, stop="x")
    told = BaseChatModel._get_invocation_params(model, stop=["y"], top_p=0.5)
    assert model._get_invocation_params(stop=["y"], top_p=0.5) == told
    for call in ({}, {"temperature": 0.2, "max_tokens": 7}, {"model": "other"}):
        told = BaseChatModel._get_ls_params(model, stop=["y"], **call)
        assert model._get_ls_params(stop=["y"], **call) == {**told, "ls_provider": "databricks"}


SPOKEN = {"audio": {"id": "a1", "data": "QUJD", "transcript": "hello"}, "annotations": [{"url": "u"}, {"url": "v"}]}
CALLED = {"function_call": {"name": "f", "arguments": '{"a": 1}'}}


def test_what_has_no_place_in_a_message_is_kept_beside_it(scripted: ScriptedServer) -> None:
    scripted.reply({"choices": [{"message": {"content": None, "role": "assistant", **SPOKEN, **CALLED}}]})
    with ChatDatabricks(endpoint="e", host=scripted.host, token=TOKEN) as model:
        assert model.invoke("hi").additional_kwargs == {**SPOKEN, **CALLED}


def test_what_is_kept_beside_a_message_grows_with_its_stream(scripted: ScriptedServer) -> None:
    scripted.stream(
        {
            "choices": [
                {"delta": {"audio": {"id": "a1", "data": "QU"}, "function_call": {"name": "f", "arguments": "{"}}}
            ]
        },
        {"choices": [{"delta": {"audio": {"id": "a1", "data": "JD", "transcript": "hello"}, "annotations": []}}]},
        {"choices": [{"delta": {"annotations": [{"url": "u"}], "function_call": {"arguments": '"a": 1}'}}}]},
        {"choices": [{"delta": {"annotations": [{"url": "v"}]}, "finish_reason": "stop"}]},
    )
    with ChatDatabricks(endpoint="e", host=scripted.host, token=TOKEN) as model:
        chunks = list(model.stream("hi"))
    assert sum(chunks[1:], chunks[0]).additional_kwargs == {**SPOKEN, **CALLED}
