"""databricks-openai, unmodified: OpenAI's client with the workspace's own authentication and routes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from databricks_openai import AsyncDatabricksOpenAI, DatabricksOpenAI

    from local_workspace import LocalWorkspace

HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]
WEATHER: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
ROUTES: list[dict[str, bool]] = [{}, {"use_ai_gateway": True}, {"use_ai_gateway_native_api": True}]


@pytest.fixture(params=ROUTES, ids=lambda route: next(iter(route), "serving_endpoints"))
def route(request: pytest.FixtureRequest) -> dict[str, bool]:
    chosen: dict[str, bool] = request.param
    return chosen


@pytest.fixture
def client(databricks: LocalWorkspace, route: dict[str, bool]) -> Iterator[DatabricksOpenAI]:  # noqa: ARG001 - the environment
    from databricks_openai import DatabricksOpenAI  # noqa: PLC0415 - seconds to import: not while tests are collected

    with DatabricksOpenAI(max_retries=0, **route) as opened:  # type: ignore[arg-type] # mypy can't see that the flags are no timeout
        yield opened


@pytest.fixture
async def asynchronous(databricks: LocalWorkspace, route: dict[str, bool]) -> AsyncIterator[AsyncDatabricksOpenAI]:  # noqa: ARG001 - the environment
    from databricks_openai import AsyncDatabricksOpenAI  # noqa: PLC0415 - as above

    async with AsyncDatabricksOpenAI(max_retries=0, **route) as opened:  # type: ignore[arg-type] # as above
        yield opened


@pytest.mark.witness("call-openai-by-model", client="databricks-openai")
def test_chat_and_stream(client: DatabricksOpenAI, chat_endpoint: str) -> None:
    answer = client.chat.completions.create(model=chat_endpoint, messages=HELLO)
    assert answer.choices[0].message.content == "hello"
    stream = client.chat.completions.create(model=chat_endpoint, messages=HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == "hello"


def test_a_strict_tool_is_called_and_its_result_answered(
    client: DatabricksOpenAI, chat_endpoint: str, weather_tool: dict[str, Any]
) -> None:
    tools = [{"type": "function", "function": {**weather_tool["function"], "strict": True}}]
    message = client.chat.completions.create(model=chat_endpoint, messages=WEATHER, tools=tools).choices[0].message
    call = message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    turns = [*WEATHER, message.model_dump(exclude_none=True), result]
    assert "sunny" in client.chat.completions.create(model=chat_endpoint, messages=turns).choices[0].message.content


def test_embeddings(client: DatabricksOpenAI, embedding_endpoint: str) -> None:
    first, second = client.embeddings.create(model=embedding_endpoint, input=["a", "b"]).data
    assert len(first.embedding) == len(second.embedding) > 1
    assert first.embedding != second.embedding


def test_responses_go_on_from_turn_to_turn(client: DatabricksOpenAI, chat_endpoint: str) -> None:
    turns: list[Any] = [{"role": "user", "content": "My name is Ada."}]
    answer = client.responses.create(model=chat_endpoint, input=turns)
    turns += [each.model_dump(exclude_none=True) for each in answer.output]
    turns.append({"role": "user", "content": "What is my name?"})
    assert "Ada" in client.responses.create(model=chat_endpoint, input=turns).output_text
    *_, last = client.responses.create(model=chat_endpoint, input="Say hello", stream=True)
    assert (last.type, last.response.output_text) == ("response.completed", "hello")


async def test_the_asynchronous_client(
    asynchronous: AsyncDatabricksOpenAI, chat_endpoint: str, embedding_endpoint: str, weather_tool: dict[str, Any]
) -> None:
    answer = await asynchronous.chat.completions.create(model=chat_endpoint, messages=HELLO)
    assert answer.choices[0].message.content == "hello"
    stream = await asynchronous.chat.completions.create(model=chat_endpoint, messages=HELLO, stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]) == "hello"
    called = await asynchronous.chat.completions.create(model=chat_endpoint, messages=WEATHER, tools=[weather_tool])
    assert called.choices[0].message.tool_calls[0].function.name == "get_weather"
    assert (await asynchronous.responses.create(model=chat_endpoint, input="Say hello")).output_text == "hello"
    assert (await asynchronous.embeddings.create(model=embedding_endpoint, input="a")).data[0].embedding
