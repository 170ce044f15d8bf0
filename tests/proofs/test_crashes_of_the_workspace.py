"""SIGKILL of the local workspace after it has taken a write and before its answer arrives."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import requests
from hypothesis import strategies as st
from proving.cases import Case
from proving.looking import look
from proving.processes import at_write
from proving.virtual_time import virtual_time
from proving.worlds import World, worlds

from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proving.sizes import Proof


@contextmanager
def serving(state: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run a workspace that keeps its state."""
    command = [sys.executable, "-m", "local_workspace", "serve", "--deploy-seconds", "0", "--state", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_a_workspace_killed_before_it_answers_has_kept_the_write(proof: Proof, tmp_path: Path) -> None:
    def comes_back(case_drawn: tuple[World, int]) -> None:
        world, cut = case_drawn
        state = tmp_path / f"state-{proof.sizes['kills']}"
        proof.tried("kills")
        with serving(state) as (process, address):
            case = Case(address["host"], address["token"], tmp_path / "configs")
            case.place_foreign()

            def die() -> NoReturn:
                process.kill()
                process.wait()
                raise requests.ConnectionError("the peer is gone")

            undo = at_write(cut, "after", die)
            try:
                with virtual_time():
                    ended = case.apply(world)
            finally:
                undo()
            died = process.poll() is not None
            assert isinstance(ended, ProvisioningError) == died
        with serving(state) as (_, address):
            case = Case(address["host"], address["token"], tmp_path / "configs")
            if cut == 0 and died:  # the first write of all makes a scope; another scope's may have come beside it
                assert len(look(case.api)["scopes"]) >= 2
            case.require(world)

    drawn = st.tuples(worlds(least=1), st.integers(0, 12))
    proof.holds(comes_back, drawn, quick=6, full=300, shrink=False)
