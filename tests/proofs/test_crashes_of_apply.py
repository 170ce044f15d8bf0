"""SIGKILL of `apply` before and after each request that writes: the next apply ends where it would have."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st
from proving.cases import Case
from proving.processes import DONE, KILLED, Job, run
from proving.worlds import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from proving.processes import When
    from proving.sizes import Proof
    from proving.worlds import World

    from local_workspace.local import LocalWorkspace, WorkspaceHandle


QUICK = 20
"""Cut points of one apply that the quick size tries."""


@pytest.mark.parametrize("part", range(2))
def test_an_apply_killed_at_any_request_is_finished_by_the_next_one(
    proof: Proof, server: LocalWorkspace, tmp_path: Path, part: int
) -> None:
    folder = tmp_path / "configs"
    dice = proof.dice(part)

    def begun(before: World) -> tuple[WorkspaceHandle, Case]:
        workspace = server.fork()
        case = Case(workspace.host, workspace.token, folder)
        case.place_foreign()
        assert case.apply(before) is None
        workspace.requests.clear()
        return workspace, case

    def goes_on(in_turn: tuple[World, World]) -> None:
        before, after = in_turn
        workspace, case = begun(before)
        assert case.apply(after) is None
        writes = sum(each.method != "GET" for each in workspace.requests)
        cuts: list[tuple[int, When]] = list(itertools.product(range(writes), ("before", "after")))
        for cut, when in dice.sample(cuts, min(proof.size(quick=QUICK, full=len(cuts)), len(cuts))):
            workspace, case = begun(before)
            (ended,) = run(Job(workspace.host, workspace.token, folder, after, cut=cut, when=when))
            # records are written as the workers come to them: another order may take a write less
            assert ended.code in {KILLED, DONE}
            case.require(after)
            proof.tried("cut points", ended.code != DONE)

    pairs = st.tuples(worlds(), worlds(least=2))
    proof.holds(goes_on, pairs, quick=3, full=20, part=part, shrink=False)
