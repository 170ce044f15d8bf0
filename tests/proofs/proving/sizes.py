"""How large a proof is, and what it is drawn from."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import SearchStrategy


CaseT = TypeVar("CaseT")


class Size(StrEnum):
    """How much is tried."""

    SAMPLE = "sample"
    """A tenth of the quick size: what the suite runs, to see that the proofs work."""
    QUICK = "quick"
    """What CI runs: minutes."""
    FULL = "full"
    """What docs/reliability.md reports: hours."""


_SAMPLED = 10


@dataclass
class Proof:
    """One proof.

    Attributes:
        name: as `scripts/prove` takes it.
        extent: how much is tried.
        seed: what it is drawn from.
        sizes: how many of what were tried, for the line at the end.
    """

    name: str
    extent: Size
    seed: int
    sizes: Counter[str] = field(default_factory=Counter)

    def size(self, *, quick: int, full: int) -> int:
        """Return the size that is meant."""
        sizes = {Size.SAMPLE: max(1, quick // _SAMPLED), Size.QUICK: quick, Size.FULL: full}
        return sizes[self.extent]

    def some(self, cases: Mapping[str, CaseT]) -> dict[str, CaseT]:
        """Return the cases to try: all of them, or of the sample some, drawn from the seed."""
        names = sorted(cases)
        chosen = self.dice("some").sample(names, self.size(quick=len(names), full=len(names)))
        return {name: cases[name] for name in chosen}

    def dice(self, part: object = "") -> random.Random:
        """Return a generator of its own for a part of the proof."""
        return random.Random(f"{self.seed} {part}")  # noqa: S311 - a test's dice, not a key's

    def tried(self, unit: str, count: int = 1) -> None:
        """Count what was tried."""
        self.sizes[unit] += count

    def holds(
        self,
        case: Callable[[Any], None],
        cases: SearchStrategy[Any],
        *,
        quick: int,
        full: int,
        part: int = 0,
        shrink: bool = True,
    ) -> None:
        """Try a case on so many examples, drawn from the seed.

        Args:
            case: raises if the example breaks the promise.
            cases: draws the examples.
            quick: how many, in CI.
            full: how many, on request.
            part: which part of the proof this is, where several run beside each other.
            shrink: whether a failing example is made smaller before it is shown; not where one takes seconds.
        """
        phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
        judged = settings(
            max_examples=self.size(quick=quick, full=full),
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        )(seed(self.seed + part)(given(cases)(case)))
        judged()
