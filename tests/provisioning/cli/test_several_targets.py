"""A run for several targets: their order, what stops it, and its one report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from provisioning.reporters.markdown import LONGEST_COMMENT
from provisioning.reporters.workflow_commands import MOST_OF_A_LEVEL
from tests.provisioning.cli.terminals import on_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace import LocalWorkspace
    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "schemas"
ALL = "dev,stage,prod"
CREATE = {"method": "POST", "path": "/api/2.0/serving-endpoints"}
REFUSAL = {"match": CREATE, "kind": "status", "status": 400, "error_code": "INVALID_PARAMETER_VALUE"}

Workspaces = dict[str, "WorkspaceHandle"]


@pytest.fixture
def workspaces(server: LocalWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspaces:
    """Three empty workspaces, each with a profile of its target's name."""
    made = {name: server.fork() for name in ALL.split(",")}
    profiles = "".join(f"[{name}]\nhost = {each.host}\ntoken = {each.token}\n" for name, each in made.items())
    (tmp_path / "databrickscfg").write_text(profiles)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "databrickscfg"))
    monkeypatch.delenv("DATABRICKS_HOST", raising=False)
    monkeypatch.delenv("DATABRICKS_TOKEN", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    return made


@pytest.fixture
def promoted(configs: Configs, workspaces: Workspaces) -> Configs:
    """Configs with a target for each workspace."""
    configs.content["targets"] = {name: {"workspace": {"profile": name}} for name in workspaces}
    return configs.write()


def written(workspace: WorkspaceHandle) -> bool:
    return any(each.method != "GET" for each in workspace.requests)


def contacted(workspaces: Mapping[str, WorkspaceHandle]) -> list[str]:
    return [name for name, each in workspaces.items() if each.requests]


def results(report: str) -> dict[str, str]:
    return {each["target"]: each["result"] for each in json.loads(report)["targets"]}


def valid_lines(text: str, schema: str) -> list[dict[str, Any]]:
    validator = jsonschema.Draft202012Validator(json.loads((SCHEMAS / schema).read_text(encoding="utf-8")))
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        validator.validate(line)
    return lines


def test_each_target_is_applied_once_and_a_second_run_finds_nothing(promoted: Configs, provision: Provision) -> None:
    first = provision("apply", promoted, "--target", "dev", "--target", "stage, prod", "--format", "json")
    second = provision("plan", promoted, "--target", ALL, "--format", "json", "--detailed-exitcode")

    assert results(first.out) == dict.fromkeys(ALL.split(","), "done")
    assert json.loads(first.out)["summary"]["create"] == 15
    assert second.code == 0
    assert json.loads(second.out)["summary"]["unchanged"] == 15


def test_first_failure_stops_before_the_next_target_is_contacted(
    promoted: Configs, workspaces: Workspaces, provision: Provision
) -> None:
    workspaces["stage"].faults.arm([REFUSAL])

    result = provision("apply", promoted, "--target", ALL)

    assert result.code == 5
    assert contacted(workspaces) == ["dev", "stage"]
    assert [line.split()[1:3] for line in result.out.splitlines()[-3:]] == [
        ["done", "5"],
        ["applied", "in"],
        ["not", "begun"],
    ]


@pytest.mark.parametrize("manner", ["--keep-going", "--parallel-targets"])
def test_others_go_on_if_that_is_wanted_and_the_worst_exit_code_counts(
    promoted: Configs, workspaces: Workspaces, provision: Provision, manner: str
) -> None:
    workspaces["dev"].faults.arm([REFUSAL])

    result = provision("apply", promoted, "--target", ALL, manner, "--format", "json")

    assert result.code == json.loads(result.out)["exit_code"] == 5
    assert results(result.out) == {"dev": "applied in part", "stage": "done", "prod": "done"}
    assert "error: dev: " in result.err
    assert "stage: model_serving_endpoints.chat: created" in result.err


@pytest.mark.parametrize("command", ["validate", "plan", "apply", "destroy", "status"])
def test_unknown_target_is_an_error_before_anything_else(
    promoted: Configs, workspaces: Workspaces, provision: Provision, command: str
) -> None:
    result = provision(command, promoted, "--target", "dev,prdo", "--keep-going")

    assert result.code == 1
    assert "did you mean 'prod'?" in result.err
    assert contacted(workspaces) == []


def test_target_whose_configs_are_wrong_stops_all_of_them(
    promoted: Configs, workspaces: Workspaces, provision: Provision
) -> None:
    promoted.content["targets"]["prod"]["resources"] = {"secret_scopes": {"llm": {"nmae": "llm"}}}

    result = provision("apply", promoted.write(), "--target", ALL)

    assert result.code == 1
    assert "P201" in result.err
    assert contacted(workspaces) == []


def test_validate_tells_of_every_target(promoted: Configs, provision: Provision) -> None:
    promoted.content["targets"]["dev"]["resources"] = {"secret_scopes": {"llm": {"nmae": "llm"}}}

    result = provision("validate", promoted.write(), "--target", ALL, "--format", "json")

    assert result.code == 1
    assert results(result.out) == {"dev": "failed", "stage": "done", "prod": "done"}


def test_pending_changes_of_one_target_are_the_detailed_exit_code(promoted: Configs, provision: Provision) -> None:
    assert provision("apply", promoted, "--target", "dev").code == 0

    result = provision("plan", promoted, "--target", "dev,prod", "--detailed-exitcode", "--format", "json")

    assert result.code == 2
    assert results(result.out) == {"dev": "done", "prod": "changes pending"}


def test_destroy_goes_through_the_targets_too(promoted: Configs, workspaces: Workspaces, provision: Provision) -> None:
    provision("apply", promoted, "--target", "dev,prod")

    result = provision("destroy", promoted, "--target", "dev,prod", "--yes", "--format", "json")

    assert results(result.out) == {"dev": "done", "prod": "done"}
    left = json.loads(provision("status", promoted, "--target", "dev,prod", "--format", "json").out)["targets"]
    assert {each["state"] for target in left for each in target["report"]["objects"]} == {"ABSENT"}
    assert contacted(workspaces) == ["dev", "prod"]


def test_lines_say_which_target_they_are_about(promoted: Configs, provision: Provision) -> None:
    result = provision("apply", promoted, "--target", ALL, "--parallel-targets", "--format", "jsonl")

    first, *between, last = valid_lines(result.out, "jsonl.schema.json")
    assert first["type"] == "version"
    assert {each["target"] for each in between} == set(ALL.split(","))
    assert [each["target"] for each in last["targets"]] == ALL.split(",")
    assert last["exit_code"] == 0


def test_record_is_one_run_with_a_target_on_each_line(promoted: Configs, provision: Provision, tmp_path: Path) -> None:
    provision("apply", promoted, "--target", "dev,prod", "--record", tmp_path / "record")

    lines = valid_lines((tmp_path / "record").read_text(), "record.schema.json")
    assert len({each["run"] for each in lines}) == 1
    assert [each["target"] for each in lines if each["type"] in {"begin", "end"}] == ["dev", "dev", "prod", "prod"]
    assert all(each["target"] in {"dev", "prod"} for each in lines)


def test_one_comment_holds_the_plans_of_all_targets(promoted: Configs, provision: Provision) -> None:
    promoted.content["resources"]["model_serving_endpoints"]["chat"]["description"] = "long " * 10_000
    result = provision("plan", promoted.write(), "--target", ALL, "--format", "markdown")

    assert result.out.startswith("<!-- gatewright plan: set chat, targets dev, stage, prod -->")
    assert result.out.count("<!--") == 1
    assert [line for line in result.out.splitlines() if line.startswith("### ")] == [
        f"### chat → {name}" for name in ALL.split(",")
    ]
    assert len(result.out) <= LONGEST_COMMENT


def test_annotations_are_those_of_one_step(
    promoted: Configs, provision: Provision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))

    result = provision("plan", promoted, "--target", ALL, "--format", "github")

    assert 0 < result.out.count("\n::notice ") + result.out.startswith("::notice ") <= MOST_OF_A_LEVEL
    assert "::group::prod: + model_serving_endpoints.chat" in result.out
    assert "add=15\n" in (tmp_path / "outputs").read_text()
    assert "### chat → stage" in (tmp_path / "summary").read_text()


