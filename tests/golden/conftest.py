"""Golden cases: what a sequence of configs plans, sends and says, recorded for a reviewer to read.

A case is a folder with numbered steps. A step holds some of:

- `databricks.yml`: the configs; without one, those of the step before go on.
- `step.json`: `command` (apply), `flags` of it, `target`, `env` (variables from this step on), and `outside`: the calls
  that another client makes first, each `{method, path, body}`; `{id of NAME}` in a path is an endpoint's id.
- `plan.txt`, `requests.jsonl`, `output.txt`: the recordings. `pytest tests/golden --regenerate` writes them anew, and
  its diff is what a change of behaviour looks like.

Requests that only read are left out. Those of one object stand in their order; objects are worked on in parallel, so
the objects themselves are sorted. What differs from run to run (ids, times, the host) is named instead.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from provisioning.cli import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.local import LocalWorkspace
    from local_workspace.recorder import RecordedRequest

HERE = Path(__file__).parent
PLAN, REQUESTS, OUTPUT = RECORDINGS = ("plan.txt", "requests.jsonl", "output.txt")

_ENDPOINTS = "/api/2.0/serving-endpoints"
_PERMISSIONS = "/api/2.0/permissions/serving-endpoints/"
_HINT = "`apply` carries it out.\n"
_PROGRESS = re.compile(r"(?P<object>(secret_scopes|model_serving_endpoints)\.[^:/]+)[:/]")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write the golden recordings anew")


@pytest.fixture
def regenerating(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--regenerate", default=False))


@dataclass(frozen=True)
class Step:
    """One command, the configs that it is given, and what happened before."""

    folder: Path
    configs: Path
    command: str
    flags: tuple[str, ...]
    target: str
    env: Mapping[str, str]
    outside: tuple[Mapping[str, Any], ...]

    def recorded(self, name: str) -> str | None:
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    def record(self, recordings: Mapping[str, str]) -> None:
        for name, text in recordings.items():
            (self.folder / name).write_text(text, encoding="utf-8")


def steps_of(case: Path) -> list[Step]:
    """Read a case's steps, in their order."""
    steps: list[Step] = []
    configs = case / "1"
    for folder in sorted((each for each in case.iterdir() if each.name.isdigit()), key=lambda each: int(each.name)):
        configs = folder if (folder / "databricks.yml").exists() else configs
        script = folder / "step.json"
        given: dict[str, Any] = json.loads(script.read_text(encoding="utf-8")) if script.exists() else {}
        steps.append(
            Step(
                folder=folder,
                configs=configs,
                command=given.pop("command", "apply"),
                flags=tuple(given.pop("flags", ())),
                target=given.pop("target", ""),
                env=given.pop("env", {}),
                outside=tuple(given.pop("outside", ())),
            )
        )
        assert not given, f"{script}: unknown {', '.join(given)}"
    return steps


CASES = {each.name: steps_of(each) for each in sorted(HERE.iterdir()) if (each / "1").is_dir()}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `case` each case's steps in turn; one that asks for `cases` gets them all."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture
def recordings() -> tuple[str, ...]:
    return RECORDINGS


@pytest.fixture(scope="session")
def cases() -> Mapping[str, list[Step]]:
    return CASES


@dataclass(frozen=True)
class Played:
    """What a step came to."""

    code: int
    recordings: Mapping[str, str]


