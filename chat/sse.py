"""Server-sent events, decoded incrementally from bytes; no I/O.

Follows the WHATWG event stream grammar where it matters to us: any of the three line endings, several `data` lines in
one event, comments and unknown fields passed over, and pieces cut anywhere, also inside a character.
"""

from __future__ import annotations

from typing import NamedTuple

DONE = "[DONE]"
"""The payload by which OpenAI-style streams say that they are complete."""


class Event(NamedTuple):
    """One event.

    Attributes:
        data: its payload; several `data` lines are joined by newlines.
        name: the `event` field, or an empty string.
    """

    data: str
    name: str = ""


class Decoder:
    """Feed it bytes as they come; it returns the events that are complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._name = b""
        self._started = False
        self._line_size = self._data_size = 0

    @property
    def held(self) -> int:
        """How many bytes of an event have come that is not complete yet."""
        return self._line_size + self._data_size

    def feed(self, piece: bytes) -> list[Event]:
        """Take in the next bytes and return the events that they complete."""
        if b"\n" not in piece and b"\r" not in piece and not self._rest.endswith(b"\r"):
            self._pieces.append(piece)  # joined when its line ends: adding to it each time would copy it each time
            self._line_size += len(piece)
            return []
        buffer = self._unended() + piece
        if not self._started and len(buffer) >= len(_BYTE_ORDER_MARK):
            buffer = buffer.removeprefix(_BYTE_ORDER_MARK)
            self._started = True
        if b"\r" in buffer:
            # A CR at the very end may be the first half of a CRLF: it waits for the next piece.
            held = b"\r" if buffer.endswith(b"\r") else b""
            buffer = buffer[: len(buffer) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held
        *lines, self._rest = buffer.split(b"\n")
        self._line_size = len(self._rest)
        return self._take(lines)

    def flush(self) -> list[Event]:
        """Return what the end of the stream completes.

        The grammar drops an event without its closing blank line, but gateways forget that line after `[DONE]`.
        """
        lines = [*self._unended().removesuffix(b"\r").split(b"\r"), b""]
        return self._take(lines)

    def _unended(self) -> bytes:
        """The line that has begun and not ended, taken out."""
        pieces, self._pieces = self._pieces, []
        rest, self._rest = self._rest, b""
        return b"".join([rest, *pieces])

    def _take(self, lines: list[bytes]) -> list[Event]:
        events = []
        for line in lines:
            if not line:
                if self._data:
                    events.append(
                        Event(b"\n".join(self._data).decode("utf-8", "replace"), self._name.decode("utf-8", "replace"))
                    )
                    self._data, self._data_size = [], 0
                self._name = b""
                continue
            field, _, value = line.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
                self._data_size += len(line)
            elif field == b"event":
                self._name = value.removeprefix(b" ")
        return events


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
