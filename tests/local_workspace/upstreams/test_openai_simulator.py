"""OpenAI's own client works against the simulator, which is as strict as the real API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import openai
import pydantic
import pytest
import pytest_asyncio

from local_workspace.upstreams.simulators.openai import create_app
from local_workspace.upstreams.simulators.server import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    },
}


@pytest_asyncio.fixture
async def base() -> AsyncIterator[str]:
    server = LoopbackServer(create_app(now=lambda: 1_800_000_000.0))
    yield await server.start()
    await server.stop()


@pytest_asyncio.fixture
async def client(base: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="sk-good", max_retries=0) as opened:
        yield opened


async def test_chat(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert answer.choices[0].message.content == "hello"
    assert answer.created == 1_800_000_000


async def test_a_stream_with_usage(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "hello"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None


async def test_tools_and_structured_output(client: openai.AsyncOpenAI) -> None:
    class Joke(pydantic.BaseModel):
        setup: str
        rating: int

    called = await client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": "add 5"}],
        tools=[TOOL],  # type: ignore[list-item] # a literal
    )
    assert called.choices[0].message.tool_calls
    assert called.choices[0].message.tool_calls[0].function.arguments == '{"a": 5}'
    parsed = await client.chat.completions.parse(
        model="gpt-4o", messages=[{"role": "user", "content": "A joke with rating 4"}], response_format=Joke
    )
    assert parsed.choices[0].message.parsed is not None
    assert parsed.choices[0].message.parsed.rating == 4


async def test_responses_plain_streamed_and_with_tools(client: openai.AsyncOpenAI) -> None:
    assert (await client.responses.create(model="gpt-4o", input="Say hello")).output_text == "hello"
    async with client.responses.stream(model="gpt-4o", input="count to 3") as stream:
        kinds = [event.type async for event in stream]
        assert (await stream.get_final_response()).output_text == "1, 2, 3"
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    tool: Any = {"type": "function", **TOOL["function"]}
    called = await client.responses.create(model="gpt-4o", input="add 5", tools=[tool])
    assert called.output[0].type == "function_call"
    result: Any = {"type": "function_call_output", "call_id": called.output[0].call_id, "output": "five"}
    turns: Any = [{"role": "user", "content": "add 5"}, called.output[0].model_dump(), result]
    assert (
        await client.responses.create(model="gpt-4o", input=turns, tools=[tool])
    ).output_text == "add answered: five"
    short = await client.responses.create(model="gpt-4o", input="count to 100", max_output_tokens=16)
    assert short.status == "incomplete"


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_embeddings(client: openai.AsyncOpenAI, encoding: Literal["float", "base64"]) -> None:
    answer = await client.embeddings.create(
        model="text-embedding-3-small", input=["a cat", "a dog"], dimensions=64, encoding_format=encoding
    )
    default = await client.embeddings.create(model="text-embedding-3-small", input=["a cat"], dimensions=64)
    assert [len(each.embedding) for each in answer.data] == [64, 64] or encoding == "base64"
    assert default.data[0].embedding == pytest.approx(
        (await client.embeddings.create(model="m", input="a cat", dimensions=64, encoding_format="float"))
        .data[0]
        .embedding,
        abs=1e-6,
    )


async def test_legacy_completions_and_models(client: openai.AsyncOpenAI) -> None:
    answer = await client.completions.create(model="m", prompt=["count to 3", "Say hi"], max_tokens=50, logprobs=1)
    assert [choice.text for choice in answer.choices] == ["1, 2, 3", "hi"]
    stream = await client.completions.create(model="m", prompt="count to 3", stream=True)
    assert "".join([chunk.choices[0].text async for chunk in stream]) == "1, 2, 3"
    assert "gpt-4o" in [model.id async for model in client.models.list()]


async def test_azures_dialect(base: str) -> None:
    async with openai.AsyncAzureOpenAI(azure_endpoint=base, api_key="sk-a", api_version="2024-10-21") as azure:
        answer = await azure.chat.completions.create(model="deployed", messages=HELLO)
        assert answer.model == "deployed"
        refused = azure.with_options(api_key="sk-invalid-a", max_retries=0)
        with pytest.raises(openai.AuthenticationError):
            await refused.chat.completions.create(model="deployed", messages=HELLO)


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"foo": 1}, "unknown_parameter", "Unknown parameter: 'foo'."),
        (
            {"temperature": "hot"},
            "invalid_type",
            "Invalid type for 'temperature': expected a decimal, but got a string instead.",
        ),
        ({"temperature": 3}, "decimal_above_max_value", "Expected a value <= 2, but got 3 instead."),
        ({"n": 0}, "integer_below_min_value", "Expected a value >= 1, but got 0 instead."),
        ({"n": True}, "invalid_type", "expected an integer, but got a boolean instead."),
        ({"messages": []}, "empty_array", "Invalid 'messages': empty array."),
        (
            {"messages": [{"role": "robot"}]},
            "invalid_value",
            "Invalid value: 'robot'. Supported values are: 'system', ",
        ),
        ({"messages": [{"content": "x"}]}, "missing_required_parameter", "'messages[0].role'"),
        ({"stop": ["a"] * 5}, "array_above_max_length", "maximum length 4, but got an array with length 5"),
        ({"top_logprobs": 2}, None, "only allowed when 'logprobs' is enabled"),
        ({"tool_choice": "auto"}, None, "only allowed when 'tools' are specified"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "invalid_parameter_combination", "at the same time"),
        ({"response_format": {"type": "json_object"}}, None, "must contain the word 'json'"),
        ({"response_format": {"type": "json_schema"}}, "missing_required_parameter", "response_format.json_schema"),
        (
            {"messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]},
            None,
            "must be a response to a preceeding",
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "no"}}}, None, "'no' not found"),
    ],
)
async def test_a_wrong_field_is_refused_in_openais_words(
    client: openai.AsyncOpenAI, fields: dict[str, Any], code: str | None, message: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="gpt-4o", messages=HELLO, extra_body=fields)
    assert refused.value.code == code
    assert message in refused.value.message


async def test_unanswered_tool_calls_are_refused(client: openai.AsyncOpenAI) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    messages: Any = [*HELLO, {"role": "assistant", "content": None, "tool_calls": [call]}, *HELLO]
    with pytest.raises(openai.BadRequestError, match="did not have response messages: c1"):
        await client.chat.completions.create(model="gpt-4o", messages=messages)


@pytest.mark.parametrize("key", ["sk-invalid-abcdef", "dapi123456", "sk-"])
async def test_a_wrong_key_is_refused_without_showing_any_of_it(client: openai.AsyncOpenAI, key: str) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        await client.with_options(api_key=key).chat.completions.create(model="gpt-4o", messages=HELLO)
    assert refused.value.code == "invalid_api_key"
    assert key[:6] not in refused.value.message


async def test_a_pinned_key_is_the_only_one() -> None:
    server = LoopbackServer(create_app(now=lambda: 0.0, key="sk-mine"))
    async with openai.AsyncOpenAI(base_url=f"{await server.start()}/v1", api_key="sk-mine", max_retries=0) as mine:
        assert [model.id async for model in mine.models.list()]
        with pytest.raises(openai.AuthenticationError):
            await mine.with_options(api_key="sk-other").models.list()
    await server.stop()


async def test_the_key_in_the_wrong_header_is_no_key(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError, match="didn't provide an API key"):
        await client.with_options(default_headers={"Authorization": "", "api-key": "sk-good"}).chat.completions.create(
            model="gpt-4o", messages=HELLO
        )


async def test_an_unknown_path_is_a_404_in_openais_shape(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"Invalid URL \(POST /v1/nothing\)"):
        await client.post("/nothing", cast_to=object, body={})
