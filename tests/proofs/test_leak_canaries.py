"""A canary in every place that holds a secret, looked for in everything that any command leaves behind.

Places: each plaintext field of the model, each kind of source, the token, an OAuth secret, a value put as bytes.
Forms: as it is, base64, URL, JSON. Outcomes: well, refused by a server that repeats what it was sent, answers lost, a
bug of ours, Ctrl-C, SIGKILL at a write; all with DEBUG logging on. Looked through: output, logs, tracebacks, files and
temporary ones, what the workspace keeps, and what programs that are run can see: their environment and all processes'
arguments.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import logging
import tempfile
import traceback
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
from proving.canaries import Cage, canary, forms, stored
from proving.looking import Api
from proving.processes import KILLED, kill_command, ready_processes
from proving.virtual_time import virtual_time

from local_workspace import LocalWorkspace
from local_workspace.recorder import view
from provisioning import apply, load
from provisioning.cli import run
from provisioning.errors import ProvisioningError
from provisioning.workspace.client import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from proving.processes import When
    from proving.sizes import Proof

PUT = "/api/2.0/secrets/put"
PRINCIPAL = "0a1b2c3d-0000-4000-8000-000000000001"

UNREAD_BY_ROTATE = {"file", "dotenv", "command"}
"""A run reads no source that it does not need, and cannot conceal what a server repeats of a value it does not know."""

COMMANDS = (
    "validate {configs}", "schema", "graph {configs}", "plan {configs}", "plan {configs} --format json",
    "plan {configs} --format markdown", "plan {configs} --out {out}/plan.json", "doctor {configs}",
    "apply {configs} --yes --format jsonl --timeout 0 --record {out}/record.json", "status {configs}",
    "plan {configs} --format github --detailed-exitcode", "wait {configs} --timeout 0",
    "export --out {out}/exported", "rotate canaries/env {configs} --yes", "rotate canaries/command {configs} --yes",
    "rotate canaries/file {configs} --yes --versioned", "secrets gc {configs} --yes", "init {out}/started",
    "plan {configs} --select secret_scopes.canaries/secrets.command", "disown {configs} --yes",
    "plan {configs} --compare-values", "apply {configs} --yes --adopt --timeout 0",
    "apply {configs} --yes --prune --allow-destructive --format json --timeout 0", "destroy {configs} --yes",
)  # fmt: skip


def nothing(_workspace: LocalWorkspace, _cage: Cage, _patch: pytest.MonkeyPatch) -> None:
    """Let everything go well."""


def repeat(workspace: LocalWorkspace, cage: Cage, _patch: pytest.MonkeyPatch) -> None:
    """Refuse some writes, with all that was ever sent in the message."""
    said = " ".join(sorted(form for value in cage.canaries.values() for form in forms(value)))
    for path, offset in ((PUT, 3), ("/api/2.0/serving-endpoints", 0)):
        fault = {"kind": "status", "status": 400, "error_code": "INVALID_PARAMETER_VALUE", "times": None}
        workspace.faults.arm([{"match": {"method": "POST", "path": path}, "offset": offset, "message": said, **fault}])


def lose(workspace: LocalWorkspace, _cage: Cage, _patch: pytest.MonkeyPatch) -> None:
    """Lose some answers, before and after the write."""
    for offset, when in ((1, "before"), (4, "after")):
        match = {"method": "POST", "path": "/api/2.0/*"}
        workspace.faults.arm([{"match": match, "offset": offset, "kind": "reset", "when": when, "times": 1}])


def raise_at_a_write(error: BaseException) -> Callable[[LocalWorkspace, Cage, pytest.MonkeyPatch], None]:
    """Let a call that writes end in an exception that nobody expects."""

    def arrange(_workspace: LocalWorkspace, _cage: Cage, patch: pytest.MonkeyPatch) -> None:
        calls = Connection.call

        def call(self: Connection, method: str, path: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on
            if path == PUT and options["body"]["key"] == "dotenv":
                raise error
            return calls(self, method, path, **options)

        patch.setattr(Connection, "call", call)
        patch.setenv("PROVISIONING_DEBUG", "1")

    return arrange


OUTCOMES = {
    "well": nothing,
    "refused": repeat,
    "lost": lose,
    "bug": raise_at_a_write(RuntimeError("a bug of ours")),
    "ctrl-c": raise_at_a_write(KeyboardInterrupt()),
    "killed": nothing,
}
WRITES = 8
"""How many requests that write a command may have made before it is killed."""
WHENS: tuple[When, ...] = ("before", "after")


LOGINS = ("token", "OAuth")


def test_no_canary_gets_out(proof: Proof, tmp_path: Path) -> None:
    drawn = list(itertools.product(OUTCOMES, LOGINS))
    ready_processes()
    for outcome, login in proof.dice().sample(drawn, proof.size(quick=6, full=len(drawn))):
        folder = tmp_path / outcome / login
        folder.mkdir(parents=True)
        cage = Cage(folder)
        with pytest.MonkeyPatch.context() as patch, virtual_time():
            seen = [*left_by_commands(proof, cage, folder / "state", patch, outcome=outcome, login=login)]
        canaries = {**cage.canaries, "child": canary("child"), "azure": canary("azure"), "bytes": canary("bytes")}
        caught = [
            (place, where)
            for place, value in canaries.items()
            for form in forms(value)
            for where, text in seen
            if form in text and not (place in UNREAD_BY_ROTATE and where.startswith("rotate"))
        ]
        assert sorted(set(caught)) == [], (outcome, login)
        proof.tried("canaries", len(canaries))


def left_by_commands(
    proof: Proof, cage: Cage, state: Path, patch: pytest.MonkeyPatch, *, outcome: str, login: str
) -> Iterator[tuple[str, str]]:
    """Run all commands, and yield everything that they leave, with what it is."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    dice = proof.dice(login)
    codes: list[int | None] = []
    handler.setLevel(logging.DEBUG)
    patch.setattr(logging.getLogger(), "level", logging.DEBUG)
    patch.setattr(tempfile, "tempdir", None)
    logging.getLogger().addHandler(handler)
    try:
        with LocalWorkspace(state=state, deploy_seconds=0.0) as workspace:
            for name, value in {**cage.environ, **logged_in(workspace, cage, login)}.items():
                patch.setenv(name, value)
            put_bytes(workspace, canary("bytes"))
            OUTCOMES[outcome](workspace, cage, patch)
            for command in COMMANDS:
                words = command.format(configs=cage.configs, out=cage.out)
                if outcome == "killed":  # what it said is among the files
                    cut, when = dice.randrange(WRITES), dice.choice(WHENS)
                    codes.append(kill_command(words, cage.out, cut=cut, when=when))
                else:
                    yield from said_by(words)
                proof.tried("commands")
            assert KILLED in codes or outcome != "killed"
            assert None not in codes
            proof.tried("of them killed", codes.count(KILLED))
            writes = [each.raw for each in workspace.requests if each.method == "POST"]
            assert any(b"canaries" in each for each in writes), f"{outcome}, {login}: nothing was applied"
            yield "apply's error", with_locals(cage)
            yield "request log", json.dumps(view(workspace.requests))
            yield "request bodies", repr([each.raw for each in workspace.requests])
    finally:
        logging.getLogger().removeHandler(handler)
    yield "log", log.getvalue()
    yield from cage.left()
    yield from stored(state / "workspace.sqlite")


