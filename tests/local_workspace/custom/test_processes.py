"""Models' processes that crash, hang, talk too much, are replaced, deleted, scaled to zero or left behind.

They load a stand-in for MLflow, in a tenth of a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Deploy = Callable[..., dict[str, Any]]
    Wait = Callable[[Callable[[], object]], None]

ROOT = Path(__file__).resolve().parents[3]
STAND_IN = Path(__file__).parent / "stand_in"
ENDPOINTS = "/api/2.0/serving-endpoints"
NOWHERE = "http://127.0.0.1:9"
"""A registry that the stand-in never asks."""
KEY = "told-in-confidence"


@pytest.fixture(scope="module")
def workspace() -> Iterator[LocalWorkspace]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(STAND_IN))
        patch.setattr("local_workspace.custom_models._LOOK_SECONDS", 0.1)
        with LocalWorkspace(registry=NOWHERE, custom_deploy_seconds=0) as running:
            yield running


@pytest.fixture
def ask(api: Any, deploy: Deploy) -> Callable[..., Any]:  # noqa: ANN401 - the folder's `Api`
    """Tells a model what to do; each model is deployed when it is asked first."""
    api("POST", "/api/2.0/secrets/scopes/create", {"scope": "team"})
    api.ok("POST", "/api/2.0/secrets/put", {"scope": "team", "key": "told", "string_value": KEY})

    def asked(do: str, *, model: str = "obedient", **body: object) -> Any:  # noqa: ANN401 - JSON
        deploy(model, environment_vars={"TOLD": "{{secrets/team/told}}"})
        return api("POST", f"/serving-endpoints/{model}/invocations", {"do": do, **body})

    return asked


@pytest.fixture
def events(ask: Callable[..., Any]) -> Callable[..., list[str]]:
    """Lets a model stream, and returns its events."""

    def streamed(*chunks: object) -> list[str]:
        lines: list[str] = ask("stream", stream=True, chunks=chunks).body.strip().split("\n\n")
        return [line.removeprefix("data: ") for line in lines]

    return streamed


def state_of(endpoint: dict[str, Any], config: str = "config") -> dict[str, Any]:
    state: dict[str, Any] = endpoint[config]["served_entities"][0]["state"]
    return state


def is_alive(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline")  # of a dead process that nobody has asked after yet, it is empty
    return command.exists() and command.read_bytes() != b""


def test_a_model_that_crashes_is_loaded_again_and_what_it_started_is_gone(ask: Callable[..., Any], waits: Wait) -> None:
    child = ask("spawn").body
    assert ask("crash").error == (500, "INTERNAL_ERROR")
    waits(lambda: not is_alive(child))
    assert ask("repeat", text="again").body == "again"


@pytest.mark.witness("custom-scaled-to-zero", client="HTTP")
def test_an_idle_model_is_scaled_to_zero_and_loaded_by_the_next_call(
    workspace: LocalWorkspace,
    api: Any,  # noqa: ANN401 - `Api`
    ask: Callable[..., Any],
    waits: Wait,
) -> None:
    before = ask("pid").body
    workspace.clock.advance(30 * 60)
    shown = api.ok("GET", f"{ENDPOINTS}/obedient")
    assert state_of(shown) == {"deployment": "DEPLOYMENT_READY", "deployment_state_message": "Scaled to zero"}
    assert shown["state"]["ready"] == "READY"
    waits(lambda: not is_alive(before))
    assert ask("pid").body != before
    assert state_of(api.ok("GET", f"{ENDPOINTS}/obedient"))["deployment_state_message"] == ""


@pytest.mark.witness("custom-load-failure", client="HTTP")
def test_a_model_that_cannot_be_loaded_says_why_and_the_old_config_goes_on_serving(
    deploy: Deploy, ask: Callable[..., Any]
) -> None:
    assert ask("pid", model="first").status == 200
    failed = deploy("broken", endpoint="first", environment_vars={"TOLD": "{{secrets/team/told}}"})
    assert failed["state"]["config_update"] == "UPDATE_FAILED"
    assert state_of(failed, "pending_config") == {
        "deployment": "DEPLOYMENT_FAILED",
        "deployment_state_message": (
            "Failed to load main.default.broken version 1: RuntimeError: no weights for the key [REDACTED]"
        ),
    }
    assert ask("repeat", model="first", text="as before").body == "as before"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("missing", "ModuleNotFoundError: No module named 'sklearn'"),
        ("crashing", "its process ended while it was loaded; its logs may say why"),
        ("exiting", "SystemExit: 3"),
    ],
)
def test_whatever_keeps_a_model_from_loading_is_said(deploy: Deploy, model: str, said: str) -> None:
    assert said in state_of(deploy(model), "pending_config")["deployment_state_message"]


def test_a_registry_that_is_not_there_is_named_and_not_made(tmp_path: Path, waits: Wait) -> None:
    path = tmp_path / "mlflow.db"
    with LocalWorkspace(registry=f"sqlite:///{path}", custom_deploy_seconds=0) as running:
        entity = {"entity_name": "main.default.m", "entity_version": "1", "scale_to_zero_enabled": True}
        body = {"name": "m", "config": {"served_entities": [entity]}}
        headers = {"Authorization": f"Bearer {running.token}"}
        created = urllib3.request("POST", f"{running.host}{ENDPOINTS}", json=body, headers=headers)
        assert created.status == 200
        seen: dict[str, Any] = {}

        def has_failed() -> bool:
            seen.update(urllib3.request("GET", f"{running.host}{ENDPOINTS}/m", headers=headers).json())
            return seen["state"]["config_update"] == "UPDATE_FAILED"

        waits(has_failed)
    assert f"there is no registry at sqlite:///{path}" in state_of(seen, "pending_config")["deployment_state_message"]
    assert not path.exists()


@pytest.mark.parametrize("variables", [{"NULL": "a\0b"}, {"A=B": "c"}, {"LONG": "x" * 1_000_000}])
def test_variables_that_no_process_can_have_fail_the_deployment(deploy: Deploy, variables: dict[str, str]) -> None:
    failed = deploy("unstartable", endpoint="unstartable", environment_vars=variables)
    assert "its process could not be started" in state_of(failed, "pending_config")["deployment_state_message"]


def test_a_secret_that_does_not_exist_fails_the_deployment(deploy: Deploy) -> None:
    failed = deploy("unkeyed", environment_vars={"K": "{{secrets/team/nothing}}"})
    assert "{{secrets/team/nothing}} is missing" in state_of(failed, "pending_config")["deployment_state_message"]


def test_what_a_model_prints_is_its_log_without_secrets(
    api: Any,  # noqa: ANN401 - `Api`
    ask: Callable[..., Any],
    waits: Wait,
) -> None:
    assert ask("raise").error == (400, "BAD_REQUEST")
    ask("print", text="no newline " * 1000 + "\0\x1b[31m and the end\n")

    def logs() -> str:
        printed: str = api.ok("GET", f"{ENDPOINTS}/obedient/served-models/obedient/logs")["logs"]
        return printed

    waits(lambda: "and the end" in logs())  # what a model prints takes a way of its own
    assert "about to raise with [REDACTED]" in logs()
    assert KEY not in logs()


def test_a_secret_of_several_lines_stays_out_of_the_log(
    api: Any,  # noqa: ANN401 - `Api`
    deploy: Deploy,
    waits: Wait,
) -> None:
    lines = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkq", "hkiG9w0BAQEFAASC", "-----END PRIVATE KEY-----"]
    api("POST", "/api/2.0/secrets/scopes/create", {"scope": "team"})
    api.ok("POST", "/api/2.0/secrets/put", {"scope": "team", "key": "pem", "string_value": "\n".join(lines)})
    deploy("signer", environment_vars={"PEM": "{{secrets/team/pem}}"})
    body = {"do": "print", "text": "\n".join([*lines, "that was all\n"])}
    api.ok("POST", "/serving-endpoints/signer/invocations", body)

    def logs() -> str:
        printed: str = api.ok("GET", f"{ENDPOINTS}/signer/served-models/signer/logs")["logs"]
        return printed

    waits(lambda: "that was all" in logs())
    assert [line for line in lines if line in logs()] == []


def test_unicode_and_a_long_text_pass_as_they_are(ask: Callable[..., Any]) -> None:
    for text in ("Grüße 🦜\u2028\x00", "x" * 5_000_000):
        assert ask("repeat", text=text).body == text


@pytest.mark.parametrize(("breaks", "code"), [("crash", "INTERNAL_ERROR"), ("raise", "BAD_REQUEST")])
def test_a_stream_that_breaks_off_ends_with_an_error_and_is_not_called_done(
    events: Callable[..., list[str]], breaks: str, code: str
) -> None:
    *chunks, end = events({"n": 1}, {"n": 2}, breaks)
    assert chunks == ['{"n": 1}', '{"n": 2}']
    assert json.loads(end)["error"]["error_code"] == code


def test_many_calls_at_once_get_their_own_answers(ask: Callable[..., Any]) -> None:
    ask("pid")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: ask("repeat", text=number).body, range(64)))
    assert answers == list(range(64))


def test_two_versions_share_the_traffic_each_in_a_process_of_its_own(
    api: Any,  # noqa: ANN401 - `Api`
    waits: Wait,
) -> None:
    entities = [
        {"name": f"v{version}", "entity_name": "main.default.shared", "entity_version": str(version)}
        for version in (1, 2)
    ]
    routes = [{"served_model_name": each["name"], "traffic_percentage": 50} for each in entities]
    config = {
        "served_entities": [{**each, "scale_to_zero_enabled": False} for each in entities],
        "traffic_config": {"routes": routes},
    }
    api.ok("POST", ENDPOINTS, {"name": "shared", "config": config})
    waits(lambda: api.ok("GET", f"{ENDPOINTS}/shared")["state"]["ready"] == "READY")
    answers = [api("POST", "/serving-endpoints/shared/invocations", {"do": "pid"}) for _ in range(40)]
    by_entity = {answer.headers["served-model-name"]: answer.body for answer in answers}
    assert set(by_entity) == {"v1", "v2"}
    assert by_entity["v1"] != by_entity["v2"]
    named = api("POST", "/serving-endpoints/shared/served-models/v2/invocations", {"do": "pid"})
    assert named.body == by_entity["v2"]


def test_a_new_config_serves_when_it_is_loaded_and_the_old_process_ends(
    api: Any,  # noqa: ANN401 - `Api`
    deploy: Deploy,
    ask: Callable[..., Any],
    waits: Wait,
) -> None:
    old = ask("pid", model="renewed").body
    deploy("renewed", endpoint="renewed", environment_vars={"NEW": "1"})
    seen = api.ok("POST", "/serving-endpoints/renewed/invocations", {"do": "environment"})
    assert seen["NEW"] == "1"
    waits(lambda: not is_alive(old))


def test_an_endpoint_that_is_deleted_while_its_model_loads_leaves_no_process(
    api: Any,  # noqa: ANN401 - `Api`
    tmp_path: Path,
    waits: Wait,
) -> None:
    entity = {"entity_name": "main.default.hanging", "entity_version": "1", "scale_to_zero_enabled": True}
    config = {"served_entities": [{**entity, "environment_vars": {"MARK": str(tmp_path)}}]}
    api.ok("POST", ENDPOINTS, {"name": "hanging", "config": config})
    waits(lambda: list(tmp_path.iterdir()))
    api.ok("DELETE", f"{ENDPOINTS}/hanging")
    process = int(next(tmp_path.iterdir()).name)
    waits(lambda: not is_alive(process))


def test_an_entitys_own_pythonpath_is_added_to_the_workers(
    api: Any,  # noqa: ANN401 - `Api`
    deploy: Deploy,
) -> None:
    deploy("pathed", environment_vars={"PYTHONPATH": "/somewhere"})
    seen = api.ok("POST", "/serving-endpoints/pathed/invocations", {"do": "environment"})
    assert "/somewhere" in seen["PYTHONPATH"].split(":")


def test_a_model_sees_its_entitys_variables_and_none_of_ours(ask: Callable[..., Any]) -> None:
    seen = ask("environment").body
    assert (seen["TOLD"], seen["MLFLOW_TRACKING_URI"], seen["MLFLOW_REGISTRY_URI"]) == (KEY, NOWHERE, NOWHERE)
    assert seen["HOME"] == ask("here").body != os.environ["HOME"]
    assert [name for name in seen if name.startswith(("DATABRICKS_", "OPENAI_", "PYTEST_"))] == []


def test_a_model_that_does_not_answer_in_time_is_ended_and_loaded_again(
    monkeypatch: pytest.MonkeyPatch, waits: Wait
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    with (
        LocalWorkspace(registry=NOWHERE, custom_deploy_seconds=0, model_call_seconds=0.5) as running,
        urllib3.PoolManager(headers={"Authorization": f"Bearer {running.token}"}) as pool,
    ):

        def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
            answer = pool.request(method, f"{running.host}{path}", json=body)
            return answer.status, answer.json()

        entity = {"entity_name": "main.default.slow", "entity_version": "1", "scale_to_zero_enabled": True}
        assert call("POST", ENDPOINTS, {"name": "slow", "config": {"served_entities": [entity]}})[0] == 200
        waits(lambda: call("GET", f"{ENDPOINTS}/slow")[1]["state"]["ready"] == "READY")
        status, said = call("POST", "/serving-endpoints/slow/invocations", {"do": "hang"})
        assert (status, said["error_code"]) == (504, "DEADLINE_EXCEEDED")
        waits(lambda: call("POST", "/serving-endpoints/slow/invocations", {"do": "pid"})[0] == 200)


def test_a_killed_server_leaves_no_model_behind_and_its_deployment_goes_on_with_the_next(
    tmp_path: Path, waits: Wait
) -> None:
    home, marks, elsewhere = (tmp_path / name for name in ("home", "marks", "elsewhere"))
    for folder in (home, marks, elsewhere):
        folder.mkdir()
    (elsewhere / "precious").touch()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": f"{ROOT}{os.pathsep}{STAND_IN}"}
    serve = [sys.executable, "-m", "local_workspace", "serve", "--state", "state", "--registry", NOWHERE]
    with subprocess.Popen(serve, cwd=tmp_path, env=env, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())
        with urllib3.PoolManager(headers={"Authorization": f"Bearer {address['token']}"}) as pool:

            def call(method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
                answer = pool.request(method, f"{address['host']}{path}", json=body)
                assert answer.status == 200, answer.data
                return answer.json()

            def create(model: str, **variables: str) -> None:
                entity = {"entity_name": f"main.default.{model}", "entity_version": "1", "scale_to_zero_enabled": True}
                config = {"served_entities": [{**entity, "environment_vars": variables}]}
                call("POST", ENDPOINTS, {"name": model, "config": config})

            create("loaded")
            waits(lambda: call("GET", f"{ENDPOINTS}/loaded")["state"]["ready"] == "READY")
            scratch = Path(call("POST", "/serving-endpoints/loaded/invocations", {"do": "here"}))
            loaded = call("POST", "/serving-endpoints/loaded/invocations", {"do": "pid"})
            call("POST", "/serving-endpoints/loaded/invocations", {"do": "chdir", "to": str(elsewhere)})
            create("hanging", MARK=str(marks))
            waits(lambda: list(marks.iterdir()))
            loading = int(next(marks.iterdir()).name)
        server.kill()
    waits(lambda: not is_alive(loaded) and not is_alive(loading))
    assert not scratch.exists()
    assert (elsewhere / "precious").exists(), "a model that went elsewhere took what is there with it"

    with subprocess.Popen(serve, cwd=tmp_path, env=env, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        waits(lambda: len(list(marks.iterdir())) == 2)
        again = next(int(each.name) for each in marks.iterdir() if int(each.name) != loading)
        server.terminate()
    waits(lambda: not is_alive(again))
