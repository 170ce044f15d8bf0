from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import urllib3
from click.testing import CliRunner

from local_workspace import LocalWorkspace
from local_workspace.cli import cli
from local_workspace.embedded import open_embedded
from local_workspace.errors import UnusableStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from tests.local_workspace.conftest import Api

CREATE = "/api/2.0/secrets/scopes/create"
LIST = "/api/2.0/secrets/scopes/list"
CANARY = "sk-canary-0123456789"


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """`python -m local_workspace serve`, and the first line that it prints."""
    command = [sys.executable, "-m", "local_workspace", "serve", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            yield process, json.loads(line) if line else None
        finally:
            if process.poll() is None:
                process.kill()


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local_workspace", "serve", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def scopes(api: Api) -> set[str]:
    return {each["name"] for each in api.ok("GET", LIST).get("scopes", [])}


def test_the_first_line_says_where_and_it_answers_there(api_of: Callable[..., Api]) -> None:
    with serving() as (_, address):
        assert set(address) == {"host", "token"}
        assert address["host"].startswith("http://127.0.0.1:")
        assert api_of(**address).ok("GET", "/_local/health") == {"status": "ok"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_names_its_page_and_ends_quietly_when_it_is_told_to(number: int, code: int) -> None:
    with serving() as (process, address):
        assert process.stderr is not None
        named = process.stderr.readline()  # it comes after the address line that `serving` waits for
        process.send_signal(number)
        out, errors = process.communicate(timeout=30)
        assert (process.returncode, out, errors) == (code, "", "")
        assert named == f"Look at it in a browser: {address['host']}/_local/ui\n"


def test_a_restart_keeps_everything_and_the_token(tmp_path: Path, api_of: Callable[..., Api]) -> None:
    with serving("--state", tmp_path) as (_, address):
        api_of(**address).ok("POST", CREATE, {"scope": "kept"})
    with serving("--state", tmp_path) as (_, again):
        assert again["token"] == address["token"]
        assert scopes(api_of(**again)) == {"kept"}


def test_killed_during_writes_it_loses_nothing_that_it_answered(tmp_path: Path, api_of: Callable[..., Api]) -> None:
    answered = set()
    enough = threading.Event()

    def write(api: Api) -> None:
        for number in range(10_000):
            name = f"s{number}"
            try:
                api.ok("POST", CREATE, {"scope": name})
            except urllib3.exceptions.HTTPError:
                return
            answered.add(name)
            if len(answered) >= 50:
                enough.set()

    with serving("--state", tmp_path) as (process, address):
        writer = threading.Thread(target=write, args=(api_of(**address),))
        writer.start()
        assert enough.wait(30)
        process.kill()
        writer.join()
    with serving("--state", tmp_path) as (_, again):
        assert answered <= scopes(api_of(**again))


def test_the_state_is_for_its_owner_alone_and_ignored_by_git(tmp_path: Path, api_of: Callable[..., Api]) -> None:
    state = tmp_path / "state"
    with serving("--state", state) as (_, address):
        api = api_of(**address)
        api.ok("POST", CREATE, {"scope": "s"})
        api.ok("POST", "/api/2.0/secrets/put", {"scope": "s", "key": "k", "string_value": CANARY})
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()}
    assert modes.pop(".gitignore") is not None
    assert set(modes) >= {"workspace.sqlite", "address.json", "lock"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert (state / ".gitignore").read_text() == "*\n"


def test_a_folder_in_use_is_refused_in_one_line(tmp_path: Path) -> None:
    with serving("--state", tmp_path):
        answer = run("--state", tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"Error: {tmp_path} is in use: another process serves it\n"


def _damaged(folder: Path) -> None:
    (folder / "workspace.sqlite").write_text("this is no database, however long it may be")


def _of_another_version(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "workspace.sqlite")) as database:
        database.executescript("CREATE TABLE tokens (x); PRAGMA user_version=999;")


def _unopenable(folder: Path) -> None:
    (folder / "workspace.sqlite").mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(_damaged, "not a database"), (_of_another_version, "version 999"), (_unopenable, "directory")],
)
def test_a_folder_that_cannot_be_used_is_refused_in_one_line_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(tmp_path)
    file = tmp_path / "workspace.sqlite"
    before = file.read_bytes() if file.is_file() else None
    answer = run("--state", tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("Error: ")
    assert answer.stderr.count("\n") == 1
    assert str(file) in answer.stderr
    assert said in answer.stderr
    assert (file.read_bytes() if file.is_file() else None) == before
    with pytest.raises(UnusableStateError, match=said), open_embedded(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = run("--state", tmp_path / "file" / "state")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"Error: cannot use {tmp_path / 'file' / 'state'}: Not a directory\n"


def test_a_port_in_use_is_refused_in_one_line(workspace: LocalWorkspace) -> None:
    answer = run("--port", workspace.host.rpartition(":")[2])
    assert answer.returncode == 1
    assert "cannot listen" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])  # noqa: S104 - that it is refused is the point
