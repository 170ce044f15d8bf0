"""A registry with one model of each kind, filled once a run, and a workspace that serves from it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[3]
MODELS = Path(__file__).parent / "models"
FILES = {
    "parrot": ROOT / "docs" / "examples" / "custom_model" / "parrot.py",
    "agent": MODELS / "agent.py",
    "classic": MODELS / "classic.py",
}
ENDPOINTS = "/api/2.0/serving-endpoints"
OK = 200
PATIENCE = 120
"""Seconds for what takes a few: MLflow is slow to load, on a busy machine more so."""


def until(condition: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    looking = threading.Event()
    for _ in range(PATIENCE * 20):
        if condition():
            return
        looking.wait(0.05)
    raise TimeoutError(f"not within {PATIENCE} seconds: {condition}")


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of the registry, which all of pytest's processes share."""
    folder = tmp_path_factory.getbasetemp().parent / "custom-models"
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = tmp_path_factory.mktemp("custom-models")
    folder.mkdir(exist_ok=True)
    uri = (folder / "mlruns").as_uri()  # a folder is filled and read in half a database's time; docs/ shows a database
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "filled").exists():
            named = [f"{name}={path}" for name, path in FILES.items()]
            settings = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
            env = {**os.environ, **settings, "MLFLOW_TRACKING_URI": uri}
            command = [sys.executable, "-W", "ignore", str(MODELS / "register.py"), *named]
            done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            (folder / "filled").touch()
    return uri


@pytest.fixture(scope="module")
def workspace(registry: str) -> Iterator[LocalWorkspace]:
    """A workspace that serves from the registry; the tests of a module share it, and what it has loaded."""
    with LocalWorkspace(registry=registry, custom_deploy_seconds=0, model_memory_mb=8192) as running:
        yield running


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False, timeout=PATIENCE) as manager:
        yield manager


@pytest.fixture
def waits() -> Callable[[Callable[[], object]], None]:
    return until


@pytest.fixture
def deploy(api: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Serves a model of the registry under its own name unless an endpoint does, and returns the endpoint then."""
    for name in ("DATABRICKS_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "nothing for models")

    def deployed(model: str, *, endpoint: str | None = None, **fields: object) -> dict[str, Any]:
        name = endpoint or model
        path = f"{ENDPOINTS}/{name}"
        config = {"served_entities": [entity(model, **fields)]}
        if api("GET", path).status != OK:
            api.ok("POST", ENDPOINTS, {"name": name, "config": config})
        elif endpoint is not None:
            api.ok("PUT", f"{path}/config", config)
        until(lambda: api.ok("GET", path)["state"]["config_update"] != "IN_PROGRESS")
        shown: dict[str, Any] = api.ok("GET", path)
        return shown

    return deployed


def entity(model: str, **fields: object) -> dict[str, Any]:
    """A served entity, as a client sends it."""
    given = {"name": model, "entity_name": f"main.default.{model}", "entity_version": "1"}
    return {**given, "scale_to_zero_enabled": True, **fields}
