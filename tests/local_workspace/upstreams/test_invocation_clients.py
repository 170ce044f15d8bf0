"""Unmodified clients chat with endpoints of the local workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest

from local_workspace import Behaviour, LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.local_workspace.conftest import Api

HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]
FOUNDATION = "databricks-meta-llama-3-3-70b-instruct"
EMBEDDING = "databricks-gte-large-en"


@pytest.fixture(params=["external", "foundation"])
def endpoint(
    request: pytest.FixtureRequest,
    put_key: Callable[..., None],
    serve: Callable[..., None],
    openai_model: Callable[..., dict[str, Any]],
) -> str:
    if request.param == "foundation":
        return FOUNDATION
    put_key("sk-good")
    serve(openai_model())
    return "chat"


@pytest.fixture
def databricks(workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token)


@pytest.fixture
def client(workspace: LocalWorkspace) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{workspace.host}/serving-endpoints", api_key=workspace.token, max_retries=0
    ) as opened:
        yield opened


def test_openai_chats_and_streams(client: openai.OpenAI, endpoint: str) -> None:
    answer = client.chat.completions.create(model=endpoint, messages=HELLO)
    assert answer.choices[0].message.content == "hello"
    stream = client.chat.completions.create(model=endpoint, messages=HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == "hello"


def test_openai_responds_and_embeds(client: openai.OpenAI, endpoint: str) -> None:
    assert client.responses.create(model=endpoint, input="Say hello").output_text == "hello"
    with client.responses.stream(model=endpoint, input="count to 3") as stream:
        assert list(stream)[-1].type == "response.completed"
    answer = client.embeddings.create(model=EMBEDDING, input=["a", "b"])
    assert [len(each.embedding) for each in answer.data] == [1024, 1024]


@pytest.mark.usefixtures("databricks")
def test_mlflow_predicts_and_streams(endpoint: str) -> None:
    deployments = pytest.importorskip("mlflow.deployments")
    client = deployments.get_deploy_client("databricks")
    answer = client.predict(endpoint=endpoint, inputs={"messages": HELLO})
    assert answer["choices"][0]["message"]["content"] == "hello"
    chunks = list(client.predict_stream(endpoint=endpoint, inputs={"messages": HELLO}))
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]) == "hello"
    assert len(client.predict(endpoint=EMBEDDING, inputs={"input": ["a"]})["data"][0]["embedding"]) == 1024


@pytest.mark.usefixtures("databricks")
def test_the_sdk_queries_and_learns_the_served_model(endpoint: str) -> None:
    sdk = pytest.importorskip("databricks.sdk")
    serving = pytest.importorskip("databricks.sdk.service.serving")
    message = serving.ChatMessage(role=serving.ChatMessageRole.USER, content="Say hello")
    answer = sdk.WorkspaceClient().serving_endpoints.query(endpoint, messages=[message])
    assert answer.choices[0].message.content == "hello"
    assert answer.served_model_name == ("entity-0" if endpoint == "chat" else endpoint)


def test_foundation_endpoints_send_cumulative_usage_unasked(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model=FOUNDATION, messages=HELLO, stream=True))
    assert all(chunk.usage is not None for chunk in chunks)
    claude = list(client.chat.completions.create(model="databricks-claude-sonnet-4", messages=HELLO, stream=True))
    assert [chunk.usage.total_tokens is None for chunk in claude] == [True] * (len(claude) - 1) + [False]


@pytest.mark.parametrize("style", ["on_request", "final_chunk"])
def test_the_usage_style_of_foundation_endpoints_is_a_switch(style: str) -> None:
    behaviour = Behaviour.parse([f"stream_usage={style}"])
    with (
        LocalWorkspace(behaviour=behaviour) as workspace,
        openai.OpenAI(base_url=f"{workspace.host}/serving-endpoints", api_key=workspace.token) as client,
    ):
        chunks = list(client.chat.completions.create(model=FOUNDATION, messages=HELLO, stream=True))
    assert [chunk.usage is not None for chunk in chunks[:-1]] == [False] * (len(chunks) - 1)
    assert (chunks[-1].usage is not None) is (style == "final_chunk")


def test_the_same_call_gets_the_same_bytes(api: Api) -> None:
    path = f"/serving-endpoints/{FOUNDATION}/invocations"
    body = {"messages": [{"role": "user", "content": "What is MLflow?"}], "seed": 3}
    assert api.ok("POST", path, body) == api.ok("POST", path, body)


@pytest.mark.parametrize(
    "body", [{"messages": HELLO, "foo": 1}, {"input": "x"}, {"messages": [{"role": "user", "content": 1}]}]
)
def test_foundation_endpoints_refuse_what_they_do_not_know(api: Api, body: dict[str, Any]) -> None:
    assert api("POST", f"/serving-endpoints/{FOUNDATION}/invocations", body).error == (400, "BAD_REQUEST")