def logged_in(workspace: LocalWorkspace, cage: Cage, login: str) -> dict[str, str]:
    """Return the environment's login; what it consists of is a canary too. Azure's in the cage is not meant."""
    if login == "token":
        cage.canaries["token"] = workspace.token
        chosen = {"DATABRICKS_AUTH_TYPE": "pat", "DATABRICKS_TOKEN": workspace.token}
    else:
        secret = workspace.client_secret_for(PRINCIPAL, groups=("admins", "users"))
        cage.canaries["OAuth secret"] = secret
        client = {"DATABRICKS_CLIENT_ID": PRINCIPAL, "DATABRICKS_CLIENT_SECRET": secret}
        chosen = {"DATABRICKS_AUTH_TYPE": "oauth-m2m", **client}
    return {"DATABRICKS_HOST": workspace.host, **chosen}


def put_bytes(workspace: LocalWorkspace, value: str) -> None:
    """Put a value the other way that the API knows, which `provisioning` does not use."""
    api = Api(workspace.host, workspace.token)
    encoded = base64.b64encode(value.encode()).decode()
    for path, body in (("scopes/create", {}), ("put", {"key": "bytes", "bytes_value": encoded})):
        assert api("POST", f"/api/2.0/secrets/{path}", {"scope": "others", **body})[0] == 200


def with_locals(cage: Cage) -> str:
    """Apply as a library, and return what a tool that shows tracebacks with their locals makes of the error."""
    try:
        apply(load([cage.configs]), timeout=0.0)
    except ProvisioningError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    except (RuntimeError, KeyboardInterrupt):  # what no rule of ours can be held to: see docs/reliability.md
        pass
    return ""


def said_by(command: str) -> list[tuple[str, str]]:
    """Run a command, and return what it said, and what a debugging run shows of a bug."""
    out, errors, shown = io.StringIO(), io.StringIO(), ""
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            run(command.split())
        except BaseException as error:  # noqa: BLE001 - what a debugging run raises is what is looked at
            shown = "".join(traceback.format_exception(error))
    return [(f"{command}: stdout", out.getvalue()), (f"{command}: stderr", errors.getvalue()),
            (f"{command}: traceback", shown)]  # fmt: skip
