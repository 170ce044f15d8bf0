"""What a model's process says to a call, as an HTTP answer."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse

from local_workspace.errors import ApiError
from local_workspace.upstreams.custom.process import ModelGoneError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from local_workspace.upstreams.custom.process import ModelProcess

_OK = 200


async def answer(
    process: ModelProcess,
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    deadline: float,
    expired: Callable[[], None],
) -> Response:
    """Ask a model, and return its answer: whole, or as an event stream where the body asks for one.

    Args:
        process: where it is loaded.
        body: the caller's, checked to be a JSON object.
        headers: more headers for the caller.
        deadline: when the call must be over, by the event loop's clock.
        expired: ends a model that has not answered by then: Python cannot be stopped in any other way.

    Raises:
        ApiError: 500: its process ended; 504: it took too long.
    """
    frames = _in_time(process.ask(body, stream=bool(body.get("stream"))), deadline=deadline, expired=expired)
    try:
        first = await anext(frames, None)
    except ModelGoneError:
        raise _gone(headers) from None
    except TimeoutError:
        raise _late(headers) from None
    if first is not None and "status" in first:
        await frames.aclose()
        return Response(first["body"], first["status"], dict(headers), media_type="application/json")
    return StreamingResponse(_events(first, frames), headers=dict(headers), media_type="text/event-stream")


async def _events(
    first: Mapping[str, Any] | None, frames: AsyncGenerator[Mapping[str, Any], None]
) -> AsyncIterator[str]:
    """Write chunks as `data:` lines, and nothing else: MLflow's client refuses any other."""
    if first is not None:
        yield _event(first["chunk"])
    async with aclosing(frames):
        try:
            async for frame in frames:
                if "chunk" not in frame:  # no [DONE] after an error: the answer is not complete
                    yield _event(json.dumps({"error": json.loads(frame["body"])}))
                    return
                yield _event(frame["chunk"])
        except (ModelGoneError, TimeoutError) as error:
            refusal = _late({}) if isinstance(error, TimeoutError) else _gone({})
            yield _event(json.dumps({"error": refusal.body()}))
            return
    yield _event("[DONE]")


async def _in_time(
    frames: AsyncIterator[Mapping[str, Any]], *, deadline: float, expired: Callable[[], None]
) -> AsyncGenerator[Mapping[str, Any], None]:
    try:
        while True:
            async with asyncio.timeout_at(deadline):
                frame = await anext(frames, None)
            if frame is None:
                return
            yield frame
    except TimeoutError:
        expired()
        raise


def _event(data: str) -> str:
    return f"data: {data}\n\n"


def _gone(headers: Mapping[str, str]) -> ApiError:
    return ApiError(
        500,
        "INTERNAL_ERROR",
        "The model's process ended before it had answered: it crashed, or took more memory than it may. "
        "Its logs may say why; the next call loads it again.",
        headers=dict(headers),
    )


def _late(headers: Mapping[str, str]) -> ApiError:
    return ApiError(
        504,
        "DEADLINE_EXCEEDED",
        "The model did not answer in time; the next call loads it again.",
        headers=dict(headers),
    )
