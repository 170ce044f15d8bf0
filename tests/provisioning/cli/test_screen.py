"""What is at work, on a terminal that somebody looks at; and nothing but lines everywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_workspace import LocalWorkspace
from provisioning.model.events import ChangeDone, EndpointPolled, Held, StepStarted
from provisioning.model.plan import Action, Change, Operation, Step
from provisioning.reporters.in_flight import InFlight
from tests.provisioning.cli.terminals import on_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.provisioning.conftest import Configs

CHAT = "model_serving_endpoints.chat"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
UP_AND_ERASE = "\x1b[1A\x1b[2K"


@pytest.fixture(scope="module")
def slow_server() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(deploy_seconds=3.0) as server:
        yield server


@pytest.fixture(autouse=True)
def slow(slow_server: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty workspace whose endpoints take seconds to be ready."""
    workspace = slow_server.fork()
    monkeypatch.setenv("DATABRICKS_HOST", workspace.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")


def test_terminal_shows_what_is_at_work_and_keeps_what_was_done(configs: Configs) -> None:
    code, shown = on_terminal("apply", configs, "--yes")

    assert code == 0, shown
    assert f"{CHAT}: waiting: config_update=IN_PROGRESS" in shown
    assert " at work" in shown
    assert UP_AND_ERASE in shown
    assert shown.count(HIDE_CURSOR) == shown.count(SHOW_CURSOR) > 0
    kept = shown.rpartition(SHOW_CURSOR)[2]
    assert "at work" not in kept
    assert f"{CHAT}: created" in kept
    assert "changes applied" in kept


def test_ctrl_c_leaves_the_terminal_as_it_was(configs: Configs) -> None:
    code, shown = on_terminal("apply", configs, "--yes", interrupt_at=f"{CHAT}: waiting: ")

    assert code == 130, shown
    assert shown.count(HIDE_CURSOR) == shown.count(SHOW_CURSOR) > 0
    assert "interrupted: finishing the calls in flight" in shown
    assert "at work" not in shown.rpartition(SHOW_CURSOR)[2]


@pytest.mark.parametrize("environment", [{"CI": "true"}, {"TERM": "dumb"}])
def test_nothing_moves_in_ci_and_on_a_terminal_that_cannot(configs: Configs, environment: dict[str, str]) -> None:
    code, shown = on_terminal("apply", configs, "--yes", **environment)

    assert code == 0, shown
    assert "\x1b" not in shown
    assert f"{CHAT}: waiting until it is ready" in shown
    assert f"{CHAT}: READY after" in shown


def test_without_colours_it_moves_all_the_same(configs: Configs) -> None:
    code, shown = on_terminal("apply", configs, "--yes", NO_COLOR="1")

    assert code == 0, shown
    assert " at work" in shown
    assert "\x1b[3" not in shown


def started(address: str, operation: Operation) -> StepStarted:
    step = Step(operation=operation, name="chat")
    return StepStarted(change=Change(address=address, action=Action.CREATE, steps=(step,)), step=step)


def test_lines_say_for_how_long_and_are_gone_when_it_ended() -> None:
    work = InFlight()
    work.note(started(CHAT, Operation.CREATE_ENDPOINT), now=10.0)
    work.note(started(CHAT, Operation.CREATE_ENDPOINT), now=10.0, target="prod")
    work.note(started(CHAT, Operation.WAIT_READY), now=12.0)
    work.note(EndpointPolled(address=CHAT, state="gpt: DEPLOYMENT_\x1b[31mCREATING", elapsed=30.0), now=42.0)
    work.note(Held(seconds=5.0, because="the workspace takes 50 endpoint writes in 5 minutes"), now=42.0)

    waiting, creating, held, counted = [line.strip() for line in work.lines(now=43.0)]
    assert waiting == f"31.0 s  {CHAT}: waiting: gpt: DEPLOYMENT_\\u{{1b}}[31mCREATING"
    assert creating == f"33.0 s  prod: {CHAT}: create endpoint"
    assert held.startswith("4.0 s  until the next call: ")
    assert counted == "0 done, 2 at work"

    work.note(ChangeDone(address=CHAT, action=Action.CREATE, elapsed=1.0), now=44.0)
    work.note(ChangeDone(address=CHAT, action=Action.CREATE, elapsed=1.0), now=44.0, target="prod")
    assert not work.any
