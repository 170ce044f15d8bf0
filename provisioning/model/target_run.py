"""How a command ended for one of several targets."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import ConfigDict

from provisioning.model.base import Model

if TYPE_CHECKING:
    from collections.abc import Iterable


class Result(StrEnum):
    """How it ended, in a word."""

    DONE = "done"
    PENDING = "changes pending"
    DECLINED = "not confirmed"
    FAILED = "failed"
    BLOCKED = "blocked"
    NOT_READY = "not ready"
    PARTLY_APPLIED = "applied in part"
    INTERRUPTED = "interrupted"
    NOT_BEGUN = "not begun"


_RESULTS = {
    0: Result.DONE,
    1: Result.FAILED,
    2: Result.PENDING,
    3: Result.BLOCKED,
    4: Result.NOT_READY,
    5: Result.PARTLY_APPLIED,
    130: Result.INTERRUPTED,
}

_WORST_FIRST = (130, 5, 1, 3, 4, 2, 0)

_GOOD_ENDS = {0, 2}


class TargetRun(Model):
    """One target's part of a run."""

    # the published schema of `--format jsonl` is derived from it
    model_config = ConfigDict(use_attribute_docstrings=True)

    target: str
    """The target."""
    result: Result
    """How it ended."""
    exit_code: int | None = None
    """What the command would have exited with for this target alone; null if it was not begun."""
    message: str | None = None
    """What is wrong, if it did not end well."""

    @property
    def went_well(self) -> bool:
        """Whether the next target's turn may come."""
        return self.exit_code in _GOOD_ENDS and self.result is not Result.DECLINED


def ended(target: str, exit_code: int, *, message: str | None = None) -> TargetRun:
    """Return the run of a target that ended with an exit code.

    Args:
        target: its name.
        exit_code: what the command would have exited with for this target alone.
        message: what is wrong, if it did not end well.
    """
    return TargetRun(target=target, result=_RESULTS.get(exit_code, Result.FAILED), exit_code=exit_code, message=message)


def worst_exit_code(runs: Iterable[TargetRun]) -> int:
    """Return the exit code of several targets: the worst of theirs.

    From bad to good: interrupted, applied in part, an error, blocked, not ready in time, changes pending, done.
    """
    codes = {each.exit_code for each in runs}
    return next((code for code in _WORST_FIRST if code in codes), 0)
