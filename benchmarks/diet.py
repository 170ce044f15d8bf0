"""What each direct dependency costs: what would leave an install with it, and what its import takes."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.processes import run

if TYPE_CHECKING:
    from collections.abc import Iterable

_OURS = "gatewright"
_ROUNDS = 3
_IMPORTED = {
    "databricks-sdk": "databricks.sdk",
    "langchain-core": "langchain_core.language_models",
    "mlflow-skinny": "mlflow",
    "pyyaml": "yaml",
}
"""What is imported, where that is not the distribution's name."""

_STAYS = {
    "aiohttp": "the async transport; loaded by `AsyncChatClient` and by the local workspace's first proxied call",
    "click": "the three command lines; mlflow-skinny and uvicorn bring it anyway",
    "databricks-sdk": "the vendor's client and every login; loaded when a workspace is contacted",
    "httptools": "parses the local workspace's requests, in C",
    "langchain-core": "`ChatDatabricks` is one of its models; loaded with that alone",
    "mlflow-skinny": "spans of calls; loaded when tracing is on",
    "pydantic": "config models, their JSON Schema, plan files; langchain-core brings it anyway",
    "pyyaml": "configs, with the place of every node; langchain-core brings it anyway",
    "rich": "live output, on a terminal alone",
    "starlette": "the local workspace; mlflow-skinny brings it anyway",
    "tenacity": "the waits' schedule; langchain-core brings it anyway",
    "urllib3": "TLS inside an `https://` proxy; the SDK brings it anyway",
    "uvicorn": "the local workspace's server; mlflow-skinny brings it anyway",
    "uvloop": "the local workspace's event loop; where it is not installed, asyncio's own serves",
}


@dataclass(frozen=True)
class Cost:
    """One direct dependency.

    Attributes:
        name: of the distribution.
        megabytes: of its own files.
        leaving: how many distributions would leave with it: itself and what nothing else needs.
        leaving_megabytes: their size.
        milliseconds: its import takes, above a bare interpreter's start.
    """

    name: str
    megabytes: float
    leaving: int
    leaving_megabytes: float
    milliseconds: float


def costs(python: Path) -> list[Cost]:
    """Return what each direct dependency costs in the project's own environment.

    Args:
        python: its interpreter.
    """
    direct = sorted(_needs(_OURS))
    everything = _closure(direct)
    bare = _starting(python, "pass")
    found = []
    for name in direct:
        leaving = everything - _closure(each for each in direct if each != name)
        statement = f"import {_IMPORTED.get(name, name)}"
        found.append(
            Cost(
                name,
                megabytes=_megabytes(name),
                leaving=len(leaving),
                leaving_megabytes=sum(map(_megabytes, leaving)),
                milliseconds=max(0.0, _starting(python, statement) - bare),
            )
        )
    return found


def table(found: Iterable[Cost]) -> str:
    """Return the costs as Markdown."""
    lines = [
        "| dependency | MB | leaves with it | import, ms | why it stays |",
        "|---|---|---|---|---|",
    ]
    for cost in found:
        leaving = f"{cost.leaving}, {cost.leaving_megabytes:.1f} MB" if cost.leaving else "nothing"
        stays = _STAYS.get(cost.name, "")
        lines.append(f"| {cost.name} | {cost.megabytes:.1f} | {leaving} | {cost.milliseconds:.0f} | {stays} |")
    return "\n".join([*lines, ""])


@cache
def _needs(name: str) -> frozenset[str]:
    """Return what a distribution needs here, extras left out; nothing if it is not installed."""
    try:
        wanted = [Requirement(each) for each in requires(name) or ()]
    except PackageNotFoundError:
        return frozenset()
    here = (each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""}))
    return frozenset(canonicalize_name(each.name) for each in here)


def _closure(names: Iterable[str]) -> frozenset[str]:
    reached: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += _needs(name)
    return frozenset(reached)


@cache
def _megabytes(name: str) -> float:
    try:
        files = distribution(name).files or ()
    except PackageNotFoundError:
        return 0.0
    located = (Path(str(each.locate())) for each in files if "__pycache__" not in each.parts)
    return sum(each.stat().st_size for each in located if each.is_file()) / 1e6


def _starting(python: Path, statement: str) -> float:
    _warm, *counted = (run([python, "-c", statement]).seconds * 1e3 for _ in range(1 + _ROUNDS))
    return statistics.median(counted)
