"""SIGKILL of `apply` before and after each request that writes: the next apply ends where it would have."""

from __future__ import annotations

import itertools
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st
from proving.cases import Case
from proving.processes import DONE, Job, run
from proving.worlds import worlds

if TYPE_CHECKING:
    from pathlib import Path
    from local_workspace.local import LocalWorkspace
    from proving.sizes import Proof
    from proving.worlds import World


@pytest.mark.parametrize("part", range(2))
def test_an_apply_killed_at_any_request_is_finished_by_the_next_one(
    proof: Proof, server: LocalWorkspace, tmp_path: Path, part: int
) -> None:
    folder = tmp_path / "configs"

    def goes_on(worlds_in_turn: tuple[World, World]) -> None:
        before, after = worlds_in_turn
        for cut, when in itertools.product(range(100), ("before", "after")):
            workspace = server.fork()
            case = Case(workspace.host, workspace.token, folder)
            case.place_foreign()
            assert case.apply(before) is None
            (ended,) = run(Job(workspace.host, workspace.token, folder, after, cut=cut, when=when))
            if ended == DONE:
                return  # it makes no more requests than that
            assert ended == -signal.SIGKILL
            case.require(after)
            proof.tried("cut points")

    pairs = st.tuples(worlds(), worlds(least=1))
    proof.holds(goes_on, pairs, quick=2, full=40, part=part, shrink=False)
