"""The responses that come on a connection, one after the other, read as HTTP/1.1 by httptools, the parser of Node.js.

No I/O: both clients' connections hand in the bytes that they receive, so what an answer is, and where it ends, is said
once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

BROKEN = (OSError, EOFError, HttpParserError, HttpParserUpgrade, zlib.error)
"""What ends an exchange: the connection is gone, nothing came in time, or what came is no HTTP or not unpacked."""

_MOST_HEADS = 32
_LONGEST_BARREN = 1 << 18
"""Bytes that neither complete a head nor belong to a body: a head, a trailer or a chunk's extension without end."""


class Headers(Mapping[str, str]):
    """A response's headers, looked up without regard to case; of one that is repeated, the first counts."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def take(self, name: bytes, value: bytes) -> None:
        """Take in a header as it came."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        if key == "transfer-encoding":
            self._values[key] = text  # the last one says how the transfer ends
        else:
            self._values.setdefault(key, text)


class Reading:
    """One response at a time.

    Attributes:
        status: of the response; 0 until its head has come.
        headers: of the response, likewise.
        complete: whether all of it has come.
        held: bytes of its body that nobody has taken yet.
        keeps: whether the server will take another request on the connection, as far as the complete answer says.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        # As lenient as curl is with servers' bare line feeds, odd values and a length beside chunks, which are common.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
            lenient_chunked_length=True,
        )
        self.begin()
        self.complete = True

    def begin(self) -> None:
        """Be ready for the next response."""
        self.status = 0
        self.headers = Headers()
        self.complete = self.keeps = False
        self.held = 0
        self._pieces: list[bytes] = []
        self._heads = self._barren = 0

    def feed(self, data: bytes) -> None:
        """Take in what has come.

        Raises:
            HttpParserError: it is no HTTP (also `HttpParserUpgrade`).
            EOFError: it has no end that is worth to be waited for.
        """
        held = self.held
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if not self.complete:
                raise
            self.keeps = False  # the answer is whole: what follows it is not of interest, nor is the connection
        if self.held > held or self.complete:
            self._barren = 0
            return
        self._barren += len(data)
        if self._barren > _LONGEST_BARREN or self._heads > _MOST_HEADS:
            raise EOFError

    def end(self) -> None:
        """Take in that the connection has ended.

        Raises:
            ConnectionResetError: not a byte has come.
            EOFError: the response is cut off.
        """
        if self.complete:
            return
        if not self.status:
            raise EOFError if self._barren else ConnectionResetError
        if not self._ends_with_connection():
            raise EOFError
        self.complete = True

    def take(self) -> bytes:
        """Take what has come of the body since it was last taken."""
        pieces, self._pieces, self.held = self._pieces, [], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _ends_with_connection(self) -> bool:
        coding = self.headers.get("transfer-encoding")
        if coding is None:
            return "content-length" not in self.headers
        return coding.rpartition(",")[2].strip().lower() != "chunked"

    # what the parser tells

    def on_message_begin(self) -> None:
        """Notice an answer after the answer: that connection is not to be trusted with another request."""
        self.keeps = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header; those that follow a body say nothing of it any more."""
        if not self.status and not self.complete:
            self.headers.take(name, value)

    def on_headers_complete(self) -> None:
        """Know the response's head, unless it is one that comes ahead of it (103 Early Hints)."""
        if self.complete:
            return
        status = self._parser.get_status_code()
        self._heads += 1
        if status < HTTPStatus.OK:
            self.headers = Headers()
        else:
            self.status = status
            self._barren = 0

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        if not self.complete:
            self._pieces.append(body)
            self.held += len(body)

    def on_message_complete(self) -> None:
        """Know that the answer is whole."""
        if self.status and not self.complete:
            self.complete = True
            # A length beside chunks: whoever is in between may have gone by the other one (RFC 9112, 6.3).
            doubtful = "transfer-encoding" in self.headers and "content-length" in self.headers
            self.keeps = self._parser.should_keep_alive() and not doubtful
