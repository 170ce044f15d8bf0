"""What happens to an apply when somebody, or something, gets in between."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision


def applying(configs: Configs, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "provisioning", "apply", str(configs), "--yes", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_during_the_wait_says_what_was_done(workspace: WorkspaceHandle, configs: Configs) -> None:
    workspace.endpoints.stick("chat")
    child = applying(configs)
    assert child.stderr is not None
    seen = []
    for line in child.stderr:
        seen.append(line)
        if "IN_PROGRESS" in line:
            break
    child.send_signal(signal.SIGINT)
    _, rest = child.communicate(timeout=30)

    assert child.returncode == 130, "".join(seen) + rest
    assert "interrupted. Applied: secret_scopes.llm" in rest
    assert "Not applied: model_serving_endpoints.chat" in rest
    assert "Traceback" not in rest


def test_second_ctrl_c_leaves_at_once(workspace: WorkspaceHandle, configs: Configs) -> None:
    configs.content["resources"]["secret_scopes"]["other"] = {**configs.scope, "name": "other"}
    configs.write()
    create = {"method": "POST", "path": "/api/2.0/secrets/scopes/create"}
    workspace.faults.arm([{"match": create, "kind": "latency", "ms": 60_000}])
    child = applying(configs)
    # one of the scopes is done, so that the other's create is in flight
    while child.poll() is None and not any(each.path == "/api/2.0/secrets/acls/put" for each in workspace.requests):
        pass

    child.send_signal(signal.SIGINT)
    assert child.stderr is not None
    told = next(line for line in child.stderr if "interrupted" in line)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=1)
    child.send_signal(signal.SIGINT)
    _, rest = child.communicate(timeout=20)

    assert "finishing the calls in flight" in told
    assert child.returncode == 130
    assert "interrupted twice" in rest


def test_update_that_others_keep_busy_fails_in_a_sentence(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    provision("apply", configs, "--yes")
    workspace.endpoints.stick("chat")
    configs.endpoint["config"]["served_entities"][0]["external_model"]["name"] = "gpt-4.1"
    configs.write()
    provision("apply", configs, "--yes", "--timeout", "0")
    configs.endpoint["config"]["served_entities"][0]["external_model"]["name"] = "gpt-5"
    configs.write()

    result = provision("apply", configs, "--yes", "--timeout", "0")

    assert result.code == 1, result.err
    assert "internal error" not in result.err
    assert "model_serving_endpoints.chat" in result.err
    assert "config_update=IN_PROGRESS" in result.err


@pytest.fixture
def killed_at(workspace: WorkspaceHandle, configs: Configs) -> Callable[..., None]:
    """Kill an apply while a request is on its way."""

    def kill(method: str, path: str, *flags: str, after: str) -> None:
        fault = {"match": {"method": method, "path": path}, "kind": "latency", "ms": 60_000, "times": None}
        workspace.faults.arm([fault])
        workspace.requests.clear()
        child = applying(configs, *flags)
        while child.poll() is None and not any(f"{each.method} {each.path}" == after for each in workspace.requests):
            pass
        child.kill()
        said = child.communicate(timeout=30)
        assert child.returncode == -signal.SIGKILL, said
        workspace.faults.clear()

    return kill


def test_create_killed_before_it_granted_anything_is_finished_in_production_too(
    configs: Configs, provision: Provision, killed_at: Callable[..., None]
) -> None:
    configs.content["targets"]["local"]["mode"] = "production"
    configs.write()
    killed_at("PUT", "/api/2.0/permissions/*", after="POST /api/2.0/serving-endpoints")

    finished = provision("apply", configs, "--yes")

    assert finished.code == 0, finished.err
    assert "permissions[users]: (none) → CAN_QUERY  (granted by the config)" in finished.out
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_adoption_killed_before_it_granted_anything_is_finished_in_production_too(
    configs: Configs, provision: Provision, client: WorkspaceClient, killed_at: Callable[..., None]
) -> None:
    configs.content["targets"]["local"]["mode"] = "production"
    configs.write()
    client.secrets.create_scope("llm")
    client.secrets.put_secret("llm", "openai-key", string_value="sk-by-hand")
    killed_at("POST", "/api/2.0/secrets/acls/put", "--adopt", after="POST /api/2.0/secrets/put")

    finished = provision("apply", configs, "--yes")

    assert finished.code == 0, finished.err
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_display_that_goes_away_does_not_stop_an_apply(workspace: WorkspaceHandle, configs: Configs) -> None:
    child = applying(configs)
    assert child.stderr is not None
    child.stderr.close()  # as `2>&1 | head` does

    child.wait(timeout=120)

    assert child.stdout is not None
    child.stdout.close()
    assert any(each.path.startswith("/api/2.0/permissions/serving-endpoints/") for each in workspace.requests)


def test_endpoints_whose_names_differ_in_case_stand_apart(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    endpoints = configs.content["resources"]["model_serving_endpoints"]
    endpoints["upper"] = {"name": "CHAT", "tags": [{"key": "team", "value": "ml"}]}
    configs.write()
    match = {"method": "PUT", "path": "/api/2.0/permissions/*"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 500, "times": None}])

    result = provision("apply", configs, "--yes", "--format", "json")

    assert result.code == 5
    assert "model_serving_endpoints.CHAT: created" in result.err
