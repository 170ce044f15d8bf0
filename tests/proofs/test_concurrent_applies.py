"""Several processes apply at once, the same configs or different versions of them.

Each part of what results is whole and from one of the versions, and one apply of either version settles the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from proving.cases import Case
from proving.looking import look
from proving.processes import DONE, REFUSED, Job, run
from proving.worlds import World, worlds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from proving.sizes import Proof

    from local_workspace.local import LocalWorkspace


@dataclass(frozen=True)
class Race:
    """What is there before, and the versions that are applied at once, one a process."""

    before: World
    versions: tuple[World, ...]


def races(versions: int) -> st.SearchStrategy[Race]:
    """Draw races of 2 to 8 processes.

    Args:
        versions: among how many versions they take turns.
    """
    return st.builds(
        lambda before, drawn, count: Race(before, tuple(drawn[index % versions] for index in range(count))),
        worlds(),
        st.lists(worlds(least=1), min_size=versions, max_size=versions),
        st.integers(2, 8),
    )


def require_whole(seen: dict[str, Any], versions: Iterable[dict[str, Any]]) -> None:
    """See that each part is as one of the versions has it, or is not there because one of them has it not."""
    versions = list(versions)
    for kind in ("scopes", "endpoints"):
        for name, found in seen[kind].items():
            known = [each[kind][name] for each in versions if name in each[kind]]
            assert known, f"{name} is in none of the versions"
            for field, value in found.items():
                parts = [(value, [each[field] for each in known])]
                if field in {"secrets", "acls", "grants"}:
                    parts = [(value[key], [each[field].get(key) for each in known]) for key in value]
                for part, allowed in parts:
                    assert part in allowed, f"{name}.{field}: {part} is of no version ({allowed})"


@pytest.mark.parametrize("versions", [1, 2])
def test_applies_at_once_mix_no_versions_and_one_more_settles_it(
    proof: Proof, server: LocalWorkspace, tmp_path: Path, versions: int
) -> None:
    def settles(race: Race) -> None:
        workspace = server.fork()
        case = Case(workspace.host, workspace.token, tmp_path / "configs")
        assert case.apply(race.before) is None
        jobs = [
            Job(workspace.host, workspace.token, tmp_path / f"configs-{index}", world)
            for index, world in enumerate(race.versions)
        ]
        ended = run(*jobs)
        assert set(ended) <= ({DONE} if versions == 1 else {DONE, REFUSED}), ended
        expected = [each.expected(case.caller) for each in (race.before, *race.versions)]
        require_whole(look(case.api), expected)
        for world in race.versions[:versions]:
            case.require(world, broken=race.versions, applies=1)
        proof.tried("races")
        proof.tried("processes", len(jobs))

    proof.holds(settles, races(versions), quick=4, full=250, part=versions, shrink=False)
