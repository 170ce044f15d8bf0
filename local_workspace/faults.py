"""What is arranged to go wrong: the rules, which request each one hits, and how often.

The breaking itself is `breakage.py`'s: here nothing touches a socket.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from local_workspace.errors import invalid

READS = frozenset({"GET", "HEAD"})

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
        path: the requests' path, as a glob; a request's trailing slash makes no difference.
        offset: how many matching requests pass before the first that is hit.
        times: how many are hit; None for all.
        when: for status, lost and reset: whether the request takes effect all the same (`after`) or not.
        status: for `status`: 400 to 599.
        retry_after: for `status`: seconds in a Retry-After header.
        error_code: for `status`; a number is written as one, as the gateway does where it refuses a credential.
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
    error_code: str | int = "TEMPORARILY_UNAVAILABLE"
    message: str = "The service is temporarily unavailable."
    after_bytes: int = 1
    ms: float = 100.0
    probability: float = 1.0

    def matches(self, method: str, path: str) -> bool:
        """Return whether it is about such a request."""
        if self.kind == "stale" and method not in READS:
            return False
        # MLflow's client sends some paths with a slash at the end, the others the same ones without.
        return self.method in {"*", method} and any(fnmatchcase(each, self.path) for each in (path, path.rstrip("/")))

    def to_object(self) -> dict[str, Any]:
        """Return it as the object that arms it."""
        fields = asdict(self)
        return {"match": {name: fields.pop(name) for name in _MATCH}, **fields}


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0
    hit: int = 0

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
        parsed = [each if isinstance(each, Fault) else parse_fault(each) for each in faults]
        if seed is not None:
            self._random.seed(seed)
        self._armed.extend(map(_Armed, parsed))

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def view(self) -> list[dict[str, Any]]:
        """Return what `GET /_local/faults` shows: each fault, what it matched and hit, and if it is spent."""
        return [
            {"fault": each.fault.to_object(), "matched": each.seen, "hit": each.hit, "spent": each.spent}
            for each in self._armed
        ]

    def take(self, method: str, path: str) -> list[Fault]:
        """Return the faults that hit a request, each counted as used."""
        return [each.fault for each in self._armed if each.takes(method, path, self._random)]

    def expects_stale_reads(self) -> bool:
        """Return whether the state before a write has to be kept for a later read."""
        return any(each.fault.kind == "stale" and not each.spent for each in self._armed)


def parse_arming(document: object) -> tuple[list[Fault], int | None]:
    """Read what a request or a file arms: `{"faults": […], "seed": n}`.

    Returns:
        The faults, and the seed if there is one.

    Raises:
        ApiError: INVALID_PARAMETER_VALUE that names the field.
    """
    if not isinstance(document, Mapping):
        raise invalid("Expected an object with faults, and perhaps a seed.")
    _refuse_strange(document, ("faults", "seed"), "What arms faults")
    listed, seed = document.get("faults"), document.get("seed")
    if not isinstance(listed, list):
        raise invalid("faults must be a list of objects.")
    if seed is not None and not _whole(seed):
        raise invalid("seed must be a whole number, 0 or more.")
    return [parse_fault(each) for each in listed], seed


def parse_fault(value: object) -> Fault:
    """Read one fault.

    Raises:
        ApiError: INVALID_PARAMETER_VALUE that names the field.
    """
    if not isinstance(value, Mapping):
        raise invalid("A fault must be an object.")
    _refuse_strange(value, ("match", *_OUTCOME), "A fault")
    match = value.get("match", {})
    if not isinstance(match, Mapping):
        raise invalid("A fault's match must be an object with method and path.")
    _refuse_strange(match, tuple(_MATCH), "A fault's match")
    given = {"kind": None, **value, **match}
    given.pop("match", None)
    for name, rule in ({**_MATCH, **_OUTCOME}).items():
        if name in given and not rule.takes(given[name]):
            raise invalid(f"A fault's {name} must be {rule.words}.")
    if "method" in given:
        given["method"] = given["method"].upper()
    return Fault(**given)


@dataclass(frozen=True)
class _Rule:
    words: str
    takes: Callable[[object], bool]


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: object, *, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


_MOST_MS = 3_600_000

_TEXT = _Rule("a string", lambda value: isinstance(value, str))
_COUNT = _Rule("a whole number, 0 or more", _whole)
_COUNT_OR_NULL = _Rule("a whole number, 0 or more, or null", lambda value: value is None or _whole(value))

_MATCH: Mapping[str, _Rule] = {"method": _TEXT, "path": _TEXT}
_OUTCOME: Mapping[str, _Rule] = {
    "kind": _Rule(f"one of {', '.join(KINDS)}", lambda value: value in KINDS),
    "offset": _COUNT,
    "times": _COUNT_OR_NULL,
    "when": _Rule("before or after", lambda value: value in ("before", "after")),
    "status": _Rule("an error's HTTP status, 400 to 599", lambda value: _whole(value) and value in range(400, 600)),
    "retry_after": _COUNT_OR_NULL,
    "error_code": _Rule("a string or a whole number", lambda value: isinstance(value, str) or _whole(value)),
    "message": _TEXT,
    "after_bytes": _COUNT,
    "ms": _Rule(f"a number from 0 to {_MOST_MS}", lambda value: _number(value, most=_MOST_MS)),
    "probability": _Rule("a number from 0 to 1", lambda value: _number(value, most=1)),
}


def _refuse_strange(given: Mapping[str, object], known: Sequence[str], what: str) -> None:
    strange = sorted(set(given) - set(known))
    if strange:
        raise invalid(f"{what} has no field {', '.join(strange)}; it has {', '.join(known)}.")
