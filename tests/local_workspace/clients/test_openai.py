"""OpenAI's own client, unmodified, on the workspace's OpenAI-compatible routes."""

from __future__ import annotations

import base64
import json
import struct
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from local_workspace import LocalWorkspace

HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]
WEATHER: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]


class City(BaseModel):
    name: str
    population: int


@pytest.fixture(scope="module")
def client(serving: LocalWorkspace) -> Iterator[openai.OpenAI]:
    base_url = f"{serving.host}/serving-endpoints"
    with openai.OpenAI(base_url=base_url, api_key=serving.token, max_retries=0) as opened:
        yield opened


@pytest.fixture
async def asynchronous(serving: LocalWorkspace) -> AsyncIterator[openai.AsyncOpenAI]:
    base_url = f"{serving.host}/serving-endpoints"
    async with openai.AsyncOpenAI(base_url=base_url, api_key=serving.token, max_retries=0) as opened:
        yield opened


@pytest.mark.witness("call-openai-by-model", "POST /serving-endpoints/chat/completions", client="openai")
def test_chat(client: openai.OpenAI, chat_endpoint: str) -> None:
    answer = client.chat.completions.create(model=chat_endpoint, messages=HELLO, temperature=0, max_tokens=20)
    assert answer.choices[0].message.content == "hello"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_stream(client: openai.OpenAI, chat_endpoint: str) -> None:
    options: Any = {"include_usage": True}
    with client.chat.completions.create(
        model=chat_endpoint, messages=HELLO, stream=True, stream_options=options
    ) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "hello"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None


def test_the_clients_own_stream_helper_puts_the_answer_together(client: openai.OpenAI, chat_endpoint: str) -> None:
    with client.chat.completions.stream(model=chat_endpoint, messages=HELLO) as stream:
        assert stream.get_final_completion().choices[0].message.content == "hello"


def test_a_tool_is_called_and_its_result_answered(
    client: openai.OpenAI, chat_endpoint: str, weather_tool: dict[str, Any]
) -> None:
    tools: list[Any] = [weather_tool]
    message = client.chat.completions.create(model=chat_endpoint, messages=WEATHER, tools=tools).choices[0].message
    assert message.tool_calls is not None
    call = message.tool_calls[0]
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    turns = [*WEATHER, message.model_dump(exclude_none=True), result]
    answer = client.chat.completions.create(model=chat_endpoint, messages=turns, tools=tools)
    assert "sunny" in (answer.choices[0].message.content or "")


def test_a_streamed_tool_call_arrives_whole(
    client: openai.OpenAI, chat_endpoint: str, weather_tool: dict[str, Any]
) -> None:
    tools: list[Any] = [weather_tool]
    with client.chat.completions.stream(model=chat_endpoint, messages=WEATHER, tools=tools) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert calls is not None
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Paris"}]


def test_a_model_class_is_filled_in(client: openai.OpenAI, chat_endpoint: str) -> None:
    answer = client.chat.completions.parse(model=chat_endpoint, messages=HELLO, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


@pytest.mark.parametrize("encoding", ["float", "base64"])
@pytest.mark.witness("POST /serving-endpoints/embeddings", client="openai")
def test_embeddings(client: openai.OpenAI, embedding_endpoint: str, encoding: Any) -> None:  # noqa: ANN401 - one of the client's literals
    answer = client.embeddings.create(model=embedding_endpoint, input=["a", "b", "a"], encoding_format=encoding)
    vectors = [_floats(each.embedding) for each in answer.data]
    assert len(set(map(len, vectors))) == 1
    assert vectors[0] == vectors[2] != vectors[1]
    assert sum(each * each for each in vectors[0]) == pytest.approx(1, abs=1e-3)


def _floats(embedding: list[float] | str) -> list[float]:
    """The client decodes base64 only when it was the one to ask for it."""
    if isinstance(embedding, list):
        return embedding
    raw = base64.b64decode(embedding)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


@pytest.mark.witness("POST /serving-endpoints/completions", client="openai")
def test_completions(client: openai.OpenAI) -> None:
    assert client.completions.create(model="completion", prompt="Say hello").choices[0].text == "hello"


@pytest.mark.witness("POST /serving-endpoints/responses", client="openai")
def test_responses(client: openai.OpenAI, chat_endpoint: str) -> None:
    answer = client.responses.create(model=chat_endpoint, input="Say hello", instructions="Be short.")
    assert (answer.output_text, answer.status) == ("hello", "completed")
    with client.responses.stream(model=chat_endpoint, input="Say hello") as stream:
        assert stream.get_final_response().output_text == "hello"


def test_responses_call_a_tool(client: openai.OpenAI, chat_endpoint: str, weather_tool: dict[str, Any]) -> None:
    tools: list[Any] = [{"type": "function", **weather_tool["function"]}]
    answer = client.responses.create(model=chat_endpoint, input=WEATHER, tools=tools)
    call = answer.output[0]
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"city": "Paris"}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    turns: list[Any] = [*WEATHER, call.model_dump(exclude_none=True), result]
    assert "sunny" in client.responses.create(model=chat_endpoint, input=turns, tools=tools).output_text


