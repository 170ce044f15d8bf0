"""databricks-langchain, unmodified: its chat model and its embeddings."""

from __future__ import annotations

import gc
import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from databricks_langchain import ChatDatabricks

    from local_workspace import LocalWorkspace

pytestmark = [
    # Importing databricks-langchain imports unitycatalog-langchain, whose models are written in pydantic's old way.
    pytest.mark.filterwarnings(
        "ignore:Support for class-based `config` is deprecated:pydantic.warnings.PydanticDeprecatedSince20"
    ),
    # Its clients cannot be closed: their sockets end with the garbage collector, which says so.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def leave_no_socket_behind() -> Iterator[None]:
    """Collect the clients here, where the warning is expected, and not in somebody else's test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.fixture
def langchain(databricks: LocalWorkspace) -> ModuleType:  # noqa: ARG001 - the environment
    import databricks_langchain  # noqa: PLC0415 - seconds to import: not while tests are collected

    return databricks_langchain


@pytest.fixture(params=[False, True], ids=["chat_completions", "responses"])
def model(request: pytest.FixtureRequest, langchain: ModuleType, chat_endpoint: str) -> Iterator[ChatDatabricks]:
    made = langchain.ChatDatabricks(model=chat_endpoint, use_responses_api=request.param)
    yield made
    made.client.close()  # it never closes its connections itself


@pytest.fixture
def chat_model(langchain: ModuleType, chat_endpoint: str) -> Iterator[ChatDatabricks]:
    made = langchain.ChatDatabricks(model=chat_endpoint, temperature=0.1, max_tokens=256)
    yield made
    made.client.close()  # as above


@pytest.mark.witness("call-openai-by-model", client="databricks-langchain")
def test_invoke(model: ChatDatabricks) -> None:
    answer = model.invoke("Say hello")
    assert answer.text == "hello"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] > 0


def test_stream(model: ChatDatabricks) -> None:
    chunks = list(model.stream("count to 5"))
    assert len(chunks) > 5
    assert "".join(chunk.text for chunk in chunks) == "1, 2, 3, 4, 5"


async def test_the_asynchronous_methods(model: ChatDatabricks) -> None:
    assert (await model.ainvoke("Say hello")).text == "hello"
    assert "".join([chunk.text async for chunk in model.astream("Say hello")]) == "hello"
    await model.async_client.close()


def test_a_batch_keeps_its_order(chat_model: ChatDatabricks) -> None:
    assert [answer.text for answer in chat_model.batch(["Say a", "Say b", "Say c"])] == ["a", "b", "c"]


def test_bound_tools_are_called_and_their_results_answered(model: ChatDatabricks) -> None:
    bound = model.bind_tools([get_weather])
    question = HumanMessage("What is the weather in Paris?")
    called = bound.invoke([question])
    assert [(call["name"], call["args"]) for call in called.tool_calls] == [("get_weather", {"city": "Paris"})]
    result = get_weather.invoke(called.tool_calls[0])
    assert isinstance(result, ToolMessage)
    assert "sunny in Paris" in bound.invoke([question, called, result]).text


def test_a_streamed_tool_call_arrives_whole(chat_model: ChatDatabricks) -> None:
    whole = AIMessageChunk("")
    for chunk in chat_model.bind_tools([get_weather], tool_choice="any").stream("The weather in Paris, please"):
        assert isinstance(chunk, AIMessageChunk)
        whole += chunk
    assert [call["args"] for call in whole.tool_calls] == [{"city": "Paris"}]


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_structured_output(chat_model: ChatDatabricks, method: Any) -> None:  # noqa: ANN401 - one of the client's literals
    prompt = "A person named Ann is 31 years old."
    if method == "json_mode":  # no schema is sent: the prompt must hold it
        prompt += f" Answer in JSON by this schema: {json.dumps(Person.model_json_schema())}"
    answer = chat_model.with_structured_output(Person, method=method).invoke(prompt)
    assert answer == Person(name="Ann", age=31)


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_structured_output_keeps_the_raw_answer_beside_it(chat_model: ChatDatabricks, method: Any) -> None:  # noqa: ANN401 - as above
    answer = chat_model.with_structured_output(Person, method=method, include_raw=True).invoke("Ann is 31.")
    assert answer["parsing_error"] is None
    assert isinstance(answer["parsed"], Person)
    assert answer["raw"].type == "ai"


def test_embeddings_of_more_texts_than_one_call_takes(langchain: ModuleType, embedding_endpoint: str) -> None:
    embeddings = langchain.DatabricksEmbeddings(endpoint=embedding_endpoint)
    vectors = embeddings.embed_documents([f"text {number}" for number in range(25)])
    assert len(vectors) == 25
    assert embeddings.embed_query("text 24") == pytest.approx(vectors[24])
