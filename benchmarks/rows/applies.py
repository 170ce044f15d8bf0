"""`apply` to a workspace that takes 50 ms for every answer, beside the requests that it must make.

The bound of an apply is what its requests take, as many at a time as it makes at once, if nothing but their answers
were waited for. Phases follow each other: what the host is, who we are, all that is read, all that is written.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.harness import Bench, Case, Measured, Row, Target, count_row, differences, take_turns
from benchmarks.processes import run
from benchmarks.workload import APPLY, UNPACED, Workload, workspace
from provisioning.execution.executor import WORKERS

if TYPE_CHECKING:
    from pathlib import Path

LATENCY_MS = 50
_ABOVE = 1.3
"""What an apply may take of its bound."""
_READING_SCOPES, _READING_ENDPOINTS = 3, 2
_FIRST = 2
"""Requests that each wait for the one before: the SDK's look at the host, and who we are."""
_SDK = "import databricks.sdk.core"
_PART_OF_IT = "import provisioning.workspace.sdk"
"""Without the clients of all services, which the SDK's `__init__` imports."""


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

        cases = [
            Case("no-op apply", apply),
            Case("import of the SDK", lambda: _importing(bench, _SDK)),
            Case("import of what is used of it", lambda: _importing(bench, _PART_OF_IT)),
        ]
        ours, sdk, part = take_turns(cases, rounds=bench.rounds, unit="s", warm_up=not bench.quick)
    bound = LATENCY_MS / 1e3 * _waves(load, each_scope=_READING_SCOPES, each_endpoint=_READING_ENDPOINTS)
    ideal = Measured("the bound", "s", (bound,))
    shown = f"no-op `apply`, {_shown(load)}"
    wrote = sum(1 for each in asked if each["method"] != "GET")
    return [
        Row(
            f"{shown}, {LATENCY_MS} ms latency",
            (ours, ideal, sdk),
            tuple(
                all_of_it / (_ABOVE * bound + importing)
                for all_of_it, importing in zip(ours.samples, sdk.samples, strict=True)
            ),
            f"times {_ABOVE:g} bounds and the SDK's import",
            Target("≤", 1),
            note=f"the bound: the least requests, {WORKERS} at a time",
        ),
        Row(
            f"{shown}, {LATENCY_MS} ms latency, less what it imports of the SDK",
            (ours, ideal, part),
            tuple(above / bound for above in differences(ours, part)),
            "times the bound",
            note="above the bound: starting, pydantic, reading the configs, the work of SDK and requests on each call",
        ),
        count_row(
            f"requests of a {shown}",
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
        missing = _waves(load, each_scope=1, each_endpoint=1)
        bounds.append(LATENCY_MS / 1e3 * (missing + math.ceil((len(asked) - first_write) / WORKERS)))
        return seconds

    cases = [
        Case("first apply", apply),
        Case("import of what it uses of the SDK", lambda: _importing(bench, _PART_OF_IT)),
    ]
    ours, importing = take_turns(cases, rounds=min(bench.rounds, 5), unit="s", warm_up=not bench.quick)
    counted = zip(ours.samples, importing.samples, bounds[-len(ours.samples) :], strict=True)
    return Row(
        f"first `apply` of the same, {LATENCY_MS} ms latency, pacing off",
        (ours, Measured("the critical path", "s", (bounds[-1],)), importing),
        tuple((all_of_it - sdk) / bound for all_of_it, sdk, bound in counted),
        "times the critical path",
        Target("≤", 1.5),
        note=f"less what it imports of the SDK; all requests it makes, {WORKERS} at a time",
    )


def _waves(load: Workload, *, each_scope: int, each_endpoint: int) -> int:
    """Return how many answers have to be waited for, one after the other, to read what is there."""
    names_of_scopes = 1
    together = names_of_scopes + load.scopes * each_scope + load.endpoints * each_endpoint
    return _FIRST + math.ceil(together / WORKERS)


def _importing(bench: Bench, statement: str) -> float:
    return run([bench.python, "-c", statement]).seconds


def _shown(load: Workload) -> str:
    return f"{load.endpoints} endpoints, {load.scopes} scopes, {load.scopes * load.secrets} secrets"
