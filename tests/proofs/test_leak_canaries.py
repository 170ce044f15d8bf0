"""A canary in every place that holds a secret, looked for in everything that any command leaves behind.

Places: each plaintext field of the model, each kind of source, the token. Forms: as it is, base64, URL, JSON.
Outcomes: well, refused by a server that repeats what it was sent, a bug of ours, Ctrl-C; all with DEBUG logging on.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import sqlite3
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
import yaml
from proving.worlds import SET_NAME

from local_workspace import LocalWorkspace
from local_workspace.recorder import view
from provisioning import apply, load
from provisioning.cli import run
from provisioning.errors import ProvisioningError
from provisioning.workspace.client import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from proving.sizes import Proof

SOURCES = ("env", "file", "dotenv", "command")

UNREAD_BY_ROTATE = {"file", "dotenv", "command"}
"""A run reads no source that it does not need, and cannot conceal what a server repeats of a value it does not know."""

BEDROCK = {"aws_region": "us-east-1", "bedrock_provider": "anthropic"}
ENTRA = {
    "openai_api_type": "azuread", "openai_api_base": "http://127.0.0.1:9/", "openai_api_version": "2024-10-21",
    "openai_deployment_name": "d", "microsoft_entra_tenant_id": "t", "microsoft_entra_client_id": "c",
}  # fmt: skip
ELSEWHERE = {"databricks_workspace_url": "http://127.0.0.1:9"}
PLAINTEXT: tuple[tuple[str, str, dict[str, Any], tuple[str, ...]], ...] = (
    ("openai", "openai_config", {}, ("openai_api_key",)),
    ("openai", "openai_config", ENTRA, ("microsoft_entra_client_secret",)),
    ("anthropic", "anthropic_config", {}, ("anthropic_api_key",)),
    ("amazon-bedrock", "amazon_bedrock_config", BEDROCK, ("aws_access_key_id", "aws_secret_access_key")),
    ("cohere", "cohere_config", {}, ("cohere_api_key",)),
    ("ai21labs", "ai21labs_config", {}, ("ai21labs_api_key",)),
    ("google-cloud-vertex-ai", "google_cloud_vertex_ai_config", {"project_id": "p", "region": "r"}, ("private_key",)),
    ("databricks-model-serving", "databricks_model_serving_config", ELSEWHERE, ("databricks_api_token",)),
    ("palm", "palm_config", {}, ("palm_api_key",)),
)

COMMANDS = (
    "validate {configs}", "schema", "graph {configs}", "plan {configs}", "plan {configs} --format json",
    "plan {configs} --format markdown", "plan {configs} --out {out}/plan.json", "doctor {configs}",
    "apply {configs} --yes --format jsonl --timeout 0 --record {out}/record.json", "status {configs}",
    "plan {configs} --format github --detailed-exitcode", "wait {configs} --timeout 0",
    "export --out {out}/exported", "rotate canaries/env {configs} --yes",
    "apply {configs} --yes --prune --allow-destructive --format json --timeout 0", "destroy {configs} --yes",
)  # fmt: skip


def canary(place: str) -> str:
    """Return a value that is unlike anything else, and that escaping changes."""
    return f'sk-canary/{place}+"x"\u00e9-0123456789'


def forms(value: str) -> set[str]:
    """Return what a value looks like after anything that is done to values on their way."""
    plain = value.encode()
    encoded = {base64.b64encode(plain).decode(), base64.urlsafe_b64encode(plain).decode()}
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    return {value, quote(value), quote(value, safe=""), quote_plus(value)} | encoded | escaped


class Cage:
    """A folder of configs with a canary in every place, and everything that commands leave behind."""

    def __init__(self, folder: Path) -> None:
        self.configs, self.out = folder / "configs", folder / "out"
        self.configs.mkdir()
        self.out.mkdir()
        self._children = folder / "children.txt"
        self.canaries = {place: canary(place) for place in SOURCES}
        self.environ = {
            "CANARY": self.canaries["env"],
            "PROVISIONING_ALLOW_COMMANDS": sys.executable,
            "DATABRICKS_CLIENT_SECRET_OF_OTHERS": canary("child"),
        }
        (folder / "value.txt").write_text(self.canaries["file"])
        (folder / ".env").write_text(f"KEY='{self.canaries['dotenv']}'\n")
        program = folder / "vault.py"
        told = f"open({str(self._children)!r}, 'a').write(repr((sys.argv, dict(os.environ))))"
        program.write_text(f"import os, sys\n{told}\nprint({self.canaries['command']!r})\n")
        self._write(str(program))

    def _write(self, program: str) -> None:
        secrets = {
            "env": {"env": "CANARY"},
            "file": {"file": "../value.txt"},
            "dotenv": {"dotenv": "../.env", "key": "KEY"},
            "command": {"command": [sys.executable, program]},
        }
        scope = {"name": "canaries", "secrets": secrets}
        content = {
            "bundle": {"name": SET_NAME},
            "targets": {"local": {"default": True}},
            "resources": {
                "secret_scopes": {"canaries": scope},
                "model_serving_endpoints": dict(self._endpoints()),
            },
        }
        (self.configs / "databricks.yml").write_text(yaml.safe_dump(content))

    def _endpoints(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, (provider, block, fields, keys) in enumerate((*PLAINTEXT, *self._custom())):
            given = {f"{key}_plaintext": self._caged(key) for key in keys}
            model = {"provider": provider, "name": "m", "task": "llm/v1/chat", block: {**fields, **given}}
            entity = {"name": "only", "external_model": model}
            yield f"e{number}", {"name": f"e{number}", "config": {"served_entities": [entity]}}

    def _custom(self) -> Iterator[tuple[str, str, dict[str, Any], tuple[str, ...]]]:
        for auth, fields, key in (("bearer_token_auth", {}, "token"), ("api_key_auth", {"key": "k"}, "value")):
            block = {**fields, f"{key}_plaintext": self._caged(key)}
            yield (
                "custom", "custom_provider_config", {"custom_provider_url": "http://127.0.0.1:9/", auth: block}, (),
            )  # fmt: skip

    def _caged(self, key: str) -> str:
        self.canaries[key] = canary(key)
        return self.canaries[key]

    def left(self) -> Iterator[tuple[str, str]]:
        """Yield what commands wrote, and what programs that they started could see."""
        for path in self.out.rglob("*"):
            if path.is_file():
                yield str(path), path.read_text()
        if self._children.exists():
            yield "a child's arguments and environment", self._children.read_text()


def stored(database: Path) -> Iterator[tuple[str, str]]:
    """Yield what the local workspace keeps, but for the one column that keeps secrets."""
    with sqlite3.connect(database) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = [each for each in columns if (table, each) != ("secrets", "value")]
            for row in connection.execute(f"SELECT {', '.join(kept)} FROM {table}"):  # noqa: S608 - its own names
                yield f"table {table}", repr(row)
    connection.close()


def nothing(_workspace: LocalWorkspace, _cage: Cage, _patch: pytest.MonkeyPatch) -> None:
    """Let everything go well."""


def repeat(workspace: LocalWorkspace, cage: Cage, _patch: pytest.MonkeyPatch) -> None:
    """Refuse some writes, with all that was ever sent in the message."""
    said = " ".join(sorted(form for value in cage.canaries.values() for form in forms(value)))
    for path, offset in (("/api/2.0/secrets/put", 3), ("/api/2.0/serving-endpoints", 0)):
        fault = {"kind": "status", "status": 400, "error_code": "INVALID_PARAMETER_VALUE", "times": None}
        workspace.faults.arm([{"match": {"method": "POST", "path": path}, "offset": offset, "message": said, **fault}])


def raise_at_a_write(error: BaseException) -> Callable[[LocalWorkspace, Cage, pytest.MonkeyPatch], None]:
    """Let a call that writes end in an exception that nobody expects."""

    def arrange(_workspace: LocalWorkspace, _cage: Cage, patch: pytest.MonkeyPatch) -> None:
        calls = Connection.call

        def call(self: Connection, method: str, path: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on
            if path == "/api/2.0/secrets/put" and options["body"]["key"] == "dotenv":
                raise error
            return calls(self, method, path, **options)

        patch.setattr(Connection, "call", call)
        patch.setenv("PROVISIONING_DEBUG", "1")

    return arrange


OUTCOMES = {
    "well": nothing,
    "refused": repeat,
    "bug": raise_at_a_write(RuntimeError("a bug of ours")),
    "ctrl-c": raise_at_a_write(KeyboardInterrupt()),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_canary_gets_out(proof: Proof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: str) -> None:
    cage = Cage(tmp_path)
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setLevel(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    logging.getLogger().addHandler(handler)
    seen: list[tuple[str, str]] = []
    try:
        with LocalWorkspace(state=tmp_path / "state", deploy_seconds=0.0) as workspace:
            environ = {**cage.environ, "DATABRICKS_HOST": workspace.host, "DATABRICKS_TOKEN": workspace.token}
            for name, value in environ.items():
                monkeypatch.setenv(name, value)
            cage.canaries["token"] = workspace.token
            OUTCOMES[outcome](workspace, cage, monkeypatch)
            for command in COMMANDS:
                seen += said_by(command.format(configs=cage.configs, out=cage.out))
                proof.tried("commands")
            seen += [("apply's error", with_locals(cage))]
            seen += [("request log", json.dumps(view(workspace.requests)))]
            seen += [("request bodies", repr([each.raw for each in workspace.requests]))]
    finally:
        logging.getLogger().removeHandler(handler)
    seen += [("log", log.getvalue()), *cage.left(), *stored(tmp_path / "state" / "workspace.sqlite")]

    canaries = {**cage.canaries, "child": canary("child")}
    caught = [
        (place, where)
        for place, value in canaries.items()
        for form in forms(value)
        for where, text in seen
        if form in text and not (place in UNREAD_BY_ROTATE and where.startswith("rotate"))
    ]
    assert sorted(set(caught)) == []
    proof.tried("canaries", len(canaries))


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
