from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from provisioning.reporters.jsonl import json_schema

if TYPE_CHECKING:
    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Result

pytestmark = pytest.mark.usefixtures("workspace")

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "schemas" / "jsonl.schema.json"


def lines_of(result: Result) -> list[dict[str, Any]]:
    """Every line is valid by the published schema."""
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    lines: list[dict[str, Any]] = [json.loads(line) for line in result.out.splitlines()]
    for line in lines:
        validator.validate(line)
    return lines


def test_published_schema_is_the_one_that_the_command_prints(provision: Provision) -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == json_schema()
    assert json.loads(provision("schema", "jsonl").out) == json_schema()


def test_schema_of_configs_accepts_the_configs_and_refuses_a_typo(configs: Configs, provision: Provision) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(provision("schema").out))
    validator.validate(configs.content)
    configs.content["resources"]["model_serving_endpoints"]["chat"]["nmae"] = "chat"

    assert not validator.is_valid(configs.content)


def test_schema_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path, provision: Provision) -> None:
    result = provision("schema", "--out", tmp_path / "no" / "such.json")

    assert result.code == 1
    assert "--out" in result.err


def test_plan_as_lines_says_who_then_each_object_then_the_sum(configs: Configs, provision: Provision) -> None:
    lines = lines_of(provision("plan", configs, "--format", "jsonl"))

    assert [line["type"] for line in lines] == ["version", *["resource_plan"] * 5, "summary"]
    assert lines[-1]["counts"]["create"] == 5


def test_apply_as_lines_ends_with_how_it_ended(configs: Configs, provision: Provision) -> None:
    lines = lines_of(provision("apply", configs, "--yes", "--format", "jsonl"))

    kinds = [line["type"] for line in lines]
    assert {"apply_start", "apply_done"} <= set(kinds)
    assert kinds.index("summary") < kinds.index("apply_start")
    assert kinds[-1] == "outputs"
    assert len(lines[-1]["done"]) == 5


def test_apply_that_fails_says_so_in_its_lines(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    fault = {"kind": "status", "status": 400, "error_code": "INVALID_PARAMETER_VALUE", "message": "no such model"}
    workspace.faults.arm([{"match": {"method": "POST", "path": "/api/2.0/serving-endpoints"}, **fault}])

    result = provision("apply", configs, "--yes", "--format", "jsonl")

    lines = lines_of(result)
    assert result.code == 5
    failed = [line for line in lines if line["type"] == "apply_error" and line["address"]]
    assert "no such model" in failed[0]["message"]
    assert "model_serving_endpoints.chat" in next(line for line in lines if line["type"] == "outputs")["failed"]


def test_guard_is_a_diagnostic_with_its_place(configs: Configs, provision: Provision) -> None:
    provision("apply", configs, "--yes")
    configs.content["bundle"]["name"] = "other"
    configs.write()

    lines = lines_of(provision("plan", configs, "--format", "jsonl"))

    guards = [line for line in lines if line["type"] == "diagnostic"]
    assert all(line["file"].endswith("databricks.yml") and line["line"] > 1 for line in guards)
    assert lines[-1]["blocked"] == len(guards) > 0


@pytest.mark.parametrize("form", ["json", "jsonl", "github"])
def test_every_diagnostic_reaches_the_programs_that_read_stdout(
    configs: Configs, provision: Provision, form: str
) -> None:
    configs.endpoint["nmae"] = "x"
    configs.openai["openai_organisation"] = "y"
    configs.write()

    result = provision("plan", configs, "--format", form)

    assert result.code == 1
    assert result.out.count("P201") == 2
    if form == "jsonl":
        assert [line["type"] for line in lines_of(result)] == ["version", "diagnostic", "diagnostic"]


def test_format_that_a_command_does_not_have_is_refused(configs: Configs, provision: Provision) -> None:
    assert provision("status", configs, "--format", "markdown").code == 1


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "markdown", "github"])
@pytest.mark.parametrize("runner", ["", "true"])
def test_value_reaches_a_mask_in_a_runner_and_nothing_else(
    configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch, form: str, runner: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-value")
    monkeypatch.setenv("GITHUB_ACTIONS", runner)

    result = provision("plan", configs, "--format", form)

    assert "sk-canary-value" not in result.out
    mask = "::add-mask::sk-canary-value\n" if form == "github" and runner else ""
    assert result.err.count("sk-canary-value") == (1 if mask else 0)
    assert mask in result.err


def test_runner_gets_the_summary_and_the_counts(
    configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"ACTIONS": "true", "STEP_SUMMARY": "summary.md", "OUTPUT": "outputs"}.items():
        monkeypatch.setenv(f"GITHUB_{name}", str(tmp_path / value) if name != "ACTIONS" else value)

    provision("plan", configs, "--format", "github")

    assert (tmp_path / "summary.md").read_text().startswith("<!-- gatewright plan:")
    assert "has_changes=true\n" in (tmp_path / "outputs").read_text()


def test_missing_source_is_pinned_to_its_line(
    configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")

    result = provision("apply", configs, "--yes", "--format", "github")

    assert result.code == 1
    assert "::error file=" in result.out
    assert "OPENAI_API_KEY" in result.out
