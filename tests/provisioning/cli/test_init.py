from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Provision

    Shell: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

GH = """#!/bin/bash
# What GitHub's own client would do to the one issue and the one comment, as files.
echo "gh $*" >> "$STATE/calls"
case "$1 $2" in
  "issue list") cat "$STATE/issue" 2>/dev/null ;;
  "issue create") echo 7 > "$STATE/issue" ;;
  "issue close") rm "$STATE/issue" ;;
  "api --paginate") cat "$STATE/comments" 2>/dev/null ;;
esac
exit 0
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provision: Provision) -> Path:
    """A checkout in which `init` was run."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    done = provision("init", "configs", "--name", "team-llm", "--host", "https://w.cloud.databricks.com")
    assert done.code == 0, done.err
    return tmp_path


def workflow(repository: Path, name: str) -> dict[str, Any]:
    text = (repository / ".github" / "workflows" / name).read_text()
    # texts alone: GitHub does not read `on` as a boolean
    found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes no objects
    return found


def steps(repository: Path) -> list[dict[str, Any]]:
    return [
        step
        for name in ("gatewright.yml", "gatewright-drift.yml")
        for job in workflow(repository, name)["jobs"].values()
        for step in job["steps"]
    ]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run a step's script as a runner would, with a `gh` that keeps its state in files."""
    state = tmp_path / "state"
    state.mkdir()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text(GH)
    (programs / "gh").chmod(stat.S_IRWXU)

    def run(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
        root = Path(__file__).resolve().parents[3]
        paths = f"{programs}:{Path(sys.executable).parent}:/usr/bin:/bin"
        given = {"STATE": str(state), "RUNNER_TEMP": str(state), "PATH": paths, "PYTHONPATH": str(root)}
        return subprocess.run(
            ["bash", "-e", "-c", script],
            env=given | {"GITHUB_REPOSITORY": "o/r"} | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.mark.usefixtures("workspace")
def test_what_is_written_is_valid_and_applies(
    repository: Path, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)

    assert provision("validate", "configs", "--strict").code == 0
    assert provision("validate", "configs", "--strict", "--target", "prod").code == 0
    assert provision("apply", "configs", "--yes").code == 0
    assert provision("plan", "configs", "--detailed-exitcode").code == 0


def test_every_action_is_pinned_to_a_commit_and_says_which_version_that_is(repository: Path) -> None:
    written = "".join(path.read_text() for path in (repository / ".github").rglob("*.yml"))
    used = re.findall(r"uses: (.*)", written)

    assert len(used) == sum("uses" in step for step in steps(repository)) > 0
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used)


def test_workflows_sign_in_without_a_token_and_may_do_no_more_than_they_need(repository: Path) -> None:
    deploy, drift = workflow(repository, "gatewright.yml"), workflow(repository, "gatewright-drift.yml")

    assert deploy["permissions"] == drift["permissions"] == {}
    assert deploy["jobs"]["apply"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert deploy["jobs"]["apply"]["environment"] == "prod"
    assert deploy["jobs"]["apply"]["concurrency"]["cancel-in-progress"] == "false"
    assert drift["jobs"]["drift"]["permissions"] == {"contents": "read", "id-token": "write", "issues": "write"}
    written = "".join(path.read_text() for path in (repository / ".github").rglob("*.yml"))
    assert "DATABRICKS_TOKEN" not in written
    assert "github-oidc" in written


def test_no_expression_of_github_stands_in_a_script(repository: Path) -> None:
    """What an author of a pull request writes would be run as code there."""
    assert not [step["run"] for step in steps(repository) if "${{" in step.get("run", "")]


def test_every_script_is_one_that_bash_reads(repository: Path) -> None:
    for step in steps(repository):
        if "run" in step:
            subprocess.run(["bash", "-n", "-c", step["run"]], check=True)


def test_nothing_is_overwritten(repository: Path, provision: Provision) -> None:
    before = (repository / "configs" / "databricks.yml").read_text()

    again = provision("init", "configs")

    assert again.code == 1
    assert "databricks.yml" in again.err
    assert (repository / "configs" / "databricks.yml").read_text() == before
    assert not (repository / "configs" / "llm-gateway.secrets.yml").exists()


@pytest.mark.parametrize(
    "flags",
    [("--name", "Bad Name"), ("--host", "http://w"), ("--host", "https://w/'; rm"), ("con figs",), (".",)],
)
def test_what_a_workflow_could_not_hold_is_refused(
    provision: Provision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)

    assert provision("init", *flags).code == 1
    assert [each.name for each in tmp_path.iterdir()] == [".git"]


def drift_script(repository: Path) -> str:
    script: str = workflow(repository, "gatewright-drift.yml")["jobs"]["drift"]["steps"][-1]["run"]
    return script


def test_drift_opens_one_issue_and_closes_it(
    workspace: WorkspaceHandle, repository: Path, provision: Provision, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    environ = {
        "DATABRICKS_HOST": workspace.host,
        "DATABRICKS_TOKEN": workspace.token,
        "TARGET": "local",
        "LABEL": "gatewright-drift",
    }
    issue, calls = repository / "state" / "issue", repository / "state" / "calls"

    before = shell(drift_script(repository), **environ)
    again = shell(drift_script(repository), **environ)
    assert (before.returncode, again.returncode) == (0, 0), before.stderr + again.stderr
    assert issue.exists()
    assert calls.read_text().count("gh issue create") == 1

    provision("apply", "configs", "--yes")
    after = shell(drift_script(repository), **environ)
    assert after.returncode == 0, after.stderr
    assert not issue.exists()


def test_look_that_fails_is_a_failed_job_and_no_issue(
    repository: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    (repository / "configs" / "databricks.yml").write_text("bundle: [")

    assert shell(drift_script(repository), TARGET="local", LABEL="l").returncode == 1
    assert not (repository / "state" / "issue").exists()


@pytest.mark.skipif(shutil.which("jq") is None, reason="GitHub's runners have jq, this machine does not")
@pytest.mark.parametrize("existing", [False, True])
def test_plan_is_one_comment_that_is_kept_up_to_date(
    repository: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch, *, existing: bool
) -> None:
    monkeypatch.chdir(repository)
    state = repository / "state"
    marker = "<!-- gatewright plan: set 0, target prod -->"
    (state / "plan.md").write_text(f"{marker}\n### plan\n")
    bot, stranger = '{"login": "github-actions[bot]"}', '{"login": "mallory"}'
    comments = f'{{"id": 1, "user": {stranger}, "body": "{marker}"}}\n'
    comments += f'{{"id": 2, "user": {bot}, "body": "{marker}\\nold"}}\n' if existing else ""
    (state / "comments").write_text(comments)
    script = workflow(repository, "gatewright.yml")["jobs"]["plan"]["steps"][-1]["run"]

    done = shell(script, NUMBER="3")

    assert done.returncode == 0, done.stderr
    last = (state / "calls").read_text().splitlines()[-1]
    assert ("PATCH repos/o/r/issues/comments/2" in last) is existing
    assert ("POST repos/o/r/issues/3/comments" in last) is not existing
