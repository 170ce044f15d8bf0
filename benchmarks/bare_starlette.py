"""What the local workspace stands on, and nothing more: a starlette application of two routes on uvicorn.

GET  /api/2.0/serving-endpoints/{name}     an endpoint, as JSON
POST …                                     an answer, or a stream of one event a send for whoever asks for one
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from benchmarks.endpoint import ANSWER, STREAM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

EVENTS = [event + b"\n\n" for event in STREAM.split(b"\n\n") if event]


async def _get(request: Request) -> Response:
    state = {"ready": "READY", "config_update": "NOT_UPDATING"}
    return JSONResponse({"name": request.path_params["name"], "id": "0" * 32, "state": state, "tags": []})


async def _post(request: Request) -> Response:
    asked = json.loads(await request.body() or b"{}")
    if asked.get("stream"):
        return StreamingResponse(_events(), media_type="text/event-stream")
    return Response(ANSWER, media_type="application/json")


async def _events() -> AsyncIterator[bytes]:
    for event in EVENTS:
        yield event


def main() -> None:
    """Serve until ended; the first line says on which port."""
    import uvicorn  # noqa: PLC0415 - whoever wants the application alone needs none

    routes = [
        Route("/api/2.0/serving-endpoints/{name}", _get, methods=["GET"]),
        Route("/{path:path}", _post, methods=["POST"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_level="critical", timeout_keep_alive=600)
    sock = config.bind_socket()
    sock.listen(2048)
    print(json.dumps({"host": f"http://127.0.0.1:{sock.getsockname()[1]}", "token": ""}), flush=True)
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main()
