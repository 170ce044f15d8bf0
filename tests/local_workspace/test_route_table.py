from __future__ import annotations

import pytest
from starlette.routing import Route

from local_workspace.app import api_routes
from local_workspace.route_table import RouteTable


def _endpoint() -> None:
    """Only its route matters here."""


def _table(*paths: str) -> RouteTable:
    return RouteTable([Route(path, _endpoint, methods=["GET"]) for path in paths])


def _found(table: RouteTable, path: str, *, method: str = "GET") -> tuple[str, dict[str, str]] | None:
    found = table.find(method, path)
    return found and (found[0].path, dict(found[1]))


def test_a_path_finds_its_route_and_parameters() -> None:
    table = _table("/a/{name}", "/a/{name}/b/{part}")
    assert _found(table, "/a/x") == ("/a/{name}", {"name": "x"})
    assert _found(table, "/a/x/b/y") == ("/a/{name}/b/{part}", {"name": "x", "part": "y"})


@pytest.mark.parametrize("path", ["/", "/a", "/a//b", "/a/x/c", "/a/x/b/c", "//x/b"])
def test_what_fits_no_route_finds_none(path: str) -> None:
    assert _found(_table("/a/{name}/b"), path) is None


def test_another_method_finds_none() -> None:
    assert _found(_table("/a"), "/a", method="POST") is None
    assert _found(_table("/a"), "/a", method="HEAD") == ("/a", {})


def test_a_slash_at_the_end_changes_nothing() -> None:
    assert _found(_table("/a/{name}"), "/a/x/") == ("/a/{name}", {"name": "x"})


@pytest.mark.parametrize("order", [1, -1])
def test_the_route_with_the_fewest_parameters_answers(order: int) -> None:
    table = _table(*["/{any}/x", "/a/{name}", "/a/x"][::order])
    assert _found(table, "/a/x") == ("/a/x", {})


@pytest.mark.parametrize("path", ["/a/{rest:path}", "/a/v{number}", "/{name}s"])
def test_a_parameter_of_other_size_than_a_segment_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="whole segment"):
        _table(path)


def test_every_route_of_the_workspace_is_found_as_itself() -> None:
    routes = api_routes()
    table = RouteTable(routes)
    for route in routes:
        for method in route.methods or ():
            found = table.find(method, route.path.replace("{", "").replace("}", ""))
            assert found is not None
            assert found[0] is route
