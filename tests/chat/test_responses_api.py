"""The Responses API: the same prompts, tools and answers, put another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from pydantic import BaseModel

from chat import ChatClient, ChatDatabricks, Usage, errors
from chat.langchain.outgoing import to_wire
from chat.wire.responses import responses_body

if TYPE_CHECKING:
    from local_workspace.local import WorkspaceHandle
    from tests.chat.scripted import ScriptedServer

TOKEN = "dapi-stand-in-token"


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


def add(x: int, y: int) -> int:
    """Add two numbers."""
    return x + y


def joined(chunks: Any) -> AIMessageChunk:  # noqa: ANN401 - any iterable of chunks
    first, *rest = chunks
    whole = sum(rest, first)
    assert isinstance(whole, AIMessageChunk)
    return whole


@pytest.fixture
def model(endpoint: str) -> ChatDatabricks:
    return ChatDatabricks(endpoint=endpoint, use_responses_api=True, max_tokens=200)


def test_a_question_is_answered_and_counted(model: ChatDatabricks, workspace: WorkspaceHandle) -> None:
    message = model.invoke([("system", "Be brief."), ("user", "What is MLflow?")])
    assert message.text
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] > 0
    assert message.response_metadata["finish_reason"] == "stop"
    asked = workspace.requests[-1]
    assert asked.path == "/serving-endpoints/responses"
    assert asked.body["model"] == "my-chat"
    assert asked.body["max_output_tokens"] == 200


def test_a_stream_says_what_the_whole_answer_says(model: ChatDatabricks) -> None:
    whole, streamed = model.invoke("What is MLflow?"), joined(model.stream("What is MLflow?"))
    assert streamed.text == whole.text
    assert streamed.usage_metadata == whole.usage_metadata
    assert streamed.response_metadata["model_name"] == whole.response_metadata["model_name"]


def test_an_answer_cut_at_its_longest_says_so(model: ChatDatabricks) -> None:
    assert model.invoke("What is MLflow?", max_tokens=16).response_metadata["finish_reason"] == "length"
    cut = joined(model.stream("What is MLflow?", max_tokens=16))
    assert cut.response_metadata["finish_reason"] == "length"


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_tool_is_called_and_its_result_goes_back(model: ChatDatabricks, way: str) -> None:
    question = HumanMessage("Add 3 and 4, please.")
    with_tools = model.bind_tools([add], tool_choice="add")
    asked = with_tools.invoke([question]) if way == "invoke" else joined(with_tools.stream([question]))
    assert [(call["name"], call["args"]) for call in asked.tool_calls] == [("add", {"x": 3, "y": 4})]
    assert asked.response_metadata["finish_reason"] == "tool_calls"
    result = ToolMessage("7", tool_call_id=asked.tool_calls[0]["id"])
    assert "7" in model.bind_tools([add]).invoke([question, asked, result]).text


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_structured_output(model: ChatDatabricks, method: Any) -> None:  # noqa: ANN401 - a literal
    assert isinstance(model.with_structured_output(Joke, method=method).invoke("Tell me a joke about cats"), Joke)


async def test_it_answers_asynchronously(model: ChatDatabricks) -> None:
    assert (await model.ainvoke("What is MLflow?")).text
    assert joined([chunk async for chunk in model.astream("What is MLflow?")]).text


def client(server: ScriptedServer) -> ChatClient:
    return ChatClient("agent", host=server.host, token=TOKEN, use_responses_api=True, max_retries=0)


REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "I think"}],
    "encrypted_content": "sealed",
}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes", "annotations": []}]}


def test_reasoning_goes_back_as_the_item_it_came_as(scripted: ScriptedServer) -> None:
    scripted.reply({"id": "r", "status": "completed", "output": [REASONING, SAID]})
    with client(scripted) as asked:
        answer = asked.invoke("hi")
        asked.invoke(["hi", answer, "go on"])
    assert (answer.text, answer.reasoning) == ("yes", "I think")
    assert scripted.bodies[1]["input"][1:3] == [REASONING, SAID]  # type: ignore[index]


def test_streamed_reasoning_goes_back_with_its_seal(scripted: ScriptedServer) -> None:
    scripted.stream(
        {"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "delta": "I "},
        {"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "delta": "think"},
        {"type": "response.output_item.done", "output_index": 0, "item": REASONING},
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "yes"},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "usage": {"input_tokens": 2}}},
        done=False,
    )
    model = ChatDatabricks(endpoint="agent", host=scripted.host, token=TOKEN, use_responses_api=True)  # type: ignore[arg-type]  # as a user writes it
    whole = joined(model.stream("hi"))
    assert whole.text == "yes"
    sent = responses_body("agent", {"messages": to_wire([whole])})
    assert sent["input"] == [REASONING, SAID]


def test_an_agent_that_sends_whole_items_streams_them(scripted: ScriptedServer) -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"x": 1}'}
    scripted.stream(
        {"type": "response.output_item.done", "item": {**SAID, "id": "m1"}, "custom_outputs": {"k": 1}},
        {"type": "response.output_item.done", "output_index": 1, "item": {**call, "id": "f1"}},
    )
    with client(scripted) as asked:
        stream = asked.stream("hi", custom_inputs={"a": 1})
        assert "".join(map(str, stream)) == "yes"
    assert stream.answer is not None
    assert [each.arguments for each in stream.answer.tool_calls] == ['{"x": 1}']
    assert stream.answer.metadata["custom_outputs"] == {"k": 1}
    assert scripted.bodies[0]["custom_inputs"] == {"a": 1}


PART = {"type": "response.output_text.delta", "item_id": "m", "delta": "part"}
FAILED = {
    "type": "response.failed",
    "response": {"status": "failed", "error": {"code": "server_error", "message": "no"}},
}


@pytest.mark.parametrize("last", [FAILED, {"type": "error", "code": "server_error", "message": "no"}])
def test_a_response_that_fails_is_an_error_with_what_had_come(scripted: ScriptedServer, last: dict[str, Any]) -> None:
    scripted.stream(PART, last, done=False)
    with client(scripted) as asked, pytest.raises(errors.StreamFailedError, match="no") as caught:
        list(asked.stream("hi"))
    assert caught.value.partial is not None
    assert caught.value.partial.text == "part"


def test_a_response_that_breaks_off_is_an_error(scripted: ScriptedServer) -> None:
    scripted.stream(PART, done=False)
    with client(scripted) as asked, pytest.raises(errors.StreamCutError):
        list(asked.stream("hi"))


def test_a_failed_response_is_an_error(scripted: ScriptedServer) -> None:
    scripted.reply(FAILED["response"])
    with client(scripted) as asked, pytest.raises(errors.ServerError, match="no"):
        asked.invoke("hi")


def test_cached_tokens_are_part_of_the_input(scripted: ScriptedServer) -> None:
    counts = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 1, "total_tokens": 10}
    scripted.reply({"output": [SAID], "usage": counts})
    with client(scripted) as asked:
        assert asked.invoke("hi").usage == Usage(9, 1, 10, cache_read_tokens=4)


def test_each_part_of_a_message_has_its_counterpart() -> None:
    parts = [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
    ]
    messages = [{"role": "user", "content": parts}, {"role": "tool", "tool_call_id": "c", "content": "7"}]
    body = {"messages": messages, "logprobs": True, "top_logprobs": 2, "reasoning_effort": "low", "stop": ["x"]}
    written = responses_body("e", body)
    assert written["input"] == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "what is it?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
            ],
        },
        {"type": "function_call_output", "call_id": "c", "output": "7"},
    ]
    assert written["include"] == ["message.output_text.logprobs"]
    assert (written["top_logprobs"], written["reasoning"], written["stop"]) == (2, {"effort": "low"}, ["x"])
