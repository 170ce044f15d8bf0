"""Local workspaces with chat endpoints on them."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import pytest

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_workspace.local import WorkspaceHandle


@pytest.fixture(scope="session")
def server() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(deploy_seconds=0) as running:
        yield running


@pytest.fixture(scope="session")
def create_external() -> Callable[..., str]:
    """Create an external-model endpoint on the simulated OpenAI, and the secret it needs."""

    def create(workspace: WorkspaceHandle, name: str, *, model: str = "gpt-4o-mini", **openai: str) -> str:
        scope = f"models-{name}"
        _post(workspace, "/api/2.0/secrets/scopes/create", {"scope": scope})
        secret = {"scope": scope, "key": "openai", "string_value": "sk-simulated-for-tests"}
        _post(workspace, "/api/2.0/secrets/put", secret)
        config = {"openai_api_key": f"{{{{secrets/{scope}/openai}}}}", **openai}
        external = {"name": model, "provider": "openai", "task": "llm/v1/chat", "openai_config": config}
        entities = [{"name": "entity", "external_model": external}]
        _post(workspace, "/api/2.0/serving-endpoints", {"name": name, "config": {"served_entities": entities}})
        return name

    return create


@pytest.fixture
def workspace(server: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> WorkspaceHandle:
    """A workspace of the test's own, which the environment names."""
    forked = server.fork()
    for name in ("DATABRICKS_CONFIG_PROFILE", "DATABRICKS_AUTH_TYPE", "DATABRICKS_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_HOST", forked.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", forked.token)
    return forked


@pytest.fixture
def endpoint(workspace: WorkspaceHandle, create_external: Callable[..., str]) -> str:
    """A chat endpoint that is ready, in the workspace that the environment names."""
    return create_external(workspace, "my-chat")


def _post(workspace: WorkspaceHandle, path: str, body: dict[str, object]) -> None:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{workspace.host}{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {workspace.token}", "Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - as above
        pass
