"""Custom models from the registry to the chat: the documentation's example, and what a killed server leaves behind."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "local_workspace.md"
EXAMPLE = ROOT / "docs" / "examples" / "custom_model"
PATIENCE = 180
ENTITY = {"name": "p", "entity_name": "main.default.parrot", "entity_version": "1", "scale_to_zero_enabled": True}


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """What a reader's shell has: this interpreter as `python`, and nothing of the developer's."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    path = f"{Path(sys.executable).parent}:{tmp_path / 'bin'}:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}


def test_the_example_registers_deploys_and_answers(tmp_path: Path, shell: dict[str, str]) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "example")
    block = re.search(r"```sh\n(export MLFLOW_TRACKING_URI.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    done = subprocess.run(
        ["bash", "-euc", block[1]],
        cwd=tmp_path / "example",
        env=shell,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "models:/main.default.parrot/1" in done.stdout
    assert "model_serving_endpoints.parrot: READY after" in done.stderr
    assert "You said: How are you?" in done.stdout
    assert "You |said: |One |word |after |the |other ||" in done.stdout


def test_a_killed_server_leaves_no_model_behind_and_its_deployment_goes_on_with_the_next(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    registry = f"sqlite:///{tmp_path}/none.db"
    serve = [sys.executable, "-m", "local_workspace", "serve", "--state", "state", "--registry", registry]
    with subprocess.Popen(serve, cwd=tmp_path, env=shell, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())
        with urllib3.PoolManager(headers={"Authorization": f"Bearer {address['token']}"}, timeout=PATIENCE) as pool:
            config = {"name": "p", "config": {"served_entities": [ENTITY]}}
            created = pool.request("POST", f"{address['host']}/api/2.0/serving-endpoints", json=config)
        assert created.status == 200, created.data
        until(lambda: workers_of(server.pid))
        workers = workers_of(server.pid)
        server.kill()
    until(lambda: not any(is_worker(pid) for pid in workers))

    with (
        LocalWorkspace(state=tmp_path / "state", registry=None) as workspace,
        urllib3.PoolManager(headers={"Authorization": f"Bearer {workspace.token}"}, timeout=PATIENCE) as pool,
    ):

        def seen() -> dict[str, dict[str, str]]:
            shown: dict[str, dict[str, str]] = pool.request(
                "GET", f"{workspace.host}/api/2.0/serving-endpoints/p"
            ).json()
            return shown

        until(lambda: seen()["state"]["config_update"] == "UPDATE_FAILED")
        assert "main.default.parrot version 1" in json.dumps(seen()["pending_config"])


def workers_of(pid: int) -> list[int]:
    """The processes that a server started, by Linux's own book of them."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]
    return [child for child in children if is_worker(child)]


def is_worker(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline")  # of a dead process that nobody has asked after yet, it is empty
    return command.exists() and b"custom.worker" in command.read_bytes()


def until(condition: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    looking = threading.Event()
    for _ in range(PATIENCE * 20):
        if condition():
            return
        looking.wait(0.05)
    raise TimeoutError(f"not within {PATIENCE} seconds")
