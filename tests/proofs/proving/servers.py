"""Servers that answer with the bytes that they are told to, whatever HTTP has to say about it."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator

_QUICK = 0.05
_PATIENT = 5.0
"""Seconds for a client to take what it is sent, or to go."""


def answer(body: bytes, *, status: str = "200 OK", headers: str = "Content-Type: application/json") -> bytes:
    """Return an answer as HTTP has it."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n\r\n".encode() + body


@contextmanager
def serving(
    respond: Callable[[bytes], bytes | Iterable[bytes]], *, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """Answer each connection's first request, and close it.

    Args:
        respond: is given the request, and returns the answer's bytes, or its pieces as they are to be sent: those may
            have no end.
        tls: makes it a server of HTTPS.

    Yields:
        The server's URL, and what it has heard.
    """
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(_QUICK)
    over = threading.Event()

    def converse(connection: socket.socket) -> None:
        connection.settimeout(_PATIENT)
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        with connection:
            heard.append(request := connection.recv(65_536))
            pieces = respond(request)
            for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                connection.sendall(piece)
                if over.is_set():
                    return
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(_QUICK)
            while connection.recv(65_536):
                pass

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listening.accept()
                with connection:
                    converse(connection)
            except OSError:  # nobody there, or gone again: it has heard enough
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{listening.getsockname()[1]}", heard
    finally:
        over.set()
        thread.join()
        listening.close()
