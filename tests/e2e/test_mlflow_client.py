"""MLflow's own deployments client, unmodified, as the Databricks and LangChain documentation use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mlflow.deployments import get_deploy_client
from requests import HTTPError

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTERNAL_CHAT = {
    "served_entities": [
        {
            "name": "gpt",
            "external_model": {
                "name": "gpt-4o-mini",
                "provider": "openai",
                "task": "llm/v1/chat",
                "openai_config": {"openai_api_key": "{{secrets/llm/openai-key}}"},
            },
        }
    ]
}


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalWorkspace]:
    with LocalWorkspace() as running:
        monkeypatch.setenv("DATABRICKS_HOST", running.host)
        monkeypatch.setenv("DATABRICKS_TOKEN", running.token)
        yield running


def put_key(workspace: LocalWorkspace, value: str) -> None:
    from databricks.sdk import WorkspaceClient  # noqa: PLC0415 - over a second to import: only where it is used

    client = WorkspaceClient(host=workspace.host, token=workspace.token)
    client.secrets.create_scope("llm")
    client.secrets.put_secret("llm", "openai-key", string_value=value)


def test_create_endpoint_then_predict_and_predict_stream(workspace: LocalWorkspace) -> None:
    put_key(workspace, "sk-mlflow-client")
    client = get_deploy_client("databricks")
    with pytest.warns(UserWarning, match="deprecated"):  # the form that both documentations show
        created = client.create_endpoint(name="from-mlflow", config=EXTERNAL_CHAT)
    assert created["state"]["ready"] == "NOT_READY"
    workspace.clock.advance(600)
    assert client.get_endpoint("from-mlflow")["state"]["ready"] == "READY"

    messages = {"messages": [{"role": "user", "content": "Say blue."}], "max_tokens": 32}
    answer = client.predict(endpoint="from-mlflow", inputs=messages)
    text = answer["choices"][0]["message"]["content"]
    assert text
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]

    chunks = list(client.predict_stream(endpoint="from-mlflow", inputs=messages))
    assert len(chunks) > 1
    streamed = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert streamed == text


def test_a_rejected_key_reaches_the_caller_as_the_providers_error(workspace: LocalWorkspace) -> None:
    put_key(workspace, "sk-invalid-key")
    client = get_deploy_client("databricks")
    client.create_endpoint(config={"name": "wrong-key", "config": EXTERNAL_CHAT})
    workspace.clock.advance(600)
    # MLflow makes a 500 of every status that comes without an error_code, as this answer of the real API's does.
    with pytest.raises(HTTPError, match="Received error from openai") as caught:
        client.predict(endpoint="wrong-key", inputs={"messages": [{"role": "user", "content": "hi"}]})
    assert "sk-invalid-key" not in str(caught.value)
