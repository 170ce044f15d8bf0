"""What every proof has: a seed, a size, and a line that says how it went.

The suite runs a sample of each, CI the quick sizes (`scripts/prove`); docs/reliability.md reports the full ones
(`scripts/prove --full`).
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proving.sizes import Proof

SEED = 20261122
"""What is drawn from unless another one is given: the suite says the same about the same code."""


@pytest.fixture
def proof(request: pytest.FixtureRequest, record_property: Any) -> Iterator[Proof]:  # noqa: ANN401 - pytest's own
    """The size and the seed of the proof that a test is."""
    from proving.sizes import Proof, Size  # noqa: PLC0415 - imports hypothesis, which most runs of pytest don't need

    extent = Size(os.environ.get("PROOF_SIZE", Size.SAMPLE))
    name = request.path.stem.removeprefix("test_").replace("_", "-")
    made = Proof(name, extent=extent, seed=int(os.environ.get("PROOF_SEED", SEED)))
    started = time.perf_counter()
    print(f"{name}: PROOF_SEED={made.seed}")  # noqa: T201 - pytest shows it with a failure
    yield made
    record_property("proof", (name, made.seed, dict(made.sizes), time.perf_counter() - started))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say for each proof how large it was, from which seed, and how it went."""
    rows: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for report in terminalreporter.getreports(""):  # set-ups and ends of tests are of no category
        for key, value in report.user_properties if report.when == "teardown" else ():
            if key == "proof":
                name, seed, sizes, seconds = value
                rows[name, seed] += Counter({**sizes, "s": seconds})
    failed = {Path(report.nodeid.partition("::")[0]).stem for report in terminalreporter.getreports("failed")}
    terminalreporter.section("proofs")
    for (name, seed), row in sorted(rows.items()):
        seconds = row.pop("s")
        sizes = ", ".join(f"{count:,} {unit}" for unit, count in row.items())
        ended = "FAILED" if _module_of(name) in failed else "holds"
        terminalreporter.line(f"{name}: {sizes}; seed {seed}; {seconds:.0f} s; {ended}")


def _module_of(name: str) -> str:
    return "test_" + name.replace("-", "_")


@pytest.fixture(scope="session")
def server() -> Iterator[LocalWorkspace]:
    """A server whose endpoints are ready at once; each case forks a workspace of its own."""
    with LocalWorkspace(deploy_seconds=0.0) as running:
        yield running
