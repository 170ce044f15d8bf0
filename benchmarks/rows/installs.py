"""What an install brings: distributions and megabytes, beside those of the peers.

The distributions are what the resolver finds for a user who installs nothing else; the megabytes are those of a fresh
environment. The project's own overrides (`[tool.uv]`) are no user's, and take no part.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.environment import requirements, uv
from benchmarks.harness import Bench, Measured, Row, Target
from benchmarks.workers import ROOT

_OURS = "gatewright"


def measure(bench: Bench) -> list[Row]:
    """Resolve ours and the first peer's; where times are measured too, install all of them."""
    wanted = {_OURS: str(ROOT), **{each: each for each in requirements()}}
    if bench.quick:
        first = requirements()[0]
        counts = {name: _resolved(wanted[name]) for name in (_OURS, first)}
        return [_fewer(counts, first)]
    installed = {name: _installed(requirement) for name, requirement in wanted.items()}
    counts = {name: count for name, (count, _) in installed.items()}
    sizes = {name: megabytes for name, (_, megabytes) in installed.items()}
    first, *others = requirements()
    return [
        _fewer(counts, first),
        _smaller(sizes, first, Target("≤", 1 / 4)),
        *(_smaller(sizes, other, None) for other in others),
    ]


def _fewer(counts: dict[str, int], peer: str) -> Row:
    ours, theirs = (Measured(name, "distributions", (counts[name],)) for name in (_OURS, peer))
    ratio = (ours.median / theirs.median,)
    return Row("distributions of an install", (ours, theirs), ratio, "times", Target("≤", 1 / 2), counted=True)


def _smaller(sizes: dict[str, float], peer: str, target: Target | None) -> Row:
    ours, theirs = (Measured(name, "MB", (sizes[name],)) for name in (_OURS, peer))
    return Row("size of an install", (ours, theirs), (ours.median / theirs.median,), "times", target)


def _resolved(requirement: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder, "requirements.in")
        asked.write_text(requirement, encoding="utf-8")
        lines = uv("pip", "compile", "--quiet", "--no-header", "--no-annotate", str(asked)).splitlines()
    return sum(1 for line in lines if line and not line.startswith((" ", "#")))


def _installed(requirement: str) -> tuple[int, float]:
    with tempfile.TemporaryDirectory() as folder:
        uv("venv", "--quiet", "--python", sys.executable, folder)
        uv("pip", "install", "--quiet", "--python", folder, requirement)
        (site,) = Path(folder, "lib").glob("python*/site-packages")
        files = (each for each in site.rglob("*") if each.is_file())
        megabytes = sum(each.stat().st_size for each in files) / 1e6
        return sum(1 for _ in distributions(path=[str(site)])), round(megabytes, 1)