async def test_the_asynchronous_client(
    asynchronous: openai.AsyncOpenAI, chat_endpoint: str, embedding_endpoint: str
) -> None:
    answer = await asynchronous.chat.completions.create(model=chat_endpoint, messages=HELLO)
    assert answer.choices[0].message.content == "hello"
    async with asynchronous.chat.completions.stream(model=chat_endpoint, messages=HELLO) as chunks:
        assert (await chunks.get_final_completion()).choices[0].message.content == "hello"
    async with asynchronous.responses.stream(model=chat_endpoint, input="Say hello") as events:
        assert (await events.get_final_response()).output_text == "hello"
    embedded = await asynchronous.embeddings.create(model=embedding_endpoint, input="a")
    assert len(embedded.data) == 1


@pytest.mark.witness(
    "POST /ai-gateway/mlflow/v1/chat/completions",
    "POST /ai-gateway/mlflow/v1/completions",
    "POST /ai-gateway/mlflow/v1/embeddings",
    "POST /ai-gateway/mlflow/v1/responses",
    "POST /ai-gateway/openai/v1/chat/completions",
    "POST /ai-gateway/openai/v1/completions",
    "POST /ai-gateway/openai/v1/embeddings",
    "POST /ai-gateway/openai/v1/responses",
    "POST /ai-gateway/codex/v1/chat/completions",
    "POST /ai-gateway/codex/v1/completions",
    "POST /ai-gateway/codex/v1/embeddings",
    "POST /ai-gateway/codex/v1/responses",
    client="openai",
)
@pytest.mark.parametrize("gateway", ["ai-gateway/mlflow/v1", "ai-gateway/openai/v1", "ai-gateway/codex/v1"])
def test_the_ai_gateways_routes_answer_alike(
    client: openai.OpenAI, serving: LocalWorkspace, gateway: str, chat_endpoint: str, embedding_endpoint: str
) -> None:
    through = client.with_options(base_url=f"{serving.host}/{gateway}")
    answer = through.chat.completions.create(model=chat_endpoint, messages=HELLO)
    assert answer.choices[0].message.content == "hello"
    assert through.responses.create(model=chat_endpoint, input="Say hello").output_text == "hello"
    assert through.completions.create(model="completion", prompt="Say hello").choices[0].text == "hello"
    assert through.embeddings.create(model=embedding_endpoint, input="a").data[0].embedding


def test_refusals_become_the_clients_own_errors(client: openai.OpenAI, serving: LocalWorkspace) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nowhere", messages=HELLO)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="chat", messages=[])
    with pytest.raises(openai.PermissionDeniedError):
        client.with_options(api_key="dapi-wrong").chat.completions.create(model="chat", messages=HELLO)
    stranger = client.with_options(api_key=serving.token_for("ann@example.com"))
    with pytest.raises(openai.PermissionDeniedError):
        stranger.chat.completions.create(model="chat", messages=HELLO)
