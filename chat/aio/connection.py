"""One HTTP/1.1 connection of an event loop: an asyncio protocol.

The session of a general HTTP library spends more on a call than the call itself. Requests here are one method, a
handful of headers and a body that is at hand, so they are written in one piece; what comes is parsed where it arrives,
and whoever waits for it is woken once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserUpgrade

from chat.network import is_readable
from chat.reading import Headers, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_HELD = 1 << 18
_FRESH = 1.0


class Connection(asyncio.Protocol):
    """A kept connection: one exchange after the other.

    Args:
        loop: the running event loop.
        forget: called with the connection when it is gone.
        line: what carries the bytes, if they are TLS; else it is the connection's own transport.

    Attributes:
        idle_since: when its last exchange was over, by the loop's clock.
        gone: done when it is closed.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        forget: Callable[[Connection], None],
        line: asyncio.Transport | None = None,
    ) -> None:
        self._loop = loop
        self._forget = forget
        self._line = line
        self._transport: asyncio.Transport | None = None
        self._reading = Reading()
        self._failure: Exception | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self.idle_since = 0.0
        self.gone: asyncio.Future[None] = loop.create_future()

    # what the pool and the transport do

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
        if self._transport is None or self._failure is not None:
            raise ConnectionResetError
        self._reading.begin()
        self._transport.write(message)

    def within(self, seconds: float) -> None:
        """Let what is waited for next, the head, a whole body or a piece of a stream, take so many seconds in all."""
        self._deadline = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None

    async def head(self) -> tuple[int, Headers]:
        """Wait for the response's status and headers.

        Raises:
            OSError: the connection is gone (also `EOFError`), or nothing came in time.
            HttpParserError: what came is no HTTP.
        """
        reading = self._reading
        while not reading.status:
            await self._stirred()
        return reading.status, reading.headers

    async def piece(self) -> bytes:
        """Wait for the next bytes of the body; empty at its end. Errors as those of `head`."""
        reading = self._reading
        while not reading.held and not reading.complete:
            await self._stirred()
        if self._paused and self._line is not None:
            self._paused = False
            self._line.resume_reading()
        return reading.take()

    @property
    def reusable(self) -> bool:
        """Whether the response was read to its end, and the server will take another request."""
        reading = self._reading
        return (
            reading.complete
            and reading.keeps
            and not reading.held
            and self._transport is not None
            and not self._transport.is_closing()
            # A server may answer before it has the whole request, and then the rest of it is still to be sent.
            and self._transport.get_write_buffer_size() == 0
        )

    def cut(self) -> None:
        """Close it at once, whatever is under way."""
        self._fail(ConnectionAbortedError())

    def release(self) -> asyncio.Transport:
        """Leave the transport to another protocol, which speaks through what was opened here (a tunnel).

        Raises:
            ConnectionResetError: the connection is gone.
        """
        if self._transport is None:
            raise ConnectionResetError
        self._stop_timer()
        return self._transport

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

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fail(self, failure: Exception) -> None:
        """End what is under way, and close: nothing that comes later counts."""
        if self._failure is None:
            self._failure = failure
        self._wake()
        if self._transport is not None:
            self._transport.abort()

    # what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport to write to."""
        self._transport = cast("asyncio.Transport", transport)
        self._line = self._line or self._transport

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        reading = self._reading
        if self._failure is not None or reading.complete:
            self.cut()  # whoever speaks without being asked would speak into the next answer
            return
        try:
            reading.feed(data)
        except (HttpParserError, HttpParserUpgrade, EOFError) as error:
            self._fail(error)
            return
        if reading.status:
            self._wake()
        if reading.held > _MOST_HELD and not self._paused and self._line is not None:
            # The server has to wait if nobody fetches what it sends. Not by TLS's own pause: what was received but not
            # decrypted by then, uvloop forgets when the server closes the connection.
            self._paused = True
            self._line.pause_reading()

    def eof_received(self) -> None:
        """Know that no more is coming, though a request may still be on its way out."""
        self._ended()

    def connection_lost(self, exc: Exception | None) -> None:
        """Know that the connection is gone."""
        self._ended(exc)
        self._stop_timer()
        self._transport = self._line = None
        if not self.gone.done():
            self.gone.set_result(None)
        self._forget(self)

    def _ended(self, exc: Exception | None = None) -> None:
        if self._failure is None and not self._reading.complete:
            try:
                self._reading.end()
            except (OSError, EOFError) as failure:
                self._failure = exc or failure
        self._wake()