def test_plan_file_and_the_standard_input_are_one_targets(
    promoted: Configs, workspaces: Workspaces, provision: Provision, tmp_path: Path
) -> None:
    kept = provision("plan", promoted, "--target", ALL, "--out", tmp_path / "plan")
    promoted.scope["secrets"]["openai-key"] = {"stdin": True}
    shared = provision("apply", promoted.write(), "--target", ALL)

    assert kept.code == shared.code == 1
    assert "--out writes the plan of one target" in kept.err
    assert "standard input" in shared.err
    assert contacted(workspaces) == []


def test_targets_share_the_embedded_workspace_of_a_folder(
    promoted: Configs, provision: Provision, tmp_path: Path
) -> None:
    promoted.content["targets"] = {"one": {"presets": {"name_prefix": "one_"}}, "two": {}}
    promoted.content["targets"]["two"]["resources"] = {"secret_scopes": {"llm": {"name": "llm-two"}}}
    del promoted.content["resources"]["model_serving_endpoints"]
    arguments = [promoted.write(), "--target", "one,two", "--local", "--state", tmp_path / "state"]

    applied = provision("apply", *arguments, "--parallel-targets", "--format", "json")

    assert applied.code == 0, applied.err
    assert provision("plan", *arguments, "--detailed-exitcode").code == 0


