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
from proving.processes import DONE, REFUSED, Call, Ended, Job, run
from proving.worlds import World, worlds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from proving.sizes import Proof

    from local_workspace.local import LocalWorkspace


OK = 200


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


OVERTAKEN = (
    "another apply put another",
    "the name was taken since",
    "changed since the plan",
    "was still running after",
)
"""What a process says that comes to its end otherwise than it meant because of others."""


def require_says_so(process: Ended, all_of_them: list[Ended]) -> bool:
    """See that a process says it if it was overtaken, and that it fails for nothing else; tell whether it was."""
    assert process.code == DONE or any(each in process.said for each in OVERTAKEN), process.said
    others = [call for each in all_of_them if each is not process for call in each.calls if call.status == OK]
    for put in process.calls:
        if put.method != "PUT" or not put.path.endswith("/config") or put.status != OK:
            continue
        endpoint = put.path.removesuffix("/config")
        looks = [each for each in process.calls if each.method == "GET" and (each.path, each.status) == (endpoint, OK)]
        if any(is_overwritten(put, look, others) for look in looks):
            assert f"model_serving_endpoints.{endpoint.rpartition('/')[2]}" in process.said
            assert "another apply put another config" in process.said
    return process.code != DONE


def is_overwritten(put: Call, look: Call, others: Iterable[Call]) -> bool:
    """Tell whether a look comes upon a config of others, whichever way simultaneous calls went."""
    rivals = [each for each in others if each.path == put.path and each.ended > put.begun and each.begun < look.ended]
    after = [each for each in rivals if each.begun > put.ended and each.ended < look.begun]
    return bool(after) and all(each.body != put.body for each in rivals)


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
        assert {each.code for each in ended} <= ({DONE} if versions == 1 else {DONE, REFUSED}), ended
        proof.tried("overtaken", sum(require_says_so(each, ended) for each in ended))
        expected = [each.expected(case.caller) for each in (race.before, *race.versions)]
        require_whole(look(case.api), expected)
        for world in race.versions[:versions]:
            case.require(world, broken=race.versions, applies=1)
        proof.tried("races")
        proof.tried("processes", len(jobs))

    proof.holds(settles, races(versions), quick=4, full=250, part=versions, shrink=False)
