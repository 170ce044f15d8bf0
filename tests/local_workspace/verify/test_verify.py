"""`verify` against the workspace on localhost, with each switch in either position."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import click
import pytest

from local_workspace import Behaviour, LocalWorkspace
from local_workspace.verify import checks, fixtures, report
from local_workspace.verify.caller import _value
from local_workspace.verify.check import KEY, UnansweredError
from local_workspace.verify.command import run_command
from local_workspace.verify.run import Outcome, UnknownCheckError, Verdict, chosen, verify
from local_workspace.verify.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local_workspace.conftest import Api

EVERY = [each.name for each in checks.ALL]
STYLE = "stream_usage"
OTHERS = [
    (name, value)
    for name, hint in get_type_hints(Behaviour).items()
    for value in (get_args(hint) or (True, False))
    if value != getattr(Behaviour(), name)
]


def asked(workspace: LocalWorkspace, *only: str, also: tuple[str, ...] = (), **options: Any) -> Outcome:  # noqa: ANN401 - verify's own
    bounds = {"run": "abcd", "calls": 600, "seconds": 120.0, "sleep": workspace.clock.advance} | options
    return verify(Target(workspace.host, workspace.token), chosen(only, also), **bounds)


def left_in(api: Api) -> list[str]:
    scopes = api.ok("GET", "/api/2.0/secrets/scopes/list").get("scopes", [])
    endpoints = api.ok("GET", "/api/2.0/serving-endpoints")["endpoints"]
    return [each["name"] for each in [*scopes, *endpoints] if each["name"].startswith("gatewright-verify")]


def test_by_default_every_question_is_answered_as_the_switches_say_and_every_rule_holds(
    workspace: LocalWorkspace, api: Api
) -> None:
    outcome = asked(workspace, also=tuple(EVERY))
    assert {each.check.name: each.verdict for each in outcome.findings} == dict.fromkeys(EVERY, Verdict.SAME)
    assert outcome.left == left_in(api) == []
    assert "21 of 21 open questions answered" in report.summary(outcome)


@pytest.mark.parametrize(("switch", "value"), OTHERS, ids=[f"{name}={value}" for name, value in OTHERS])
def test_a_switch_in_its_other_position_is_found_out(switch: str, value: object) -> None:
    with LocalWorkspace(deploy_seconds=5, behaviour=Behaviour(**{switch: value})) as running:
        (finding,) = asked(running, switch).findings
    same = (switch, value) == (STYLE, "cumulative")  # what the model that is asked does by default, too
    assert finding.answer.value == value, finding
    assert finding.verdict is (Verdict.SAME if same else Verdict.OTHER)


def test_each_switch_has_its_check() -> None:
    assert {each.rule.switch for each in checks.ALL} - {None} == set(Behaviour.__dataclass_fields__)


def test_what_may_cost_or_stay_behind_is_asked_only_by_name() -> None:
    reserved = {each.name for each in checks.ALL if each.reserved}
    assert reserved == {"admins_manage_scopes", "write_limit", "stream_usage"}
    assert reserved.isdisjoint(each.name for each in chosen())
    assert {"write_limit"} == {each.name for each in chosen(also=("write_limit",))} & reserved
    with pytest.raises(UnknownCheckError, match="no check 'none'; there are existing_scope_status"):
        chosen(("none",))


def test_one_who_is_no_admin_is_not_asked_to_give_a_right_away(workspace: LocalWorkspace) -> None:
    target = Target(workspace.host, workspace.token_for("ann@example.com"))
    outcome = verify(
        target,
        chosen(("creator_keeps_manage", "admins_manage_scopes")),
        run="abcd",
        calls=100,
        seconds=60,
        sleep=workspace.clock.advance,
    )
    assert [each.verdict for each in outcome.findings] == [Verdict.OPEN, Verdict.OPEN]
    assert outcome.left == []


def test_what_cannot_be_removed_is_named() -> None:
    with LocalWorkspace(behaviour=Behaviour(admins_manage_scopes=False)) as running:
        outcome = asked(running, "admins_manage_scopes", sleep=lambda _seconds: None)
    assert outcome.left == ["scope gatewright-verify-abcd-locked"]
    assert "still there: scope gatewright-verify-abcd-locked" in report.summary(outcome)


def test_when_the_bound_of_calls_is_reached_all_is_still_removed(workspace: LocalWorkspace, api: Api) -> None:
    outcome = asked(workspace, calls=6)
    assert outcome.findings[-1].answer.said == "the bound of calls or time is reached"
    asking = [each for each in workspace.requests if each.method != "DELETE" and not each.path.endswith("/delete")]
    assert len(asking) == 6
    assert outcome.left == left_in(api) == []


def test_when_it_is_broken_off_all_is_still_removed(workspace: LocalWorkspace, api: Api) -> None:
    seen = []

    def told(finding: object) -> None:
        seen.append(finding)
        if len(seen) == 4:
            raise KeyboardInterrupt

    outcome = asked(workspace, told=told)
    assert outcome.interrupted
    assert outcome.left == left_in(api) == []


def test_what_was_made_by_a_request_whose_answer_got_lost_is_removed_too(workspace: LocalWorkspace, api: Api) -> None:
    create = {"method": "POST", "path": "/api/2.0/secrets/scopes/create"}
    workspace.faults.arm([{"match": create, "kind": "lost", "when": "after"}])
    outcome = asked(workspace, "existing_scope_status")
    assert [each.verdict for each in outcome.findings] == [Verdict.OPEN]
    assert outcome.left == left_in(api) == []


def test_a_delete_that_fails_is_tried_again(workspace: LocalWorkspace, api: Api) -> None:
    workspace.faults.arm([{"match": {"method": "DELETE"}, "kind": "status", "status": 409, "times": 2}])
    assert asked(workspace, "not_ready_status").left == left_in(api) == []


def test_who_breaks_off_while_it_waits_to_remove_has_all_removed_nevertheless(
    workspace: LocalWorkspace, api: Api
) -> None:
    workspace.faults.arm([{"match": {"method": "DELETE"}, "kind": "status", "status": 409, "times": 2}])
    pauses: list[float] = []

    def impatient(seconds: float) -> None:
        workspace.clock.advance(seconds)
        waits_to_remove = any(each.method == "DELETE" for each in workspace.requests)
        if waits_to_remove and not pauses:
            pauses.append(seconds)
            raise KeyboardInterrupt

    assert asked(workspace, "not_ready_status", sleep=impatient).left == left_in(api) == []
    assert pauses


def test_an_answer_that_nobody_foresaw_is_a_finding(workspace: LocalWorkspace) -> None:
    call = {"path": "/serving-endpoints/*/invocations"}
    workspace.faults.arm([{"match": call, "kind": "status", "status": 418, "error_code": "TEAPOT"}])
    (finding,) = asked(workspace, "not_ready_status").findings
    assert (finding.verdict, finding.answer.value) == (Verdict.UNFORESEEN, 418)


def test_an_answer_that_is_nested_too_deeply_is_read_as_text() -> None:
    assert _value(b"[" * 200_000).startswith("[")


def test_a_workspace_that_refuses_the_token_is_asked_nothing_else(workspace: LocalWorkspace) -> None:
    with pytest.raises(UnansweredError, match="refuses the token"):
        verify(Target(workspace.host, "dapi-wrong"), chosen(), run="abcd", calls=9, seconds=9)
    assert len(workspace.requests) == 1


def test_fixtures_hold_no_token_name_id_or_key(workspace: LocalWorkspace, api: Api) -> None:
    outcome = asked(workspace, also=tuple(EVERY))
    text = fixtures.document(outcome, Target(workspace.host, workspace.token))
    for secret in (workspace.token, workspace.host, "local-admin", KEY, workspace.workspace_id, "gatewright-verify"):
        assert secret.casefold() not in text.casefold()
    written = json.loads(text)
    assert written["behaviour"]["busy_status"] == 409
    (missing,) = (each for each in written["findings"] if each["rule"] == "endpoint-missing")
    assert missing["exchanges"][0]["path"] == "/api/2.0/serving-endpoints/<scratch>-none"
    assert missing["exchanges"][0]["body"]["details"][0]["request_id"] == "<uuid>"
    assert left_in(api) == []


def test_what_moves_a_cursor_is_not_printed(workspace: LocalWorkspace) -> None:
    call = {"path": "/serving-endpoints/*/invocations"}
    workspace.faults.arm([{"match": call, "kind": "status", "status": 503, "message": "\x1b[2J gone"}])
    assert "\x1b" not in report.line(asked(workspace, "not_ready_status").findings[0])


def command(*flags: str, token: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local_workspace", "verify", *flags],
        input=token,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )


def test_without_run_the_plan_is_shown_and_nothing_is_sent(workspace: LocalWorkspace) -> None:
    answer = command("--host", workspace.host, "--token-file", "-", token=workspace.token)
    assert answer.returncode == 0, answer.stderr
    assert "busy_status: A config update while another runs is refused" in answer.stdout
    assert "Cost: " in answer.stdout
    assert "unless by --also stream_usage: it costs" in answer.stdout
    assert len(workspace.requests) == 0


def test_the_command_asks_reports_and_writes_fixtures(tmp_path: Path) -> None:
    out = tmp_path / "answers.json"
    with LocalWorkspace(deploy_seconds=0, behaviour=Behaviour(missing_tag="refuse")) as running:
        flags = ("--host", running.host, "--run", "--only", "missing_tag", "--out", str(out))
        answer = command(*flags, DATABRICKS_HOST=running.host, DATABRICKS_TOKEN=running.token)
    assert answer.returncode == 0, answer.stderr
    assert "otherwise   missing_tag = refuse: 404" in answer.stdout
    assert "serve --behaviour missing_tag=refuse" in answer.stdout
    assert "All that was made is removed." in answer.stdout
    assert json.loads(out.read_text(encoding="utf-8"))["behaviour"] == {"missing_tag": "refuse"}


def test_a_run_that_cannot_begin_leaves_earlier_answers_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = "http://127.0.0.1:9"
    monkeypatch.setenv("DATABRICKS_HOST", host)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-none")
    kept, new = tmp_path / "answers.json", tmp_path / "new.json"
    kept.write_text("of an earlier run", encoding="utf-8")
    for out in (kept, new):
        with pytest.raises(click.ClickException, match="NewConnectionError"):
            run_command(host, token_file=None, run=True, only=(), also=(), calls=9, seconds=9, out=out)
    assert kept.read_text(encoding="utf-8") == "of an earlier run"
    assert not new.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_when_all_is_removed(number: signal.Signals, api_of: Callable[..., Api]) -> None:
    with LocalWorkspace(deploy_seconds=3600) as running:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_workspace", "verify", "--host", running.host, "--token-file", "-", "--run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # It waits for an endpoint that is never ready: there is something to remove.
        waiting = threading.Event()
        process.stdin.write(running.token)  # type: ignore[union-attr] # a pipe, as asked for
        process.stdin.close()  # type: ignore[union-attr] # as above
        while not any("-chat" in each.path and each.method == "GET" for each in running.requests):
            waiting.wait(0.05)
            assert process.poll() is None
        process.send_signal(number)
        process.stdin = None
        shown, _ = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "All that was made is removed." in shown
        assert left_in(api_of(running.host, running.token)) == []
