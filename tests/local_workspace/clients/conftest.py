"""One running workspace for every client: an endpoint on the simulated OpenAI beside the pay-per-token ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAT = {"external": "chat", "foundation": "databricks-meta-llama-3-3-70b-instruct"}
EMBEDDING = {"external": "embedding", "foundation": "databricks-gte-large-en"}


def external(name: str, model: str, task: str) -> dict[str, Any]:
    """An endpoint with one model of the simulated OpenAI."""
    config = {"openai_api_key": "{{secrets/team/openai}}"}
    entity = {"name": model, "external_model": {"provider": "openai", "name": model, "task": task}}
    entity["external_model"]["openai_config"] = config  # type: ignore[index] # a dict, as written above
    return {"name": name, "config": {"served_entities": [entity]}}


@pytest.fixture(scope="session")
def serving() -> Iterator[LocalWorkspace]:
    """A workspace that tests call but do not change."""
    with LocalWorkspace(deploy_seconds=0) as running, urllib3.PoolManager(retries=False, timeout=10) as pool:
        headers = {"Authorization": f"Bearer {running.token}"}
        for path, body in (
            ("secrets/scopes/create", {"scope": "team"}),
            ("secrets/put", {"scope": "team", "key": "openai", "string_value": "sk-simulated"}),
            ("serving-endpoints", external(CHAT["external"], "gpt-4o", "llm/v1/chat")),
            ("serving-endpoints", external("completion", "gpt-35-turbo-instruct", "llm/v1/completions")),
            ("serving-endpoints", external(EMBEDDING["external"], "text-embedding-3-small", "llm/v1/embeddings")),
        ):
            answer = pool.request("POST", f"{running.host}/api/2.0/{path}", body=json.dumps(body), headers=headers)
            assert answer.status == 200, answer.data
        yield running


@pytest.fixture
def databricks(serving: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> LocalWorkspace:
    """The environment in which Databricks' clients find the workspace."""
    monkeypatch.setenv("DATABRICKS_HOST", serving.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", serving.token)
    return serving


@pytest.fixture(params=CHAT)
def chat_endpoint(request: pytest.FixtureRequest) -> str:
    return CHAT[request.param]


@pytest.fixture(params=EMBEDDING)
def embedding_endpoint(request: pytest.FixtureRequest) -> str:
    return EMBEDDING[request.param]


@pytest.fixture(scope="session")
def weather_tool() -> dict[str, Any]:
    """A tool as OpenAI's chat completions take it."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    function = {"name": "get_weather", "description": "The weather in a city.", "parameters": parameters}
    return {"type": "function", "function": function}
