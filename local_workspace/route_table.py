"""Routes found by the segments of their paths: a look into a table, where Starlette tries pattern after pattern."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING

from starlette.routing import Route, Router

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.applications import Starlette
    from starlette.types import Lifespan, Receive, Scope, Send

_PARAMETER = re.compile(r"{(\w+)}")


class RouteTable(Router):
    """Starlette's router, with another way to find a route.

    A parameter stands for one whole segment. Where several routes match, the one with the fewest parameters answers.
    A slash at the end changes nothing: MLflow's client sends one, and a redirect would lose a POST's body.

    Args:
        routes: what is answered.
        lifespan: as Starlette takes it.

    Raises:
        ValueError: a path has a parameter that is more or less than a segment.
    """

    def __init__(self, routes: Sequence[Route], *, lifespan: Lifespan[Starlette] | None = None) -> None:
        super().__init__(routes, lifespan=lifespan)
        shapes: dict[tuple[int, tuple[int, ...]], _Shape] = {}
        for route in routes:
            segments = route.path.split("/")
            length, places = len(segments), _parameters(segments)
            shapes.setdefault((length, places), _Shape(length, places)).add(route, segments)
        self._shapes: dict[int, list[_Shape]] = {}
        for length, places in sorted(shapes, key=lambda each: len(each[1])):
            self._shapes.setdefault(length, []).append(shapes[length, places])

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route of a request answer it."""
        if scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)
            return
        found = self.find(scope["method"], scope["path"])
        if found is None:
            await self.default(scope, receive, send)
            return
        route, scope["path_params"] = found
        await route.handle(scope, receive, send)

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route that answers a request, and its path's parameters; None if there is none.

        Args:
            method: the request's.
            path: the request's, without its query.
        """
        segments = path.rstrip("/").split("/")
        for shape in self._shapes.get(len(segments), ()):
            found = shape.find(method, segments)
            if found is not None:
                return found
        return None


class _Shape:
    """The routes whose paths are equally long and have their parameters at the same places."""

    def __init__(self, length: int, places: tuple[int, ...]) -> None:
        self._places = places
        self._fixed = itemgetter(*(place for place in range(length) if place not in places))
        self._routes: dict[tuple[str, object], tuple[Route, tuple[str, ...]]] = {}

    def add(self, route: Route, segments: Sequence[str]) -> None:
        names = tuple(segments[place][1:-1] for place in self._places)
        for method in route.methods or ():
            self._routes[method, self._fixed(segments)] = (route, names)

    def find(self, method: str, segments: Sequence[str]) -> tuple[Route, Mapping[str, str]] | None:
        route, names = self._routes.get((method, self._fixed(segments)), (None, ()))
        values = [segments[place] for place in self._places]
        return (route, dict(zip(names, values, strict=True))) if route is not None and all(values) else None


def _parameters(segments: Sequence[str]) -> tuple[int, ...]:
    """Say where the parameters of a path stand."""
    places = tuple(place for place, segment in enumerate(segments) if _PARAMETER.fullmatch(segment))
    if any("{" in segment for place, segment in enumerate(segments) if place not in places):
        raise ValueError(f"a parameter stands for a whole segment, which it does not in {'/'.join(segments)}")
    return places
