"""What every row needs: cases that take turns, samples, and a figure that is held against a target."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Size = TypeVar("Size")


@dataclass(frozen=True)
class Bench:
    """How much is to be measured, and with what.

    Attributes:
        rounds: how often each case gets its turn.
        quick: whether sizes are small, and only counts are judged.
        python: the project's interpreter.
        peers: the interpreter of the peers' own environment; None leaves them out.
        scratch: a folder for whatever the rows write.
    """

    rounds: int
    quick: bool
    python: Path
    peers: Path | None
    scratch: Path

    def size(self, full: Size, quick: Size) -> Size:
        """Return one of two sizes of the same work."""
        return quick if self.quick else full

    def folder(self, name: str) -> Path:
        """Return a folder of a row's own, made if it is not there."""
        made = self.scratch / name
        made.mkdir(parents=True, exist_ok=True)
        return made


@dataclass(frozen=True)
class Case:
    """One way to do the work.

    Attributes:
        name: as it is shown.
        run: does it once, and returns what it took, in the unit that its row names.
    """

    name: str
    run: Callable[[], float]


@dataclass(frozen=True)
class Measured:
    """What one case took, a sample a round.

    Attributes:
        name: of the case.
        unit: of the samples.
        samples: in the order of the rounds.
    """

    name: str
    unit: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The sample to quote."""
        return statistics.median(self.samples)


@dataclass(frozen=True)
class Target:
    """What a figure should be.

    Attributes:
        sense: which side of the value is good.
        value: in the figure's unit.
    """

    sense: Literal["≤", "≥", "="]
    value: float

    def reached_by(self, figure: float) -> bool:
        """Whether a figure is on the good side."""
        if self.sense == "=":
            return figure == self.value
        return figure <= self.value if self.sense == "≤" else figure >= self.value

    def __str__(self) -> str:
        return f"{self.sense} {self.value:g}"


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: is compared.
        measured: ours first, then what it is held against.
        figures: what is judged, one a round: ratios of the same round's samples, since a machine's speed drifts.
        unit: of the figures: `times`, `ms more`, `requests`.
        target: what the figure should be; None where it is only shown.
        counted: whether it is a count, which no load changes; only these are judged by `--quick`.
        note: what to know when reading it: how a bound is drawn, or why a target is out of reach.
    """

    what: str
    measured: tuple[Measured, ...]
    figures: tuple[float, ...]
    unit: str
    target: Target | None = None
    counted: bool = False
    note: str = ""

    @property
    def figure(self) -> float:
        """The median of the figures."""
        return statistics.median(self.figures)

    @property
    def reached(self) -> bool:
        """Whether the target is reached, as far as there is one."""
        return self.target is None or self.target.reached_by(self.figure)


def take_turns(cases: Sequence[Case], *, rounds: int, unit: str, warm_up: bool = True) -> tuple[Measured, ...]:
    """Run each case once to warm up, then all in turn, round by round.

    Args:
        cases: what is compared.
        rounds: how often each gets its turn.
        unit: of what the cases return.
        warm_up: whether there is a turn that is not counted.
    """
    if warm_up:
        for case in cases:
            case.run()
    samples: list[list[float]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, kept in zip(cases, samples, strict=True):
            kept.append(case.run())
    return tuple(Measured(case.name, unit, tuple(kept)) for case, kept in zip(cases, samples, strict=True))


def ratios(above: Measured, below: Measured) -> tuple[float, ...]:
    """Divide one case's samples by another's, round by round."""
    return tuple(a / b for a, b in zip(above.samples, below.samples, strict=True))


def differences(ours: Measured, less: Measured) -> tuple[float, ...]:
    """Subtract one case's samples from another's, round by round."""
    return tuple(a - b for a, b in zip(ours.samples, less.samples, strict=True))


def count_row(what: str, count: float, *, target: Target, name: str = "counted", unit: str = "", note: str = "") -> Row:
    """Return a row of one number that was counted.

    Args:
        what: was counted.
        count: how many.
        target: how many there should be.
        name: of whom they are.
        unit: what they are.
        note: what to know when reading it.
    """
    measured = (Measured(name, unit, (count,)),)
    return Row(what, measured, (count,), unit, target=target, counted=True, note=note)
