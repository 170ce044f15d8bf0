"""Several processes apply at once, the same configs or different versions of them.

Each part of what results is whole and from one of the versions, and one apply of either version settles the rest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from proving.cases import Case
from proving.looking import look
from proving.processes import DONE, REFUSED, Call, Ended, Job, run
from proving.worlds import World, worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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


def require_says_so(process: Ended, all_of_them: list[Ended]) -> set[str]:
    """See that a process says it if it was overtaken, and that it fails for nothing else.

    Returns:
        The endpoints of which the calls alone prove that it was.
    """
    assert process.code == DONE or any(each in process.said for each in OVERTAKEN), process.said
    others = [call for each in all_of_them if each is not process for call in each.calls if call.status == OK]
    proven = set()
    for put in process.calls:
        endpoint, _, part = put.path.rpartition("/")
        if part not in WRITTEN or put.status != OK or (ours := WRITTEN[part](put)) is None:
            continue
        rivals = [(each, WRITTEN[part](each)) for each in others if each.path == put.path]
        looks = [each for each in process.calls if each.method == "GET" and (each.path, each.status) == (endpoint, OK)]
        if any(comes_upon_another(look, put, ours, rivals) for look in looks) or (
            part == "tags" and is_mixed(put, ours, rivals, looks, creates=[each.body for each in others])
        ):
            proven.add(endpoint.rpartition("/")[2])
    for name in proven:
        told = rf"^model_serving_endpoints\.{re.escape(name)}: .*another apply put another (config|version)"
        assert re.search(told, process.said, re.MULTILINE), process.said
    return proven


def hash_in(call: Call) -> object:
    """Return the hash of its configs that a call gives an endpoint; None if it gives none."""
    added = json.loads(call.body).get("add_tags", []) if call.method == "PATCH" else []
    return next((tag["value"] for tag in added if tag["key"] == "config-hash"), None)


WRITTEN: dict[str, Callable[[Call], object]] = {"config": lambda call: call.body, "tags": hash_in}
"""By which an apply can tell that it is overtaken: what an endpoint serves, and the last that it writes of it."""


def comes_upon_another(look: Call, put: Call, ours: object, rivals: Iterable[tuple[Call, object]]) -> bool:
    """Tell whether a look comes upon what others wrote after us, whichever way simultaneous calls went."""
    between = [(each, theirs) for each, theirs in rivals if each.ended > put.begun and each.begun < look.ended]
    after = [each for each, theirs in between if theirs and each.begun > put.ended and each.ended < look.begun]
    return bool(after) and all(theirs != ours for _, theirs in between)


def is_mixed(
    put: Call, ours: object, rivals: Iterable[tuple[Call, object]], looks: list[Call], *, creates: list[str]
) -> bool:
    """Tell whether others finished another version between our plan and our end, where nobody had finished one before.

    Had somebody, it could be the same that the plan saw.
    """
    planned, last = looks[0], max((each for each in looks if each.ended < put.begun), key=lambda each: each.begun)
    hashed = [(each, theirs) for each, theirs in rivals if theirs is not None]
    name = put.path.split("/")[-2]
    return (
        all(each.begun > planned.ended for each, _ in hashed)
        and all(theirs != ours for each, theirs in hashed if each.begun < last.ended)
        and any(each.ended < last.begun for each, _ in hashed)
        and not any(f'"name": "{name}"' in each for each in creates)
    )


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
        proof.tried("proven", sum(len(require_says_so(each, ended)) for each in ended))
        proof.tried("overtaken", sum(each.code != DONE for each in ended))
        expected = [each.expected(case.caller) for each in (race.before, *race.versions)]
        require_whole(look(case.api), expected)
        for world in race.versions[:versions]:
            case.require(world, broken=race.versions, applies=1)
        proof.tried("races")
        proof.tried("processes", len(jobs))

    proof.holds(settles, races(versions), quick=4, full=250, part=versions, shrink=False)
