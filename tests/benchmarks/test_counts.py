from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.harness import Bench
from benchmarks.rows import connections
from benchmarks.workers import Worker, WorkerError
from benchmarks.workload import APPLY, UNPACED, Workload, workspace


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(rounds=1, quick=True, python=Path(sys.executable), peers=None, scratch=tmp_path)


def test_calls_at_once_take_a_connection_each_and_streams_one_for_all(bench: Bench) -> None:
    calls, streams = connections.measure(bench)
    assert (calls.figure, streams.figure) == (64, 1)


def test_an_apply_without_changes_makes_the_fewest_requests_there_can_be(bench: Bench) -> None:
    load = Workload(endpoints=3, scopes=2, secrets=2)
    folder = load.write(bench.folder("configs"))
    with workspace(bench) as there:
        there.provisioning(UNPACED, folder)
        there.requests()
        there.provisioning(APPLY, folder)
        asked = there.requests()
    assert len(asked) == load.least_requests()
    assert {each["method"] for each in asked} == {"GET"}


def test_a_worker_that_cannot_start_is_an_error_and_no_hang(bench: Bench) -> None:
    with pytest.raises(WorkerError, match=r"clients\.bare"):
        Worker(bench.python, "clients.bare", {})
