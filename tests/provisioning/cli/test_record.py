from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from provisioning.reporters.record import json_schema

if TYPE_CHECKING:
    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "schemas" / "record.schema.json"


def entries(file: Path) -> list[dict[str, Any]]:
    """Every line is valid by the published schema."""
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    lines: list[dict[str, Any]] = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        validator.validate(line)
    return lines


def test_published_schema_is_the_one_that_the_command_prints(provision: Provision) -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == json_schema()
    assert json.loads(provision("schema", "record").out) == json_schema()


def test_record_says_who_did_what_where_from_which_commit_and_job(
    configs: Configs, provision: Provision, writes: Writes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = {"ACTIONS": "true", "SHA": "abc123", "SERVER_URL": "https://github.com", "REPOSITORY": "o/r", "RUN_ID": "7"}
    for name, value in job.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)

    assert provision("apply", configs, "--yes", "--record", tmp_path / "record").code == 0

    lines = entries(tmp_path / "record")
    begin, *middle, end = lines
    assert begin["type"] == "begin"
    assert begin["identity"].endswith("@example.com")
    assert begin["provenance"]["commit"] == "abc123"
    assert begin["provenance"]["run_url"] == "https://github.com/o/r/actions/runs/7"
    assert len(begin["changes"]) == 5
    assert sorted(f"{each['call']['method']} {each['call']['path']}" for each in middle if each["type"] == "call") == (
        sorted(writes())
    )
    assert {each["result"] for each in middle if each["type"] == "change"} == {"done"}
    assert (end["type"], end["exit_code"]) == ("end", 0)
    assert len({each["run"] for each in lines}) == 1


def test_record_is_appended_to_and_closed_to_others(configs: Configs, provision: Provision, tmp_path: Path) -> None:
    for _ in range(2):
        provision("apply", configs, "--yes", "--record", tmp_path / "record")

    lines = entries(tmp_path / "record")
    assert [each["type"] for each in lines].count("begin") == 2
    assert len({each["run"] for each in lines}) == 2
    assert stat.S_IMODE((tmp_path / "record").stat().st_mode) == 0o600


def test_failed_call_is_kept_with_the_workspaces_code(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, tmp_path: Path
) -> None:
    fault = {"kind": "status", "status": 400, "error_code": "INVALID_PARAMETER_VALUE", "message": "no such model"}
    workspace.faults.arm([{"match": {"method": "POST", "path": "/api/2.0/serving-endpoints"}, **fault}])

    assert provision("apply", configs, "--yes", "--record", tmp_path / "record").code == 5

    lines = entries(tmp_path / "record")
    [failed] = [each["call"] for each in lines if each["type"] == "call" and each["call"]["error"]]
    assert failed["error"] == "INVALID_PARAMETER_VALUE"
    assert lines[-1]["exit_code"] == 5
    assert "no such model" in lines[-1]["error"]


def test_run_that_a_guard_stops_is_recorded_without_a_call(
    configs: Configs, provision: Provision, tmp_path: Path
) -> None:
    provision("apply", configs, "--yes")
    configs.content["bundle"]["name"] = "other"

    assert provision("apply", configs.write(), "--yes", "--record", tmp_path / "record").code == 3

    assert [each["type"] for each in entries(tmp_path / "record")] == ["begin", "end"]


def test_value_is_in_no_line(
    configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-value")
    configs.openai.clear()
    configs.openai["openai_api_key_plaintext"] = "sk-other-canary"

    provision("apply", configs.write(), "--yes", "--record", tmp_path / "record")

    assert "canary" not in (tmp_path / "record").read_text()


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (["destroy"], "DELETE /api/2.0/serving-endpoints/chat"),
        (["disown"], "PATCH /api/2.0/serving-endpoints/chat/tags"),
        (["rotate", "llm/openai-key"], "PUT /api/2.0/serving-endpoints/chat/config"),
    ],
)
def test_every_command_that_writes_is_recorded(
    configs: Configs,
    provision: Provision,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    arguments: list[str],
    last: str,
) -> None:
    provision("apply", configs, "--yes")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-value")

    assert provision(*arguments, configs, "--yes", "--record", tmp_path / "record").code == 0

    begin, *middle, end = entries(tmp_path / "record")
    assert begin["changes"]
    assert {each["target"] for each in (begin, *middle, end)} == {"local"}
    assert last in {f"{each['call']['method']} {each['call']['path']}" for each in middle if each["type"] == "call"}
    assert (end["type"], end["exit_code"]) == ("end", 0)
    assert "canary" not in (tmp_path / "record").read_text()


def test_file_that_cannot_be_written_stops_the_apply_before_it_begins(
    configs: Configs, provision: Provision, writes: Writes, tmp_path: Path
) -> None:
    result = provision("apply", configs, "--yes", "--record", tmp_path / "no" / "such")

    assert result.code == 1
    assert "--record" in result.err
    assert writes() == []
