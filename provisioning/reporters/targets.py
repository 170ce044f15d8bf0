"""How a command ended for each of several targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.inert import inert
from provisioning.model.target_run import Result
from provisioning.reporters.values import Paint, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioning.model.target_run import TargetRun

_STYLES: Mapping[Result, str] = {
    Result.DONE: "good",
    Result.PENDING: "change",
    Result.DECLINED: "change",
    Result.NOT_READY: "change",
    Result.NOT_BEGUN: "faint",
}

_LONGEST = 200


def targets_text(runs: Sequence[TargetRun], sums: Mapping[str, str], *, paint: Paint = plain) -> str:
    """Return a table with a row for each target.

    Args:
        runs: how each ended, in their order.
        sums: a sentence that sums up what was planned or done, by target.
        paint: colours.
    """
    return "\n".join(_rows(runs, sums, paint))


def _rows(runs: Sequence[TargetRun], sums: Mapping[str, str], paint: Paint) -> Iterator[str]:
    names = [inert(each.target) for each in runs]
    width = max(len(each) for each in (*names, "TARGET"))
    longest = max(len(each.result) for each in runs)
    yield paint(f"{'TARGET':<{width}}  RESULT", style="strong")
    for name, run in zip(names, runs, strict=True):
        result = paint(f"{run.result.value:<{longest}}", style=_STYLES.get(run.result, "bad"))
        said = inert(run.message or sums.get(run.target, ""), limit=_LONGEST)
        yield f"{name:<{width}}  {result}  {said}".rstrip()
