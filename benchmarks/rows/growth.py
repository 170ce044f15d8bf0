"""What ten times as many endpoints cost: time, requests and memory of a first apply and of one without changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from benchmarks.harness import Bench, Measured, Row, Target, count_row
from benchmarks.workload import APPLY, UNPACED, Workload, workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEMORY_MB = 300
_NEARLY_LINEAR = 1.5
"""How much more the last endpoints may cost than the first: times of single runs on a shared machine vary as much."""

_NOTHING = 1e-6
"""Seconds an endpoint that stand for none: where noise hides what the first ones cost, no target is reached."""


@dataclass(frozen=True)
class _Step:
    endpoints: int
    first: float
    again: float
    requests: int
    megabytes: float


def measure(bench: Bench) -> list[Row]:
    """Apply sets of growing size to an empty workspace without latency, then apply them again."""
    sizes = bench.size((10, 100, 1000), (2, 4, 6))
    rounds = min(bench.rounds, 3)
    steps = [_best([_apply(bench, size) for _ in range(1 if size == sizes[-1] else rounds)]) for size in sizes]
    label = " / ".join(map(str, sizes))
    costs = [more.requests - less.requests for less, more in pairwise(steps)]
    spans = [more - less for less, more in pairwise(sizes)]
    a_piece = {cost / span for cost, span in zip(costs, spans, strict=True)}
    return [
        _time("first `apply`, pacing off", sizes, [step.first for step in steps]),
        _time("no-op `apply`", sizes, [step.again for step in steps]),
        count_row(
            f"requests for each endpoint more of a no-op `apply`, {label} endpoints",
            max(a_piece),
            target=Target("=", min(a_piece)),
            unit="requests",
            note=f"in all: {', '.join(str(step.requests) for step in steps)}",
        ),
        Row(
            f"memory of an `apply` of {sizes[-1]} endpoints",
            tuple(Measured(f"{step.endpoints} endpoints", "MB", (step.megabytes,)) for step in reversed(steps)),
            (steps[-1].megabytes,),
            "MB",
            Target("≤", _MEMORY_MB),
        ),
    ]


def _apply(bench: Bench, size: int) -> _Step:
    folder = Workload(size, scopes=2, secrets=5).write(bench.folder(f"growth-{size}"))
    with workspace(bench) as empty:
        first = empty.provisioning(UNPACED, folder)
        empty.requests()
        again = empty.provisioning(APPLY, folder)
        asked = len(empty.requests())
    return _Step(size, first.seconds, again.seconds, asked, max(first.megabytes, again.megabytes))


def _best(steps: Sequence[_Step]) -> _Step:
    """Return what the steps took where the machine disturbed them least."""
    return replace(steps[0], first=min(step.first for step in steps), again=min(step.again for step in steps))


def _time(what: str, sizes: Sequence[int], seconds: Sequence[float]) -> Row:
    """Compare what each endpoint more costs between the two larger sizes with that between the two smaller."""
    small, middle, large = seconds
    cheap = max((middle - small) / (sizes[1] - sizes[0]), _NOTHING)
    dear = (large - middle) / (sizes[2] - sizes[1])
    return Row(
        f"{what}: growth over {' / '.join(map(str, sizes))} endpoints",
        tuple(
            Measured(f"{size} endpoints", "s", (each,))
            for size, each in zip(reversed(sizes), reversed(seconds), strict=True)
        ),
        (dear / cheap,),
        "times a linear cost",
        Target("≤", _NEARLY_LINEAR),
    )
