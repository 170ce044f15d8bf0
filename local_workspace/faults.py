"""What is arranged to go wrong: the rules, which request each one hits, and how often.

The breaking itself is `breakage.py`'s: here nothing touches a socket.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, Literal

from local_workspace.errors import invalid

Kind = Literal["status", "lost", "reset", "truncate", "cut", "slow", "stream_error", "stale", "latency"]
KINDS: tuple[Kind, ...] = (
    "status", "lost", "reset", "truncate", "cut", "slow", "stream_error", "stale", "latency"
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: what goes wrong:
            `status` another answer is given; `lost` the connection closes without an answer; `reset` the same by
            TCP reset; `truncate` the answer's body ends early, though the answer looks complete; `cut` the
            connection breaks within the body; `slow` the body drips; `stream_error` an event stream breaks off
            with an error event; `stale` a read shows the workspace before its last write; `latency` the answer
            waits.
        method: the requests' method; `*` for any.
        path: the requests' path, as a glob.
        offset: how many matching requests pass before the first that is hit.
        times: how many are hit; None for all.
        when: for status, lost and reset: whether the request takes effect all the same (`after`) or not.
        status: for `status`.
        retry_after: for `status`: seconds in a Retry-After header.
        error_code: for `status`.
        message: for `status` and `stream_error`.
        after_bytes: for truncate, cut and stream_error: how much of the body passes.
        ms: for latency: milliseconds to wait; for slow: between two pieces.
        probability: how likely a request whose turn it is gets hit, by the seeded generator.
    """

    kind: Kind
    method: str = "*"
    path: str = "*"
    offset: int = 0
    times: int | None = 1
    when: Literal["before", "after"] = "before"
    status: int = 503
    retry_after: int | None = None
    error_code: str = "TEMPORARILY_UNAVAILABLE"
    message: str = "The service is temporarily unavailable."
    after_bytes: int = 1
    ms: float = 100.0
    probability: float = 1.0

    def matches(self, method: str, path: str) -> bool:
        """Return whether it is about such a request."""
        return self.method in {"*", method} and fnmatchcase(path, self.path)


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0
    hit: int = field(default=0)

    def takes(self, method: str, path: str, generator: random.Random) -> bool:
        if not self.fault.matches(method, path) or self.spent:
            return False
        self.seen += 1
        if self.seen <= self.fault.offset:
            return False
        # Drawn for certain hits too, so that one rule's probability does not shift another's draws.
        if generator.random() >= self.fault.probability:
            return False
        self.hit += 1
        return True

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.hit >= self.fault.times


class Faults:
    """The faults of one workspace.

    Args:
        seed: makes probabilities repeat.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._armed: list[_Armed] = []
        self._random = random.Random(seed)  # noqa: S311 - a test's dice, not a key's

    def arm(self, faults: Sequence[Fault | Mapping[str, Any]], *, seed: int | None = None) -> None:
        """Arm faults, in addition to those armed already.

        Args:
            faults: as `Fault`s, or as the objects that `POST /_local/faults` takes.
            seed: restarts the generator, so that a run repeats.

        Raises:
            ApiError: an object is no fault.
        """
        if seed is not None:
            self._random.seed(seed)
        parsed = [each if isinstance(each, Fault) else parse_fault(each) for each in faults]
        self._armed.extend(map(_Armed, parsed))

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def take(self, method: str, path: str) -> list[Fault]:
        """Return the faults that hit a request, each counted as used."""
        return [each.fault for each in self._armed if each.takes(method, path, self._random)]

    def expects_stale_reads(self) -> bool:
        """Return whether the state before a write has to be kept for a later read."""
        return any(each.fault.kind == "stale" and not each.spent for each in self._armed)


def parse_faults(listed: object) -> list[Fault]:
    """Read the `faults` of a request or file.

    Raises:
        ApiError: INVALID_PARAMETER_VALUE that names the field.
    """
    if not isinstance(listed, list):
        raise invalid("faults must be a list of objects.")
    return [parse_fault(each) for each in listed]


def parse_fault(value: object) -> Fault:
    """Read one fault.

    Raises:
        ApiError: INVALID_PARAMETER_VALUE that names the field.
    """
    if not isinstance(value, Mapping):
        raise invalid("A fault must be an object.")
    match = value.get("match", {})
    if not isinstance(match, Mapping):
        raise invalid("A fault's match must be an object with method and path.")
    given = {key: each for key, each in value.items() if key != "match"} | dict(match)
    known = {each.name: each for each in fields(Fault)}
    strange = sorted(set(given) - set(known))
    if strange:
        raise invalid(f"A fault has no field {', '.join(strange)}; it has match, {', '.join(known)}.")
    if given.get("kind") not in KINDS:
        raise invalid(f"A fault's kind must be one of {', '.join(KINDS)}.")
    if given.get("when", "before") not in {"before", "after"}:
        raise invalid("A fault's when must be before or after.")
    for name, each in given.items():
        _check_type(name, each)
    if "method" in given:
        given["method"] = given["method"].upper()
    return Fault(**given)


_WHOLE = frozenset({"offset", "times", "status", "retry_after", "after_bytes"})
_REAL = frozenset({"ms", "probability"})


def _check_type(name: str, value: object) -> None:
    if value is None and name in {"times", "retry_after"}:
        return
    number = isinstance(value, int) and not isinstance(value, bool)
    if name in _WHOLE and not (number and isinstance(value, int) and value >= 0):
        raise invalid(f"A fault's {name} must be a whole number, 0 or more.")
    if name in _REAL and not ((number or isinstance(value, float)) and value >= 0):  # type: ignore[operator] # a number by now
        raise invalid(f"A fault's {name} must be a number, 0 or more.")
    if name not in _WHOLE | _REAL and not isinstance(value, str):
        raise invalid(f"A fault's {name} must be a string.")
