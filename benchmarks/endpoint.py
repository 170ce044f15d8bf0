"""A serving endpoint that costs next to nothing, so that what is measured is its clients: bare ASGI on uvicorn.

GET /connections     how many connections POSTs came by; forgotten once told
GET anything else    a small JSON object
POST anything        an answer, or a stream for whoever asks for one
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.workers import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

ENDPOINT = "bench"
PATH = f"/serving-endpoints/{ENDPOINT}/invocations"
TOKEN = "dapi-benchmark"  # noqa: S105 - no secret
CHUNKS = 1000
_PIECE = 1 << 14
_TEXT = "The quick brown fox jumps over the lazy dog. " * 4
ANSWER = json.dumps({
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 40, "total_tokens": 50},
}).encode()  # fmt: skip


def _event(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    told = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [choice]}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


STREAM = _event({"content": " word"}) * (CHUNKS - 1) + _event({}, "stop") + b"data: [DONE]\n\n"


class _Endpoint:
    """The ASGI application."""

    def __init__(self) -> None:
        self._connections: set[tuple[str, int]] = set()

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:  # noqa: ANN401 - ASGI
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["method"] == "GET":
            await _whole(send, json.dumps({"count": len(self._connections)}).encode())
            if scope["path"] == "/connections":
                self._connections.clear()
            return
        self._connections.add(tuple(scope["client"]))
        if json.loads(body or b"{}").get("stream"):
            await _stream(send)
        else:
            await _whole(send, ANSWER)


async def _whole(send: Any, body: bytes) -> None:  # noqa: ANN401 - ASGI
    await send(_head(b"application/json", (b"content-length", str(len(body)).encode())))
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Any) -> None:  # noqa: ANN401 - ASGI
    await send(_head(b"text/event-stream"))
    for start in range(0, len(STREAM), _PIECE):
        await send({"type": "http.response.body", "body": STREAM[start : start + _PIECE], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _head(kind: bytes, *more: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind), *more]}


@contextlib.contextmanager
def endpoint() -> Iterator[str]:
    """Run the endpoint in a process of its own, and yield its address."""
    command = [sys.executable, "-m", "benchmarks.endpoint"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        if child.stdout is None:
            raise AssertionError("its stdout is a pipe")
        yield f"http://127.0.0.1:{child.stdout.readline().strip()}"
    finally:
        child.terminate()
        child.communicate(timeout=10)


def connections(host: str) -> int:
    """Return how many connections calls came by since this was last asked."""
    asking = http.client.HTTPConnection(urlsplit(host).netloc)
    with contextlib.closing(asking):
        asking.request("GET", "/connections")
        return int(json.loads(asking.getresponse().read())["count"])


def main() -> None:
    """Serve until ended; the first line says on which port."""
    import uvicorn  # noqa: PLC0415 - the parent needs none

    config = uvicorn.Config(_Endpoint(), port=0, log_level="critical", lifespan="off", timeout_keep_alive=600)
    sock = config.bind_socket()
    sock.listen(2048)
    print(sock.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main()
