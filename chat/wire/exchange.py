"""One request and its response, as both drivers exchange them with the flow."""

from __future__ import annotations

import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from chat.errors import inert

Token: TypeAlias = str | Callable[[], str]
"""A token, or a function that returns one each time it is needed."""


MAX_BYTES = 1 << 26
"""How large an answer to take unless told otherwise: Databricks' own bounds are 4 and 16 MB."""

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_UNPACKED_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a request is put to an endpoint.

    Attributes:
        path: the path at which an endpoint of that name is asked.
        write: writes the body that is sent to it, from one in the language of chat completions.
    """

    path: Callable[[str], str]
    write: Callable[[str, Mapping[str, object]], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Access:
    """Where to send a request, and what proves who sends it.

    Attributes:
        host: scheme, host and port.
        headers: the authorization.
    """

    host: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def credential(self) -> str:
        """The bare token, to be kept out of errors; empty if there is none."""
        return self.headers.get("Authorization", "").partition(" ")[2]

    @property
    def personal(self) -> bool:
        """Whether it is a personal access token, or a password, rather than an OAuth token."""
        return self.credential.startswith("dapi") or self.headers.get("Authorization", "").startswith("Basic ")


@dataclass(frozen=True, slots=True)
class Request:
    """What to send.

    Attributes:
        method: `GET` or `POST`.
        host: scheme, host and port (`https://adb-1.2.azuredatabricks.net`).
        path: the path, quoted.
        headers: all of them, authorization included, so they are left out of the repr.
        body: the JSON text, or None.
        timeout: seconds without a byte after which to give up.
        stream: whether an event stream is asked for; then the response's body is left to be received piece by piece.
        max_bytes: how large a body to take that is received whole.
    """

    method: str
    host: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout: float = 300.0
    stream: bool = False
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class Response:
    """What came back.

    Attributes:
        status: the HTTP status.
        headers: looked up without regard to case.
        body: all of it, or None for an event stream that is yet to be received.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def request_id(self) -> str | None:
        """The id that Databricks support asks for."""
        found = self.headers.get("x-request-id") or self.headers.get("x-databricks-request-id")
        return inert(found, limit=_LONGEST_ID) if found else None

    def without(self, credential: str) -> Response:
        """Take our own credential out of a body that an error may quote, should the server have echoed it.

        Args:
            credential: the bare token.
        """
        return self if self.body is None else replace(self, body=concealed(self.body, credential))


def concealed(said: bytes, secret: str) -> bytes:
    """Take a secret out of what a server said, should it have echoed it, plainly or in base64.

    Args:
        said: the server's bytes.
        secret: too short a one is no secret, but part of many a word.
    """
    plain = secret.encode()
    if len(plain) < _SHORTEST_SECRET:
        return said
    for form in (plain, b64encode(plain), urlsafe_b64encode(plain)):
        said = said.replace(form, b"***")
    return said


def is_stream(status: int, content_type: str | None) -> bool:
    """Whether a response is received piece by piece.

    Args:
        status: its HTTP status; redirects and errors are read whole.
        content_type: its Content-Type. An endpoint that does not stream answers with JSON, a
            proxy in between with HTML.
    """
    kind = (content_type or "").lower()
    return status < FIRST_REDIRECT and "json" not in kind and "html" not in kind


class Unpacking:
    """Unpacks a body that a gateway has packed although nobody asked it to, a bounded piece at a time.

    Packed bytes may hold a thousand times as many, which need not be in memory at once.
    """

    def __init__(self) -> None:
        self._packed = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._left = b""

    def take(self, piece: bytes) -> None:
        """Take in packed bytes."""
        self._left = self._left + piece if self._left else piece

    def more(self, most: int = _UNPACKED_AT_ONCE) -> bytes:
        """Unpack what was taken in; empty when more is needed, or at the end.

        Args:
            most: how many bytes to return at most.

        Raises:
            zlib.error: it is not packed as the headers say.
        """
        plain = self._packed.decompress(self._left, most)
        self._left = self._packed.unconsumed_tail
        return plain

    @property
    def whole(self) -> bool:
        """Whether the end has come."""
        return self._packed.eof


def unpacking(headers: Mapping[str, str]) -> Unpacking | None:
    """Return what unpacks a response's body; None if it is plain.

    Args:
        headers: the response's.
    """
    packed = (headers.get("content-encoding") or "").lower() in {"gzip", "deflate", "x-gzip"}
    return Unpacking() if packed else None


def unpacked(body: bytes, headers: Mapping[str, str], *, most: int) -> bytes:
    """Unpack a whole body, if it is packed.

    Args:
        body: as it came.
        headers: the response's.
        most: how many bytes to return at most.

    Raises:
        zlib.error: it is not packed as the headers say, or cut off.
    """
    packed = unpacking(headers)
    if packed is None or len(body) >= most:
        return body
    packed.take(body)
    plain = packed.more(most)
    if len(plain) < most and not packed.whole:
        raise zlib.error
    return plain


FIRST_REDIRECT = 300
"""Redirects are not followed: a token and a prompt are for the host that they were sent to."""
_SHORTEST_SECRET = 8
_LONGEST_ID = 200
