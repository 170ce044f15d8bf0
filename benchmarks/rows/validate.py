"""`validate`, the whole process, beside an interpreter that only loads the libraries that it stands on."""

from __future__ import annotations

from benchmarks.harness import Bench, Case, Row, Target, ratios, take_turns
from benchmarks.processes import run
from benchmarks.workload import Workload

_LIBRARIES = "from pydantic import BaseModel; import yaml"


def measure(bench: Bench) -> list[Row]:
    """Compare whole processes."""
    size = bench.size(200, 5)
    folder = Workload(size, scopes=bench.size(20, 1), secrets=bench.size(10, 1)).write(bench.folder("validate"))
    cases = [
        Case(f"validate of {size} endpoints", lambda: _milliseconds(bench, "-m", "provisioning", "validate", folder)),
        Case(f"python -c '{_LIBRARIES}'", lambda: _milliseconds(bench, "-c", _LIBRARIES)),
    ]
    ours, libraries = take_turns(cases, rounds=bench.rounds, unit="ms")
    return [Row(f"`validate` of {size} endpoints", (ours, libraries), ratios(ours, libraries), "times", Target("≤", 3))]


def _milliseconds(bench: Bench, *arguments: object) -> float:
    return run([bench.python, *map(str, arguments)]).seconds * 1e3
