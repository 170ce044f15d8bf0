"""A run: which checks, in which order, what became of each, and nothing left behind."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from local_workspace.settings import Behaviour
from local_workspace.verify import checks
from local_workspace.verify.caller import Caller, SpentError, UnreachableError
from local_workspace.verify.check import Answer, Check, Probe, UnansweredError
from local_workspace.verify.scratch import Scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from local_workspace.verify.caller import Exchange
    from local_workspace.verify.target import Target


class Verdict(StrEnum):
    """What became of a check."""

    SAME = "same"
    """The workspace does as the one on localhost does by default."""
    OTHER = "other"
    """A switch's other position; or a rule that does not hold there."""
    UNFORESEEN = "unforeseen"
    """An answer that no position of the switch gives."""
    OPEN = "open"
    """It could not be told, and why is said."""


@dataclass(frozen=True)
class Finding:
    """What became of a check.

    Attributes:
        check: the check.
        verdict: in a word.
        answer: what was found out; its value is None where nothing was.
        exchanges: what was asked and answered.
    """

    check: Check
    verdict: Verdict
    answer: Answer
    exchanges: Sequence[Exchange] = field(default=(), repr=False)


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        findings: of each check that was to run.
        prefix: how the names of all that was made begin.
        me: the caller's name; empty if it was not even told.
        left: what was made and could not be removed.
        calls: how many requests were sent.
        interrupted: whether it was broken off.
    """

    findings: Sequence[Finding]
    prefix: str
    me: str
    left: Sequence[str]
    calls: int
    interrupted: bool


class UnknownCheckError(ValueError):
    """A name that no check has.

    Args:
        message: which, and those that there are.
    """


def chosen(only: Iterable[str] = (), also: Iterable[str] = ()) -> list[Check]:
    """Return the checks to run.

    Args:
        only: names of the checks to run; none for all that are not reserved.
        also: names of reserved checks to run besides.

    Raises:
        UnknownCheckError: there is no such check.
    """
    named, besides = set(only), set(also)
    unknown = sorted((named | besides) - {each.name for each in checks.ALL})
    if unknown:
        raise UnknownCheckError(f"no check {unknown[0]!r}; there are {', '.join(each.name for each in checks.ALL)}")
    wanted = named | besides if named else {each.name for each in checks.ALL if not each.reserved} | besides
    return [each for each in checks.ALL if each.name in wanted]


def verify(
    target: Target,
    asked: Sequence[Check],
    *,
    run: str,
    calls: int,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    told: Callable[[Finding], None] = lambda _finding: None,
) -> Outcome:
    """Ask a workspace, and remove all that was made for it, however this ends.

    Args:
        target: the workspace.
        asked: the checks, in their order.
        run: what tells this run's names from any other's.
        calls: how many requests at most, removing left out.
        seconds: for how long at most, removing left out.
        sleep: waits so many seconds.
        told: hears of each finding as it comes.

    Raises:
        UnreachableError: the workspace does not even say who the caller is.
        UnansweredError: it refuses the caller.
    """
    call = Caller(target, calls=calls, seconds=seconds, now=time.monotonic)
    scratch = Scratch(call, run=run, sleep=sleep)
    findings: list[Finding] = []
    interrupted = False
    me = ""
    try:
        probe = _probe(call, scratch, target, sleep)
        me = probe.me
        for check in asked:
            findings.append(_found(check, probe))
            told(findings[-1])
    except KeyboardInterrupt:
        interrupted = True
    finally:
        left = scratch.clear()
        call.close()
    return Outcome(findings, scratch.prefix, me, left, call.made, interrupted)


def _probe(call: Caller, scratch: Scratch, target: Target, sleep: Callable[[float], None]) -> Probe:
    reply = call("GET", "/api/2.0/preview/scim/v2/Me")
    if not reply.ok or not isinstance(reply.body, dict) or not reply.body.get("userName"):
        raise UnansweredError(f"{target.host} refuses the token, or is no workspace: {reply.summary()}")
    groups = {str(each.get("display")) for each in reply.body.get("groups") or [] if isinstance(each, dict)}
    return Probe(call, scratch, target, me=str(reply.body["userName"]), is_admin="admins" in groups, sleep=sleep)


def _found(check: Check, probe: Probe) -> Finding:
    before = len(probe.call.exchanges)
    try:
        answer = check.run(probe)
    except (UnansweredError, SpentError, UnreachableError) as error:
        answer = Answer(None, str(error))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # A workspace may answer in a shape that nobody foresaw: that is a finding, and ends no run.
        answer = Answer(None, f"the answer has another shape ({type(error).__name__})")
    return Finding(check, _verdict(check, answer.value), answer, probe.call.exchanges[before:])


def _verdict(check: Check, value: object) -> Verdict:
    if value is None:
        return Verdict.OPEN
    if value == check.here:
        return Verdict.SAME
    switch = check.rule.switch
    if switch is not None:
        try:
            Behaviour.parse([f"{switch}={value}"])
        except ValueError:
            return Verdict.UNFORESEEN
    return Verdict.OTHER