def test_all_plans_are_agreed_to_before_the_first_target_is_written(promoted: Configs, workspaces: Workspaces) -> None:
    seen: list[bool] = []

    def answer(shown: str) -> bytes | None:
        if shown.count("Carry it out in") > len(seen):
            seen.append(any(map(written, workspaces.values())))
            return b"y\n" if len(seen) < len(workspaces) else b"n\n"
        return None

    code, shown = on_terminal("apply", promoted, "--target", ALL, answer=answer)

    assert code == 0, shown
    assert seen == [False, False, False]
    assert [name for name, each in workspaces.items() if written(each)] == ["dev", "stage"]
    assert "not confirmed" in shown


def test_plan_that_a_guard_stops_is_found_before_anybody_is_asked_for_the_next(
    promoted: Configs, workspaces: Workspaces, provision: Provision
) -> None:
    provision("apply", promoted, "--target", "stage")
    promoted.content["bundle"]["name"] = "other"
    workspaces["stage"].requests.clear()

    code, shown = on_terminal("apply", promoted.write(), "--target", ALL, answer=lambda _shown: b"y\n")

    assert code == 3, shown
    assert not any(map(written, workspaces.values()))


def test_ctrl_c_at_a_question_ends_all_of_them(promoted: Configs, workspaces: Workspaces) -> None:
    code, shown = on_terminal(
        *("apply", promoted, "--target", ALL, "--keep-going"),
        answer=lambda shown: b"y\n" if "in stage?" not in shown else None,
        interrupt_at="Carry it out in stage?",
    )

    assert code == 130, shown
    assert "Carry it out in prod?" not in shown
    assert not any(map(written, workspaces.values()))


def test_ctrl_c_lets_every_target_finish_its_calls(promoted: Configs, workspaces: Workspaces) -> None:
    for each in workspaces.values():
        each.faults.arm([{"match": CREATE, "kind": "latency", "ms": 3000}])

    code, shown = on_terminal(
        "apply",
        promoted,
        "--target",
        "dev,prod",
        "--yes",
        "--parallel-targets",
        interrupt_at="prod: model_serving_endpoints.chat: create endpoint",
    )

    assert code == 130, shown
    assert "interrupted: finishing the calls in flight" in shown
    assert shown.count("run it again to go on: it is safe") == 2
