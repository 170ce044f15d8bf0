"""Programs that run with the newest openai and anthropic clients, against a workspace of this process."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@pytest.fixture(scope="session")
def interpreter() -> str:
    """The Python that has the newest clients; made the first time, if `scripts/test` has not done so."""
    with (HERE / "requirements.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker installs
        made = subprocess.run([ROOT / "scripts" / "setup_clients"], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.fail(f"scripts/setup_clients could not install tests/clients/requirements.lock:\n{made.stderr}")
    return made.stdout.strip()


@pytest.fixture(scope="session")
def workspace() -> Iterator[LocalWorkspace]:
    """A workspace with an external endpoint `chat` beside the pay-per-token ones."""
    model = {"provider": "openai", "name": "gpt-4o", "task": "llm/v1/chat"}
    model |= {"openai_config": {"openai_api_key_plaintext": "sk-simulated"}}  # type: ignore[dict-item] # a JSON object
    body = {"name": "chat", "config": {"served_entities": [{"name": "gpt-4o", "external_model": model}]}}
    with LocalWorkspace(deploy_seconds=0) as running, urllib3.PoolManager(retries=False, timeout=10) as pool:
        url = f"{running.host}/api/2.0/serving-endpoints"
        headers = {"Authorization": f"Bearer {running.token}"}
        answer = pool.request("POST", url, body=json.dumps(body), headers=headers)
        assert answer.status == 200, answer.data
        yield running


@pytest.fixture(scope="session")
def outcome_of(interpreter: str, workspace: LocalWorkspace) -> Callable[[str], dict[str, Any]]:
    """Runs one of `programs/`, warnings as errors, and returns the JSON that it prints."""

    def run(program: str) -> dict[str, Any]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "OPENAI_"))},
            "HOST": workspace.host,
            "TOKEN": workspace.token,
        }
        command = [interpreter, "-W", "error", HERE / "programs" / program]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        outcome: dict[str, Any] = json.loads(ended.stdout)
        return outcome

    return run