class Stage:
    """A workspace in which the steps of one case are played, one after another."""

    def __init__(
        self, workspace: LocalWorkspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._workspace = workspace
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self._pool = urllib3.PoolManager()
        self._ids: dict[str, str] = {}

    def play(self, step: Step) -> Played:
        """Play a step; its plan and what carrying it out shows must be the same list."""
        self._monkeypatch.chdir(step.folder.parent)
        for name, value in step.env.items():
            self._monkeypatch.setenv(name, value)
        for call in step.outside:
            self._call_as_another_client(call)
        plan = self._run("plan", step, *step.flags)[1] if step.command == "apply" else None
        self._workspace.requests.clear()
        code, shown, said = self._run(step.command, step, "--yes", *step.flags)
        assert plan is None or shown == plan.replace(_HINT, ""), "what apply shows is not what plan shows"
        self._learn_ids()
        recordings = {
            PLAN: shown,
            REQUESTS: "".join(map(_line, self._writes())),
            OUTPUT: f"$ {' '.join((step.command, '--yes', *step.flags))}\n{said}exit {code}\n",
        }
        return Played(code, {name: self._named(text) for name, text in recordings.items()})

    def pending(self, step: Step) -> str | None:
        """Return what another plan of the same configs would change; None if it is empty and wrote nothing."""
        self._workspace.requests.clear()
        code, plan, _ = self._run("plan", step, "--detailed-exitcode")
        assert [each for each in self._workspace.requests if each.method != "GET"] == []
        return None if code == 0 else plan

    def _run(self, command: str, step: Step, *more: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        target = ("--target", step.target) if step.target else ()
        code = run([command, step.configs.name, *target, *more])
        out, err = self._capsys.readouterr()
        return code, out, _sorted_progress(err)

    def _call_as_another_client(self, call: Mapping[str, Any]) -> None:
        path = re.sub(r"\{id of ([^}]+)\}", lambda found: self._id_of(found[1]), call["path"])
        answer = self._request(call["method"], path, call.get("body"))
        assert answer.status == 200, f"{call}: {answer.data.decode()}"

    def _request(self, method: str, path: str, body: object = None) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {self._workspace.token}"}
        return self._pool.request(method, f"{self._workspace.host}{path}", json=body, headers=headers)

    def _learn_ids(self) -> None:
        for each in self._request("GET", _ENDPOINTS).json().get("endpoints", []):
            if "id" in each:
                self._ids[each["id"]] = each["name"]

    def _id_of(self, name: str) -> str:
        self._learn_ids()
        return next(each for each, called in reversed(self._ids.items()) if called == name)

    def _writes(self) -> list[RecordedRequest]:
        return sorted((each for each in self._workspace.requests if each.method != "GET"), key=self._object_of)

    def _object_of(self, request: RecordedRequest) -> tuple[str, str]:
        body = request.body if isinstance(request.body, dict) else {}
        if request.path.startswith("/api/2.0/secrets/"):
            return "1 scope", str(body.get("scope"))
        if request.path.startswith(_PERMISSIONS):
            return "2 endpoint", self._ids.get(request.path.removeprefix(_PERMISSIONS), "")
        named = request.path.removeprefix(_ENDPOINTS).strip("/").partition("/")[0]
        return "2 endpoint", named or str(body.get("name"))

    def _named(self, text: str) -> str:
        """Return a text with names in place of what differs from run to run."""
        text = text.replace(self._workspace.host, "<host>").replace(self._workspace.workspace_id, "<workspace>")
        for endpoint_id, name in self._ids.items():
            text = text.replace(endpoint_id, f"<id of {name}>")
        text = re.sub(r"\b(1\.[a-z]*)\.[0-9a-f]{12}", r"\1.<hash>", text)
        text = re.sub(r"(?<![-:0-9a-f])[0-9a-f]{12}\b", "<set>", text)
        return re.sub(r"\d+\.\d+ s\b", "<seconds> s", text)


@pytest.fixture
def stage(databricks_env: LocalWorkspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("GOLDEN_KEY", "sk-never-shown-1")
    monkeypatch.setattr("provisioning.cli.terminal.PATIENCE", 3600.0)  # a busy machine is no news
    monkeypatch.setenv("PROVISIONING_ALLOW_COMMANDS", "printf")
    return Stage(databricks_env, capsys, monkeypatch)


def _line(request: RecordedRequest) -> str:
    fields = {"method": request.method, "path": request.path, "body": request.body}
    if request.status != 200:
        fields["status"] = request.status
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _sorted_progress(text: str) -> str:
    """Return what was said with the lines on one object together: objects are worked on in parallel."""
    lines = text.splitlines(keepends=True)
    progress = {index: found["object"] for index, line in enumerate(lines) if (found := _PROGRESS.match(line))}
    scopes_first = sorted(progress, key=lambda index: (not progress[index].startswith("secret"), progress[index]))
    in_order = [lines[index] for index in scopes_first]
    for index, line in zip(progress, in_order, strict=True):
        lines[index] = line
    return "".join(lines)
