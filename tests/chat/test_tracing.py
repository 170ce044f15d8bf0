"""MLflow spans of calls, and the endpoints that a chain names to MLflow."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pytest
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from mlflow.entities import Span, SpanType

from chat import AsyncChatClient, ChatClient, ChatDatabricks, DatabricksEmbeddings, autolog, errors, mlflow_resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.chat.scripted import ScriptedServer

# MLflow's own, and SQLAlchemy's about MLflow, as its store opens.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning", "ignore::UserWarning"
)

TOKEN = "dapi-stand-in-token"
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cache_read_input_tokens": 1}
TRACED = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5, "cache_read_input_tokens": 1}
OK = {"model": "m", "choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}], "usage": USAGE}
PIECE = {"choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": "stop"}], "usage": USAGE}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def spans(last_spans: Callable[[], list[Span]]) -> Iterator[Callable[[], list[Span]]]:
    """Turn tracing on; called, returns the last trace's spans."""
    autolog()
    yield last_spans
    autolog(disable=True)


def ask(server: ScriptedServer, way: str) -> None:
    options: dict[str, Any] = {"host": server.host, "token": TOKEN, "max_retries": 0}

    async def run() -> None:
        async with AsyncChatClient("e", **options) as client:
            if way == "ainvoke":
                await client.ainvoke("hi", tools=[TOOL])
            else:
                async for _ in client.astream("hi", tools=[TOOL]):
                    pass

    if way.startswith("a"):
        asyncio.run(run())
        return
    with ChatClient("e", **options) as client:
        if way == "invoke":
            client.invoke("hi", tools=[TOOL])
        else:
            list(client.stream("hi", tools=[TOOL]))


@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
def test_a_call_is_a_span_with_inputs_outputs_usage_and_tools(
    scripted: ScriptedServer, spans: Callable[[], list[Span]], way: str
) -> None:
    scripted.stream(PIECE) if "stream" in way else scripted.reply(OK)
    ask(scripted, way)
    (span,) = spans()
    assert (span.name, span.span_type, span.status.status_code) == ("e", SpanType.CHAT_MODEL, "OK")
    assert span.inputs["messages"] == [{"role": "user", "content": "hi"}]
    assert span.outputs["choices"][0]["message"] == {"role": "assistant", "content": "hello"}
    assert span.get_attribute("mlflow.chat.tokenUsage") == TRACED
    assert span.get_attribute("mlflow.chat.tools") == [TOOL]
    assert TOKEN not in str(span.to_dict())


def test_a_call_that_fails_is_a_span_that_says_so(scripted: ScriptedServer, spans: Callable[[], list[Span]]) -> None:
    scripted.reply({"error_code": "X", "message": "no"}, status=400)
    with pytest.raises(errors.BadRequestError):
        ask(scripted, "invoke")
    (span,) = spans()
    assert span.status.status_code == "ERROR"
    assert "no" in str(span.events[0].attributes)


def test_a_call_inside_a_span_belongs_to_it(scripted: ScriptedServer, spans: Callable[[], list[Span]]) -> None:
    scripted.reply(OK)
    with mlflow.start_span("chain") as chain:
        ask(scripted, "invoke")
    assert [(span.name, span.parent_id) for span in spans()] == [("chain", None), ("e", chain.span_id)]


def test_a_model_that_mlflow_traces_itself_is_traced_once(
    scripted: ScriptedServer, spans: Callable[[], list[Span]]
) -> None:
    scripted.reply(OK)
    with mlflow.start_span("model", span_type=SpanType.CHAT_MODEL):
        ask(scripted, "invoke")
    assert len(spans()) == 1


def test_nothing_is_imported_while_tracing_is_off(scripted: ScriptedServer) -> None:
    scripted.reply(OK)
    program = (
        f"import sys; from chat import ChatClient, autolog; autolog(); autolog(disable=True)\n"
        f"ChatClient('e', host={scripted.host!r}, token='t').invoke('hi')\n"
        f"print([name for name in ('mlflow', 'aiohttp', 'langchain_core') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_chains_endpoints_are_listed_once_each() -> None:
    model = ChatDatabricks(endpoint=["primary", "secondary"])
    inner = ChatDatabricks(endpoint="inside")
    prompt = ChatPromptTemplate.from_messages([("user", "{question}")])
    step = RunnableLambda(lambda message: inner.invoke(message.content))
    chain = prompt | model.bind(temperature=0).with_retry() | {"a": step, "b": model}
    names = [each.name for each in mlflow_resources([chain, DatabricksEmbeddings(endpoint="vectors")])]
    assert names == ["primary", "secondary", "inside", "vectors"]
