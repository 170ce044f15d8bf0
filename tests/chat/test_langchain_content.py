"""What is more than text, through `ChatDatabricks` and back: files, reasoning, cached prompts, probabilities."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from chat import ChatDatabricks, errors
from chat.errors import ChatWarning
from chat.langchain.outgoing import to_wire

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("endpoint")

CLAUDE = "databricks-claude-sonnet-4"
THINKING = {"type": "enabled", "budget_tokens": 1024}
QUESTION = HumanMessage("What is 12 times 12?")
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type /Page>>endobj\n%%EOF\n").decode()
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + (7).to_bytes(4) + (5).to_bytes(4)).decode()
FILES = {
    "pdf": ({"type": "file", "mime_type": "application/pdf", "base64": PDF}, "PDF document"),
    "named pdf": (
        {"type": "file", "mime_type": "application/pdf", "base64": PDF, "extras": {"filename": "a.pdf"}},
        'named "a.pdf"',
    ),
    "audio": ({"type": "audio", "mime_type": "audio/wav", "base64": "UklGRg=="}, "WAV recording"),
    "image": ({"type": "image", "mime_type": "image/png", "base64": PNG}, "PNG image (7x5 pixels"),
    "image url": ({"type": "image", "url": "https://pictures.example.com/a.png"}, "image at pictures.example.com"),
    "openai image": ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}, "PNG image"),
    "openai audio": ({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}, "WAV recording"),
    "openai file": (
        {"type": "file", "file": {"filename": "b.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        'named "b.pdf"',
    ),
    "anthropic image": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        "PNG image",
    ),
}


async def invoked(model: ChatDatabricks, messages: list[BaseMessage]) -> AIMessage:
    return model.invoke(messages)


async def ainvoked(model: ChatDatabricks, messages: list[BaseMessage]) -> AIMessage:
    return await model.ainvoke(messages)


async def streamed(model: ChatDatabricks, messages: list[BaseMessage]) -> AIMessage:
    first, *rest = model.stream(messages)
    return sum(rest, first)


async def astreamed(model: ChatDatabricks, messages: list[BaseMessage]) -> AIMessage:
    first, *rest = [chunk async for chunk in model.astream(messages)]
    return sum(rest, first)


WAYS = [invoked, ainvoked, streamed, astreamed]
each_way = pytest.mark.parametrize("ask", WAYS, ids=lambda way: way.__name__)


@pytest.mark.parametrize(("part", "seen"), FILES.values(), ids=FILES)
def test_a_file_is_seen_by_the_model(part: Any, seen: str) -> None:  # noqa: ANN401 - a content block
    question = HumanMessage([{"type": "text", "text": "What is this?"}, part])
    assert seen in ChatDatabricks(endpoint="my-chat").invoke([question]).text


@each_way
@pytest.mark.parametrize("version", ["v0", "v1"])
async def test_reasoning_comes_as_a_block_and_goes_back_with_its_signature(
    ask: Callable[..., Any], version: str
) -> None:
    model = ChatDatabricks(endpoint=CLAUDE, max_tokens=2048, thinking=THINKING, output_version=version)
    answer = await ask(model, [QUESTION])
    reasoning, text = answer.content_blocks
    assert (reasoning["type"], text["type"]) == ("reasoning", "text")
    assert "12 times 12" in reasoning["reasoning"]
    assert reasoning["extras"]["signature"]
    assert answer.text == text["text"] == "12 * 12 = 144"
    assert await ask(model, [QUESTION, answer, HumanMessage("Thanks")])  # a lost signature would be refused
    assert answer.usage_metadata["output_tokens"] > len(answer.text.split())


def test_the_local_claude_refuses_reasoning_that_was_tampered_with() -> None:
    model = ChatDatabricks(endpoint=CLAUDE, max_tokens=2048, thinking=THINKING)
    answer = model.invoke([QUESTION])
    sent = to_wire([answer])[0]
    sent["content"][0]["summary"][0]["text"] += "!"  # type: ignore[index]
    with pytest.raises(errors.BadRequestError, match=r"messages\.1\.content\.0: Invalid `signature`"):
        model.client.invoke([{"role": "user", "content": "hi"}, sent, {"role": "user", "content": "go on"}])


@each_way
async def test_reasoning_without_a_signature(ask: Callable[..., Any]) -> None:
    model = ChatDatabricks(endpoint="databricks-gpt-oss-120b", reasoning_effort="low")
    answer = await ask(model, [QUESTION])
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
    assert (await ask(model, [QUESTION, answer, QUESTION])).text == "12 * 12 = 144"


def test_reasoning_comes_before_a_tool_call() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    model = ChatDatabricks(endpoint=CLAUDE, max_tokens=2048, thinking=THINKING).bind_tools([tool], tool_choice="f")
    first, *rest = model.stream([QUESTION])
    for answer in (model.invoke([QUESTION]), sum(rest, first)):
        assert [block["type"] for block in answer.content_blocks] == ["reasoning", "tool_call"]
        sent = to_wire([answer])[0]
        assert [block["type"] for block in sent["content"]] == ["reasoning"]  # type: ignore[attr-defined]
        assert len(sent["tool_calls"]) == 1  # type: ignore[arg-type]


def test_another_model_is_asked_without_the_reasoning_that_it_refuses() -> None:
    answer = ChatDatabricks(endpoint=CLAUDE, max_tokens=2048, thinking=THINKING).invoke([QUESTION])
    with pytest.warns(ChatWarning, match="refuses reasoning"):
        assert ChatDatabricks(endpoint="my-chat").invoke([QUESTION, answer, QUESTION]).text


@each_way
async def test_what_a_prompt_cache_kept_is_counted_once(ask: Callable[..., Any]) -> None:
    model = ChatDatabricks(endpoint=CLAUDE)
    manual = {"type": "text", "text": "An endpoint answers. " * 500, "cache_control": {"type": "ephemeral"}}
    system = SystemMessage([manual])
    first = await ask(model, [system, QUESTION])
    second = await ask(model, [system, QUESTION, first, QUESTION])
    kept = first.usage_metadata["input_token_details"]["cache_creation"]
    assert kept >= 1024
    assert second.usage_metadata["input_token_details"] == {**_other(second), "cache_read": kept, "cache_creation": 0}
    for answer in (first, second):  # as LangChain counts, the cached tokens are a part of the input's
        usage = answer.usage_metadata
        assert usage["input_tokens"] > kept
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def _other(message: AIMessage) -> dict[str, Any]:
    assert message.usage_metadata is not None
    return {**message.usage_metadata["input_token_details"]}


@each_way
async def test_log_probabilities_come_with_every_token(ask: Callable[..., Any]) -> None:
    model = ChatDatabricks(endpoint="my-chat", logprobs=True, top_logprobs=2, max_tokens=5)
    answer = await ask(model, [QUESTION])
    listed = answer.response_metadata["logprobs"]["content"]
    assert "".join(each["token"] for each in listed) == answer.text
    assert all(len(each["top_logprobs"]) == 2 for each in listed)
