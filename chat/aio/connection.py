"""One HTTP/1.1 connection of an event loop: an asyncio protocol, and httptools' reading of responses.

The session of a general HTTP library spends more on a call than the call itself. Requests here are one method, a
handful of headers and a body that is at hand, so they are written in one piece; what comes is parsed where it arrives,
and whoever waits for it is woken once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from chat.network import is_readable

if TYPE_CHECKING:
    from collections.abc import Callable

LOST = (OSError, EOFError, HttpParserError, HttpParserUpgrade)
"""What ends an exchange: the connection is gone, nothing came in time, or what came is no HTTP."""

_MOST_HEADS, _LONGEST_HEADS = 32, 1 << 18
_MOST_HELD = 1 << 18
_FRESH = 1.0
_NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Headers(Mapping[str, str]):
    """A response's headers, looked up without regard to case; of one that is repeated, the first counts."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def take(self, name: bytes, value: bytes) -> None:
        """Take in a header as it came."""
        self._values.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))


class Connection(asyncio.Protocol):
    """A kept connection: one exchange after the other.

    Args:
        loop: the running event loop.
        forget: called with the connection when it is gone.

    Attributes:
        status: of the response, once its head has come.
        headers: of the response, likewise.
        idle_since: when its last exchange was over, by the loop's clock.
        gone: done when it is closed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, forget: Callable[[Connection], None]) -> None:
        self._loop = loop
        self._forget = forget
        self._transport: asyncio.Transport | None = None
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        # As lenient as aiohttp and curl are with servers' bare line feeds and odd values, which are common.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self.idle_since = 0.0
        self.gone: asyncio.Future[None] = loop.create_future()
        self._over = True
        self._begin()

    def _begin(self) -> None:
        self.status = 0
        self.headers = Headers()
        self._heads = self._heads_length = 0
        self._has_head = self._ends_with_connection = self._keeps = False
        self._pieces: list[bytes] = []
        self._held = 0
        self._paused = False
        self._failure: Exception | None = None

    # what the driver does

    @property
    def stale(self) -> bool:
        """Whether the server has closed it while it was idle.

        The event loop tells of that, unless it was kept from looking: then the socket is readable though nothing was
        asked.
        """
        if self._transport is None or self._transport.is_closing():
            return True
        if self._loop.time() - self.idle_since < _FRESH:
            return False
        return is_readable(self._transport.get_extra_info("socket"))

    def send(self, message: bytes) -> None:
        """Send a whole request, and be ready for its response.

        Args:
            message: its bytes, from `written`.

        Raises:
            ConnectionResetError: the connection is gone.
        """
        if self._transport is None:
            raise ConnectionResetError
        self._begin()
        self._over = False
        self._transport.write(message)

    def within(self, seconds: float) -> None:
        """Let what is waited for next, the head, a whole body or a piece of a stream, take so many seconds in all."""
        self._deadline = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None

    async def head(self) -> None:
        """Wait for the response's head.

        Raises:
            OSError: the connection is gone (also `EOFError`), or nothing came in time.
            HttpParserError: what came is no HTTP.
        """
        while not self._has_head:
            await self._stirred()

    async def piece(self) -> bytes:
        """Wait for the next bytes of the body; empty at its end. Errors as those of `head`."""
        while not self._pieces:
            if self._over:
                return b""
            await self._stirred()
        pieces, self._pieces, self._held = self._pieces, [], 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def reusable(self) -> bool:
        """Whether the response was read to its end, and the server will take another request."""
        return (
            self._over
            and self._keeps
            and not self._pieces
            and self._transport is not None
            and not self._transport.is_closing()
            # A server may answer before it has the whole request, and then the rest of it is still to be sent.
            and self._transport.get_write_buffer_size() == 0
        )

    def cut(self) -> None:
        """Close it at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    async def _stirred(self) -> None:
        """Wait until something has happened: bytes, the end, or the deadline."""
        if self._failure is not None:
            raise self._failure
        if self._timer is None:
            # One timer serves many exchanges: it is set anew when it goes off too early.
            self._timer = self._loop.call_at(self._deadline, self._look_at_the_time)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _look_at_the_time(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look_at_the_time)
        else:
            self._waiter.set_exception(TimeoutError())

    def _fail(self, failure: Exception) -> None:
        if self._failure is None:
            self._failure = failure
        self._wake()
        self.cut()

    # what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport to write to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        if self._parser is None or self._over:
            self.cut()  # whoever speaks without being asked would speak into the next answer
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(error)
            return
        if not self._has_head:
            self._heads_length += len(data)
            if self._heads_length > _LONGEST_HEADS or self._heads > _MOST_HEADS:
                self._fail(EOFError("a head without end"))
        elif self._pieces or self._over:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say how an exchange ended that was under way."""
        if not self._over:
            if exc is None and self._ends_with_connection:
                self._over = True
            elif self._failure is None:
                self._failure = exc or (EOFError() if self._heads_length else ConnectionResetError())
        self._keeps = False
        self._wake()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._parser = self._transport = None
        if not self.gone.done():
            self.gone.set_result(None)
        self._forget(self)

    # what the parser tells

    def on_message_begin(self) -> None:
        """Notice an answer after the answer: that connection is not to be trusted with another request."""
        if self._over:
            self._keeps = False
            self.cut()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header; those that follow a body say nothing of it any more."""
        if not self._has_head and not self._over:
            self.headers.take(name, value)

    def on_headers_complete(self) -> None:
        """Know the response's head, unless it is one that comes ahead of it (103 Early Hints)."""
        if self._over or self._parser is None:
            return
        status = self._parser.get_status_code()
        self._heads += 1
        if status < HTTPStatus.OK:
            self.headers = Headers()
            return
        self.status = status
        self._has_head = True
        is_chunked = (self.headers.get("transfer-encoding") or "").lower().endswith("chunked")
        self._ends_with_connection = not is_chunked and "content-length" not in self.headers and status not in _NO_BODY

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body, and let the server wait if nobody fetches them."""
        if self._over:
            return
        self._pieces.append(body)
        self._held += len(body)
        if self._held > _MOST_HELD and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """Know that the answer is whole."""
        if self._has_head and not self._over and self._parser is not None:
            self._over = True
            self._keeps = self._parser.should_keep_alive()
