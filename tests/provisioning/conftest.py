from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from local_workspace import LocalWorkspace
from provisioning.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from local_workspace.local import WorkspaceHandle


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


Provision = Callable[..., Result]
Writes = Callable[[], list[str]]


@pytest.fixture(scope="session")
def server() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(deploy_seconds=0.0) as workspace:
        yield workspace


@pytest.fixture
def workspace(server: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> WorkspaceHandle:
    """An empty workspace that the environment points at, with a key for the provider beside it."""
    workspace = server.fork()
    monkeypatch.setenv("DATABRICKS_HOST", workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    return workspace


@pytest.fixture
def provision(capsys: pytest.CaptureFixture[str]) -> Provision:
    """Run a command in this process."""

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = run([str(each) for each in arguments])
        out, err = capsys.readouterr()
        return Result(code=code, out=out, err=err)

    return call


class Configs:
    """A folder with one databricks.yml, edited as a person would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.content: dict[str, Any] = {
            "bundle": {"name": "chat"},
            "targets": {"local": {"default": True}},
            "resources": {
                "secret_scopes": {
                    "llm": {
                        "name": "llm",
                        "secrets": {"openai-key": {"env": "OPENAI_API_KEY"}},
                        "permissions": [{"level": "MANAGE", "group_name": "admins"}],
                    }
                },
                "model_serving_endpoints": {
                    "chat": {
                        "name": "chat",
                        "config": {
                            "served_entities": [
                                {
                                    "name": "gpt",
                                    "external_model": {
                                        "provider": "openai",
                                        "name": "gpt-4o",
                                        "task": "llm/v1/chat",
                                        "openai_config": {"openai_api_key": "{{secrets/llm/openai-key}}"},
                                    },
                                }
                            ]
                        },
                        "tags": [{"key": "team", "value": "ml"}],
                        "ai_gateway": {
                            "usage_tracking_config": {"enabled": True},
                            "rate_limits": [{"key": "user", "calls": 60, "renewal_period": "minute"}],
                        },
                        "permissions": [{"level": "CAN_QUERY", "group_name": "users"}],
                    }
                },
            },
        }
        self.write()

    @property
    def scope(self) -> dict[str, Any]:
        found: dict[str, Any] = self.content["resources"]["secret_scopes"]["llm"]
        return found

    @property
    def endpoint(self) -> dict[str, Any]:
        found: dict[str, Any] = self.content["resources"]["model_serving_endpoints"]["chat"]
        return found

    @property
    def openai(self) -> dict[str, Any]:
        found: dict[str, Any] = self.endpoint["config"]["served_entities"][0]["external_model"]["openai_config"]
        return found

    def write(self) -> Configs:
        (self.folder / "databricks.yml").write_text(yaml.safe_dump(self.content, sort_keys=False))
        return self

    def __fspath__(self) -> str:
        return str(self.folder)

    def __str__(self) -> str:
        return str(self.folder)


@pytest.fixture
def configs(tmp_path: Path) -> Configs:
    """A folder that declares one scope with one secret, and one endpoint that uses it."""
    folder = tmp_path / "configs"
    folder.mkdir()
    return Configs(folder)


@pytest.fixture
def writes(workspace: WorkspaceHandle) -> Writes:
    """List the requests since the last look that change something, as `METHOD path`."""

    def seen() -> list[str]:
        found = [f"{each.method} {each.path}" for each in workspace.requests if each.method != "GET"]
        workspace.requests.clear()
        return found

    return seen
