"""`apply` to a workspace that takes 50 ms for every answer, beside the requests that it must make.

The bound of an apply is what its requests take, as many at a time as it makes at once, if nothing but their answers
were waited for. Phases follow each other: who we are, which scopes there are, the scopes, the endpoints, the writes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.harness import Bench, Case, Measured, Row, Target, count_row, take_turns
from benchmarks.processes import run
from benchmarks.workload import APPLY, UNPACED, Workload, workspace
from provisioning.execution.executor import WORKERS

if TYPE_CHECKING:
    from pathlib import Path

LATENCY_MS = 50
_READING_SCOPES, _READING_ENDPOINTS = 3, 2
_FIRST = 3
"""Requests that each wait for the one before: the SDK's look at the host, who we are, which scopes there are."""


def measure(bench: Bench) -> list[Row]:
    """Compare the first apply and one that finds nothing to do, and count the latter's requests."""
    load = Workload(bench.size(100, 5), scopes=bench.size(20, 2), secrets=bench.size(10, 2))
    folder = load.write(bench.folder("applies"))
    return [*_without_changes(bench, load, folder), _first(bench, load, folder)]


def _without_changes(bench: Bench, load: Workload, folder: Path) -> list[Row]:
    state = bench.folder("applies-state")
    with workspace(bench, state=state) as fast:
        fast.provisioning(UNPACED, folder)
    with workspace(bench, state=state, latency=LATENCY_MS) as slow:
        asked: list[dict[str, object]] = []

        def apply() -> float:
            seconds = slow.provisioning(APPLY, folder).seconds
            asked[:] = slow.requests()
            return seconds

        cases = [Case("no-op apply", apply), Case("import of the SDK", lambda: _importing(bench))]
        ours, importing = take_turns(cases, rounds=bench.rounds, unit="s", warm_up=not bench.quick)
    bound = LATENCY_MS / 1e3 * _reading(load)
    above = tuple((all_of_it - sdk) / bound for all_of_it, sdk in zip(ours.samples, importing.samples, strict=True))
    shown = _shown(load)
    wrote = sum(1 for each in asked if each["method"] != "GET")
    note = f"without the SDK's import; {_reading(load)} waves of requests, {WORKERS} at a time"
    return [
        Row(
            f"no-op `apply`, {shown}, {LATENCY_MS} ms latency",
            (ours, Measured("the bound", "s", (bound,)), importing),
            above,
            "times the bound",
            Target("≤", 1.3),
            note=note,
        ),
        count_row(
            f"requests of a no-op `apply`, {shown}",
            len(asked),
            target=Target("=", load.least_requests()),
            unit="requests",
            note="the least that the API allows: see below",
        ),
        count_row("writes of a no-op `apply`", wrote, target=Target("=", 0), unit="requests"),
    ]


def _first(bench: Bench, load: Workload, folder: Path) -> Row:
    bounds: list[float] = []

    def apply() -> float:
        with workspace(bench, latency=LATENCY_MS) as fresh:
            seconds = fresh.provisioning(UNPACED, folder).seconds
            asked = fresh.requests()
        first_write = next(number for number, each in enumerate(asked) if each["method"] != "GET")
        bounds.append(LATENCY_MS / 1e3 * (_missing(load) + math.ceil((len(asked) - first_write) / WORKERS)))
        return seconds

    cases = [Case("first apply", apply), Case("import of the SDK", lambda: _importing(bench))]
    ours, importing = take_turns(cases, rounds=min(bench.rounds, 5), unit="s", warm_up=not bench.quick)
    counted = zip(ours.samples, importing.samples, bounds[-len(ours.samples) :], strict=True)
    return Row(
        f"first `apply` of the same, {LATENCY_MS} ms latency, pacing off",
        (ours, Measured("the critical path", "s", (bounds[-1],)), importing),
        tuple((all_of_it - sdk) / bound for all_of_it, sdk, bound in counted),
        "times the critical path",
        Target("≤", 1.5),
        note=f"without the SDK's import; all requests it makes, {WORKERS} at a time, scopes before their endpoints",
    )


def _reading(load: Workload) -> int:
    """Return how many answers have to be waited for, one after the other, to read what is there."""
    scopes = math.ceil(load.scopes * _READING_SCOPES / WORKERS)
    return _FIRST + scopes + math.ceil(load.endpoints * _READING_ENDPOINTS / WORKERS)


def _missing(load: Workload) -> int:
    """Return how many to find that nothing is there."""
    return _FIRST + math.ceil(load.scopes / WORKERS) + math.ceil(load.endpoints / WORKERS)


def _importing(bench: Bench) -> float:
    return run([bench.python, "-c", "import databricks.sdk.core"]).seconds


def _shown(load: Workload) -> str:
    return f"{load.endpoints} endpoints, {load.scopes} scopes, {load.scopes * load.secrets} secrets"