def test_it_listens_on_nothing_but_loopback(host: str) -> None:
    answer = run("--host", host)
    assert answer.returncode == 2
    assert "loopback" in answer.stderr


def test_faults_can_come_from_a_file(tmp_path: Path, api_of: Callable[..., Api]) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps({"faults": [{"match": {"path": LIST}, "kind": "status", "status": 502}]}))
    with serving("--faults", file) as (_, address):
        assert [api_of(**address)("GET", LIST).status for _ in range(2)] == [502, 200]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        "\xff",
        "{}",
        '{"faults": [{"kind": "explode"}]}',
        '{"faults": [{"kind": "status", "status": 99}]}',
        '{"faults": [], "seed": [1]}',
        '{"faults": [], "colour": "red"}',
    ],
    ids=["half", "list", "deep", "bytes", "empty", "kind", "status", "seed", "strange"],
)
def test_a_bad_file_of_faults_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "faults.json"
    file.write_bytes(text.encode("latin-1"))
    answer = CliRunner().invoke(cli, ["serve", "--faults", str(file)])
    assert answer.exit_code == 1
    assert answer.stderr.startswith(f"Error: {file}: ")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("flags", [("--latency", "nan"), ("--deploy-seconds", "inf"), ("--port", "70000")])
def test_a_number_that_makes_no_sense_is_refused(flags: tuple[str, str]) -> None:
    answer = CliRunner().invoke(cli, ["serve", *flags])
    assert answer.exit_code == 2
    assert "Error: " in answer.stderr


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "::1"])
def test_any_loopback_address_will_do(tmp_path: Path, api_of: Callable[..., Api], host: str) -> None:
    with LocalWorkspace(bind=host, state=tmp_path) as workspace, open_embedded(tmp_path) as embedded:
        assert embedded.host == workspace.host
        assert api_of(workspace.host, workspace.token).ok("GET", "/_local/health") == {"status": "ok"}


def test_advanced_time_outlasts_a_restart(tmp_path: Path, api_of: Callable[..., Api]) -> None:
    def ready(workspace: LocalWorkspace) -> str:
        shown = api_of(workspace.host, workspace.token).ok("GET", "/api/2.0/serving-endpoints/c")
        return str(shown["state"]["ready"])

    entity = {"entity_name": "m", "entity_version": "1", "scale_to_zero_enabled": True}
    body = {"name": "c", "config": {"served_entities": [entity]}}
    with LocalWorkspace(state=tmp_path, custom_deploy_seconds=3600) as workspace:
        api_of(workspace.host, workspace.token).ok("POST", "/api/2.0/serving-endpoints", body)
        assert ready(workspace) == "NOT_READY"
        workspace.clock.advance(3600)
        assert ready(workspace) == "READY"
        written = workspace.clock.now_ms()
    with LocalWorkspace(state=tmp_path) as workspace:
        assert workspace.clock.now_ms() >= written
        assert ready(workspace) == "READY"


