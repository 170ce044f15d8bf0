from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]

# As a user's project would have it: no configuration of ours.
TESTS = """
import os
import urllib.request

import pytest


def test_a_workspace_answers(local_workspace):
    request = urllib.request.Request(
        local_workspace.host + "/api/2.0/secrets/scopes/list",
        headers={"Authorization": "Bearer " + local_workspace.token},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
        answer.read()  # what has been read is in the log
    assert [each.path for each in local_workspace.requests] == ["/api/2.0/secrets/scopes/list"]


def test_the_next_test_has_another_workspace(local_workspace):
    assert len(local_workspace.requests) == 0


def test_the_environment_points_to_it_and_to_nothing_else(databricks_env):
    assert os.environ["DATABRICKS_HOST"] == databricks_env.host
    assert os.environ["DATABRICKS_TOKEN"] == databricks_env.token
    assert "DATABRICKS_CLIENT_ID" not in os.environ


@pytest.mark.local_workspace(deploy_seconds=60)
def test_a_marker_says_how_it_is_run(local_workspace):
    assert local_workspace.settings.deploy_seconds == 60
"""


def test_a_users_own_tests_pass_with_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_theirs.py").write_text(TESTS)
    monkeypatch.setenv("DATABRICKS_CLIENT_ID", "of-the-developer")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # What else is installed here is none of theirs.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugin = ["-p", "local_workspace.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-W", "error", *plugin]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "4 passed" in answer.stdout, answer.stdout + answer.stderr


def test_loading_the_plugin_loads_no_server() -> None:
    heavy = "{'uvicorn', 'starlette', 'sqlite3'}"
    code = f"import sys, local_workspace.pytest_plugin; print(*sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""
