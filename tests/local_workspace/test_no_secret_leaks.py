"""A key that went in comes out by one route alone, and stands in one column alone."""

from __future__ import annotations

import base64
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"
SECRETS = "/api/2.0/secrets"
CANARY = "sk-canary-0123456789"
FORMS = (CANARY, base64.b64encode(CANARY.encode()).decode())


def entity(**config: str) -> dict[str, Any]:
    model = {"provider": "openai", "name": "m", "task": "llm/v1/chat", "openai_config": config}
    return {"name": "m", "external_model": model}


@pytest.fixture
def asked(api: Api) -> list[str]:
    """Every answer to requests that carry the key, rightly and wrongly placed."""
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    answers = [
        api("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": CANARY}),
        api("POST", f"{SECRETS}/put", {"scope": "none", "key": "k", "string_value": CANARY}),
        api("POST", f"{SECRETS}/put", {"scope": "team", "key": "a key", "bytes_value": FORMS[1]}),
        api("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": [CANARY]}),
        api("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "bytes_value": CANARY + "!"}),
        api("POST", f"{SECRETS}/put", raw=f'{{"string_value": "{CANARY}",'.encode()),
    ]
    for number, config in enumerate(
        (
            {"openai_api_key_plaintext": CANARY},
            {"openai_api_key": CANARY},
            {"openai_api_key": CANARY, "openai_api_key_plaintext": CANARY},
            {"openai_api_key": f"{{{{secrets/{CANARY}}}}}"},
        )
    ):
        body = {"name": f"e{number}", "config": {"served_entities": [entity(**config)]}}
        answers.append(api("POST", ENDPOINTS, body))
        answers.append(api("PUT", f"{ENDPOINTS}/e0/config", body["config"]))
    answers.append(api("GET", ENDPOINTS))
    answers.append(api("GET", f"{ENDPOINTS}/e0"))
    answers.append(api("GET", "/_local/requests"))
    return [str((answer.body, answer.headers)) for answer in answers]


def test_no_answer_holds_a_key(asked: list[str]) -> None:
    assert [text for text in asked if any(form in text for form in FORMS)] == []


@pytest.mark.usefixtures("asked")
def test_neither_log_nor_record_nor_repr_holds_a_key(
    workspace: LocalWorkspace, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    captured = capfd.readouterr()
    records = [(each.path, each.raw, each.body) for each in workspace.requests]
    text = f"{caplog.text}{captured.out}{captured.err}{records!r}{workspace!r}{workspace.faults!r}"
    assert not any(form in text for form in FORMS)


def test_a_key_stands_in_one_column_alone(tmp_path: Path, api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(state=tmp_path, deploy_seconds=60) as workspace:
        api = api_of(workspace.host, workspace.token)
        api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
        api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": CANARY})
        config = {"served_entities": [entity(openai_api_key_plaintext=CANARY)]}
        api.ok("POST", ENDPOINTS, {"name": "chat", "config": config})
    with sqlite3.connect(tmp_path / "workspace.sqlite") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = [
            (table, column)
            for table in tables
            for row in database.execute(f"SELECT * FROM {table}")  # noqa: S608 - the database's own table names
            for column, value in enumerate(row)
            if CANARY in (value.decode(errors="replace") if isinstance(value, bytes) else str(value))
        ]
    database.close()
    assert found == [("secrets", 2), ("secrets", 2)]


def test_a_deleted_key_leaves_no_trace_in_the_file(tmp_path: Path, api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(state=tmp_path) as workspace:
        api = api_of(workspace.host, workspace.token)
        api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
        api.ok("POST", f"{SECRETS}/put", {"scope": "team", "key": "k", "string_value": CANARY})
        api.ok("POST", f"{SECRETS}/scopes/delete", {"scope": "team"})
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert [path.name for path in files if CANARY.encode() in path.read_bytes()] == []