def test_a_second_user_of_the_folder_connects_to_the_first(tmp_path: Path, api_of: Callable[..., Api]) -> None:
    with open_embedded(tmp_path) as first, open_embedded(tmp_path) as second:
        assert (first.host, first.token, first.state) == (second.host, second.token, tmp_path)
        api_of(first.host, first.token).ok("POST", CREATE, {"scope": "s"})
        assert scopes(api_of(second.host, second.token)) == {"s"}


def test_the_embedded_workspace_connects_to_a_server_of_the_same_folder(tmp_path: Path) -> None:
    with serving("--state", tmp_path) as (_, address), open_embedded(tmp_path) as embedded:
        assert {"host": embedded.host, "token": embedded.token} == address


HOLD = """
import sys
from pathlib import Path
from local_workspace.embedded import open_embedded
with open_embedded(Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("end", ["kill", "leave"])
def test_when_the_serving_process_ends_another_takes_over_at_the_same_address(
    tmp_path: Path, pool: urllib3.PoolManager, end: str
) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "up\n"
        with open_embedded(tmp_path) as here:
            headers = {"Authorization": f"Bearer {here.token}"}
            retries = urllib3.Retry(connect=20, read=20, other=20, backoff_factor=0.05, allowed_methods=None)
            body = json.dumps({"scope": "before"})
            assert pool.request("POST", here.host + CREATE, body=body, headers=headers).status == 200
            if end == "kill":
                first.kill()
            else:
                first.stdin.close()
            answer = pool.request("GET", here.host + LIST, headers=headers, retries=retries)
            assert answer.json() == {"scopes": [{"name": "before", "backend_type": "DATABRICKS"}]}


def test_two_in_process_workspaces_do_not_share_a_folder(tmp_path: Path) -> None:
    with LocalWorkspace(state=tmp_path), pytest.raises(UnusableStateError, match="in use"):
        LocalWorkspace(state=tmp_path)
    with LocalWorkspace(state=tmp_path):
        pass


def test_closing_twice_is_no_error_and_nothing_answers_afterwards(pool: urllib3.PoolManager) -> None:
    workspace = LocalWorkspace()
    workspace.close()
    workspace.close()
    with pytest.raises(urllib3.exceptions.HTTPError):
        pool.request("GET", workspace.host + "/_local/health")


def test_a_thread_is_not_left_behind() -> None:
    before = threading.active_count()
    with LocalWorkspace():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_tokens_stay_out_of_what_is_printed(tmp_path: Path) -> None:
    with open_embedded(tmp_path) as embedded, LocalWorkspace(simulated_key=CANARY) as workspace:
        assert embedded.token not in repr(embedded)
        assert workspace.token not in repr(workspace)
        assert CANARY not in repr(workspace._workspace.settings)


def test_help_and_start_do_not_depend_on_the_environment() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "local_workspace", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert "Serve until interrupted" in answer.stdout


def test_an_uncertain_behaviour_can_be_switched(api_of: Callable[..., Api]) -> None:
    with serving("--behaviour", "existing_scope_status=409", "--behaviour", "known_principals_only=true") as (
        _,
        address,
    ):
        api = api_of(**address)
        api.ok("POST", CREATE, {"scope": "s"})
        assert api("POST", CREATE, {"scope": "s"}).status == 409
        acl = {"scope": "s", "principal": "nobody@example.com", "permission": "READ"}
        assert api("POST", "/api/2.0/secrets/acls/put", acl).status == 400


@pytest.mark.parametrize("switch", ["colour=red", "busy_status=418", "busy_status"])
def test_a_switch_that_is_none_is_refused_with_those_that_are(switch: str) -> None:
    answer = run("--behaviour", switch)
    assert answer.returncode == 2
    assert "busy_status" in answer.stderr
