"""What the simulators share: an application whose refusals are in the provider's words, bodies, and event streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import StreamingResponse

from local_workspace.upstreams.json_bodies import read_object
from local_workspace.upstreams.simulators.openai_errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route


def application(routes: Sequence[Route], *, refuse: Callable[[RefusedError], Response]) -> Starlette:
    """Build a simulator.

    Args:
        routes: What it answers.
        refuse: Writes a refusal as the provider does.
    """

    def refused(_: Request, error: Exception) -> Response:
        return refuse(error if isinstance(error, RefusedError) else RefusedError(404, "Not Found"))

    return Starlette(routes=routes, exception_handlers={RefusedError: refused, 404: refused, 405: refused})


async def body_of(request: Request) -> dict[str, Any]:
    """Return a request's JSON object.

    Raises:
        RefusedError: 400: it is none.
    """
    try:
        return read_object(await request.body())
    except ValueError:
        raise RefusedError(400, "The request body is not valid JSON.") from None


def events(chunks: Iterable[bytes], *, media_type: str = "text/event-stream") -> StreamingResponse:
    """Return an answer that is sent chunk by chunk."""

    async def one_by_one() -> AsyncIterator[bytes]:  # a plain iterator would go through a thread for each chunk
        for chunk in chunks:
            yield chunk

    return StreamingResponse(one_by_one(), media_type=media_type)
