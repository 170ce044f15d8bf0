"""A server that sends what it is told to, byte by byte: for what no HTTP server would say."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    import ssl

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"

Script: TypeAlias = bytes | Callable[[socket.socket], object]
"""What is sent for a request; or what is done with its connection instead."""


def chunked(body: bytes, *, size: int = 1 << 20) -> bytes:
    """An event stream in a chunked transfer, in chunks of so many bytes."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return STREAM + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def fixed(body: bytes, kind: str = "application/json", *, status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


class RawServer:
    """Sends the next of its answers for each request, as it is; the last one again and again."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[Script] = []
        self.closes = True
        self.connections = 0
        self.requests: list[bytes] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.host = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            secured = connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True)
            with secured, secured.makefile("rb") as received:
                while request := _request(received):
                    self.requests.append(request)
                    answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                    secured.sendall(answer) if isinstance(answer, bytes) else answer(secured)
                    if self.closes:
                        return


def _request(received: Any) -> bytes:  # noqa: ANN401 - a buffered socket
    """Read a request; empty if there is no whole one."""
    head, length = b"", 0
    while (line := received.readline()) not in {b"\r\n", b""}:
        head += line
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head if line and len(received.read(length)) == length else b""


class Tunnel:
    """A proxy that understands CONNECT and nothing else, and remembers what it was asked."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[bytes] = []
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http{'s' if tls else ''}://user:pass@127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        listening = await asyncio.start_server(self._tunnel, sock=self._listener, ssl=self._tls)
        await self._over.wait()
        listening.close()
        await asyncio.sleep(0)  # a task that has not begun cannot close what it was given
        tunnels = asyncio.all_tasks() - {asyncio.current_task()}
        for tunnel in tunnels:
            tunnel.cancel()
        await asyncio.gather(*tunnels, return_exceptions=True)

    async def _tunnel(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(to_client):
            self.asked.append(await client.readuntil(b"\r\n\r\n"))
            host, _, port = self.asked[-1].split()[1].decode().rpartition(":")
            server, to_server = await asyncio.open_connection(host, int(port))
            with contextlib.closing(to_server):
                to_client.write(b"HTTP/1.1 200 OK\r\n\r\n")
                back = asyncio.ensure_future(_copy(server, to_client))
                await _copy(client, to_server)
                await back


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    sink.close()
