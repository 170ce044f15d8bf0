"""The unmodified deployment client of MLflow, by the documentation's own example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mlflow.deployments import get_deploy_client
from mlflow.exceptions import MlflowException
from requests.exceptions import HTTPError

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mlflow.deployments.databricks import DatabricksDeploymentClient, DatabricksEndpoint


@pytest.fixture
def instant() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(deploy_seconds=0) as running:
        yield running


@pytest.fixture
def client(instant: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> DatabricksDeploymentClient:
    monkeypatch.setenv("DATABRICKS_HOST", instant.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", instant.token)
    return get_deploy_client("databricks")


def config(name: str) -> dict[str, Any]:
    return {
        "served_entities": [
            {
                "name": name,
                "external_model": {
                    "name": "gpt-4o",
                    "provider": "openai",
                    "task": "llm/v1/chat",
                    "openai_config": {"openai_api_key_plaintext": "sk-simulated"},
                },
            }
        ]
    }


@pytest.fixture
def chat(client: DatabricksDeploymentClient) -> DatabricksEndpoint:
    # The documentation still shows it this way; the client warns.
    with pytest.warns(UserWarning, match="deprecated"):
        return client.create_endpoint(name="chat", config=config("first"))


@pytest.mark.witness("key-plaintext-hidden", client="mlflow")
def test_create_and_get(client: DatabricksDeploymentClient, chat: DatabricksEndpoint) -> None:
    assert chat.name == "chat"
    shown = client.get_endpoint("chat")
    assert shown.state.ready == "READY"
    assert "sk-simulated" not in str(shown)


def test_create_with_the_whole_payload_in_the_config(client: DatabricksDeploymentClient) -> None:
    created = client.create_endpoint(config={"name": "chat", "config": config("first"), "tags": [{"key": "a"}]})
    assert created.tags == [{"key": "a", "value": ""}]


@pytest.mark.usefixtures("chat")
@pytest.mark.witness("route-trailing-slash", client="mlflow")
def test_list(client: DatabricksDeploymentClient) -> None:
    assert "chat" in [each["name"] for each in client.list_endpoints()]


@pytest.mark.usefixtures("chat")
def test_update_config(client: DatabricksDeploymentClient) -> None:
    client.update_endpoint_config("chat", config=config("second"))
    assert client.get_endpoint("chat").config.served_entities[0]["name"] == "second"


@pytest.mark.usefixtures("chat")
@pytest.mark.witness("rate-limits-hidden", "PUT /api/2.0/serving-endpoints/{name}/rate-limits", client="mlflow")
def test_update_tags_limits_and_gateway(client: DatabricksDeploymentClient) -> None:
    client.update_endpoint_tags("chat", config={"add_tags": [{"key": "a", "value": "b"}]})
    limits = {"rate_limits": [{"calls": 10, "key": "endpoint", "renewal_period": "minute"}]}
    client.update_endpoint_rate_limits("chat", config=limits)
    client.update_endpoint_ai_gateway("chat", config={"usage_tracking_config": {"enabled": True}})
    shown = client.get_endpoint("chat")
    assert shown.tags == [{"key": "a", "value": "b"}]
    assert shown.ai_gateway == {"usage_tracking_config": {"enabled": True}}


@pytest.mark.usefixtures("chat")
@pytest.mark.witness("call-stream-data-alone", client="mlflow")
def test_predict_and_predict_stream(client: DatabricksDeploymentClient) -> None:
    inputs = {"messages": [{"role": "user", "content": "hi"}]}
    assert client.predict(endpoint="chat", inputs=inputs)["choices"][0]["message"]["content"]
    chunks = list(client.predict_stream(endpoint="chat", inputs=inputs))
    assert any(chunk["choices"][0]["delta"].get("content") for chunk in chunks if chunk["choices"])


@pytest.mark.usefixtures("databricks")
def test_predict_and_predict_stream_on_external_and_foundation_models(chat_endpoint: str) -> None:
    client = get_deploy_client("databricks")
    inputs = {"messages": [{"role": "user", "content": "Say hello"}]}
    assert client.predict(endpoint=chat_endpoint, inputs=inputs)["choices"][0]["message"]["content"] == "hello"
    chunks = [chunk for chunk in client.predict_stream(endpoint=chat_endpoint, inputs=inputs) if chunk["choices"]]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == "hello"


@pytest.mark.usefixtures("databricks")
def test_predict_embeddings(embedding_endpoint: str) -> None:
    answer = get_deploy_client("databricks").predict(endpoint=embedding_endpoint, inputs={"input": ["a", "b"]})
    assert [len(each["embedding"]) > 1 for each in answer["data"]] == [True, True]


@pytest.mark.usefixtures("chat")
def test_delete(client: DatabricksDeploymentClient) -> None:
    client.delete_endpoint("chat")
    with pytest.raises((HTTPError, MlflowException), match=r"404|does not exist"):
        client.get_endpoint("chat")
