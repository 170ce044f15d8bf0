"""MLflow's own LangChain autolog over `ChatDatabricks`, beside ours, and a chain that is logged and loaded again."""

from __future__ import annotations

import logging
import textwrap
from typing import TYPE_CHECKING, Any

import mlflow
import pytest
import yaml
from langchain_core.prompts import ChatPromptTemplate
from mlflow.entities import Span, SpanType

import chat
from chat import ChatDatabricks, mlflow_resources

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from langchain_core.runnables import Runnable

# MLflow's own, and SQLAlchemy's about MLflow, as its store opens.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning", "ignore::UserWarning"
    ),
    pytest.mark.usefixtures("endpoint"),
]

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(params=["mlflow's autolog", "both"])
def spans(request: pytest.FixtureRequest, last_spans: Callable[[], list[Span]]) -> Iterator[Callable[[], list[Span]]]:
    """Turn tracing on; called, returns the last trace's spans."""
    mlflow.langchain.autolog()
    chat.autolog(disable=request.param != "both")
    yield last_spans
    mlflow.langchain.autolog(disable=True)
    chat.autolog(disable=True)


async def invoke(chain: Runnable[Any, Any]) -> None:
    chain.invoke({"question": "hi"})


async def stream(chain: Runnable[Any, Any]) -> None:
    list(chain.stream({"question": "hi"}))


async def ainvoke(chain: Runnable[Any, Any]) -> None:
    await chain.ainvoke({"question": "hi"})


async def astream(chain: Runnable[Any, Any]) -> None:
    async for _ in chain.astream({"question": "hi"}):
        pass


@pytest.mark.parametrize("run", [invoke, stream, ainvoke, astream], ids=lambda run: run.__name__)
async def test_a_models_call_is_one_span_with_all_that_it_took(
    spans: Callable[[], list[Span]], run: Callable[..., Awaitable[None]]
) -> None:
    model = ChatDatabricks(endpoint="my-chat").bind_tools([TOOL], tool_choice="none")
    await run(ChatPromptTemplate.from_messages([("user", "{question}")]) | model)
    root, *inner = spans()
    (span,) = [each for each in inner if each.span_type == SpanType.CHAT_MODEL]
    assert span.parent_id == root.span_id
    assert span.status.status_code == "OK"
    assert span.inputs["messages"][0]["content"] == "hi"
    assert span.outputs["choices"][0]["message"]["content"]
    usage = span.get_attribute("mlflow.chat.tokenUsage")
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 2
    assert [tool["function"]["name"] for tool in span.get_attribute("mlflow.chat.tools")] == ["f"]
    assert span.get_attribute("mlflow.llm.provider") == "databricks"
    assert span.get_attribute("mlflow.llm.model") == "my-chat"


CHAIN = """
    import mlflow
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    from chat import ChatDatabricks

    chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | ChatDatabricks(endpoint="my-chat")
    mlflow.models.set_model(chain | StrOutputParser())
"""


@pytest.mark.usefixtures("mlflow_store")
def test_a_logged_chain_lists_its_endpoints_and_answers_when_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # MLflow looks for LangChain's retired chains, and reports each that is not there as an import failure.
    caplog.set_level(logging.ERROR, logger="mlflow")
    code = tmp_path / "chain.py"
    code.write_text(textwrap.dedent(CHAIN), encoding="utf-8")
    model = ChatDatabricks(endpoint=["my-chat", "another-chat"])
    resources = mlflow_resources(ChatPromptTemplate.from_messages([("user", "{question}")]) | model)
    logged = mlflow.langchain.log_model(
        str(code), name="chain", resources=resources, pip_requirements=["gatewright"], input_example={"question": "hi"}
    )
    folder = mlflow.artifacts.download_artifacts(logged.model_uri, dst_path=str(tmp_path / "downloaded"))
    with open(f"{folder}/MLmodel", encoding="utf-8") as file:  # noqa: PTH123 - MLflow returns a string
        listed = yaml.safe_load(file)["resources"]["databricks"]["serving_endpoint"]
    assert [each["name"] for each in listed] == ["my-chat", "another-chat"]
    loaded = mlflow.langchain.load_model(logged.model_uri)
    answer = loaded.invoke({"question": "What is MLflow?"})
    assert answer == model.invoke("What is MLflow?").text
    assert mlflow.pyfunc.load_model(logged.model_uri).predict({"question": "What is MLflow?"}) == [answer]
