"""Applies under faults of every kind, on every route, before and after their effect.

Once the faults stop, two applies at the most reach exactly what the configs say, and what others own was not touched.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st
from proving.cases import Case
from proving.virtual_time import virtual_time
from proving.worlds import World, worlds

from local_workspace.app import api_routes
from local_workspace.faults import KINDS, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proving.sizes import Proof

    from local_workspace.local import LocalWorkspace

LONGEST_SECONDS = 30


def routes() -> Iterator[tuple[str, str]]:
    """List what a fault can be armed on: each route of the workspace's API, its parameters as `*`."""
    for route in api_routes():
        path = re.sub(r"{[^}]*}", "*", getattr(route, "path", ""))
        if path.startswith(("/api/2.0/secrets", "/api/2.0/serving-endpoints", "/api/2.0/permissions", "/api/2.0/prev")):
            yield from ((method, path) for method in sorted((getattr(route, "methods", None) or set()) - {"HEAD"}))


STATUSES = {
    400: "INVALID_PARAMETER_VALUE",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    method, path = draw(st.sampled_from([*routes(), ("*", "*"), ("POST", "*"), ("GET", "*"), ("PUT", "*")]))
    status = draw(st.sampled_from(sorted(STATUSES)))
    return Fault(
        kind=draw(st.sampled_from(KINDS)),
        method=method,
        path=path,
        offset=draw(st.integers(0, 6)),
        times=draw(st.sampled_from((1, 1, 2, 5, None))),
        when=draw(st.sampled_from(("before", "after"))),
        status=status,
        error_code=STATUSES[status],
        retry_after=draw(st.sampled_from((None, 0, 9))),
        after_bytes=draw(st.integers(0, 40)),
        ms=1.0,
    )


@dataclass(frozen=True)
class Apply:
    """One apply of a schedule: what is asked for, and what goes wrong meanwhile."""

    world: World
    faults: tuple[Fault, ...]


SCHEDULES = st.lists(
    st.builds(Apply, worlds(), st.lists(faults(), min_size=1, max_size=4).map(tuple)), min_size=1, max_size=3
)


@pytest.mark.parametrize("part", range(4))
def test_two_applies_after_the_last_fault_reach_what_was_asked_for(
    proof: Proof, server: LocalWorkspace, tmp_path: Path, part: int
) -> None:
    def converges(schedule: list[Apply]) -> None:
        workspace = server.fork()
        case = Case(workspace.host, workspace.token, tmp_path / "configs")
        case.place_foreign()
        broken = []
        started = time.monotonic()
        for each in schedule:
            workspace.faults.arm(each.faults)
            if case.apply(each.world):
                broken.append(each.world)
            workspace.faults.clear()
        case.require(schedule[-1].world, broken=broken)

        assert time.monotonic() - started < LONGEST_SECONDS
        proof.tried("schedules")

    with virtual_time():
        proof.holds(converges, SCHEDULES, quick=50, full=1250, part=part)
