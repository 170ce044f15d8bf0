"""Answers in bad faith: garbage, halves, escapes, and what has no end, is too large or too slow."""

from __future__ import annotations

import gzip
import itertools
import time
from functools import partial
from typing import TYPE_CHECKING

from proving.servers import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202egpj.exe\x9b31m"

_JSON = b"Content-Type: application/json\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"

ANSWERS: Mapping[str, bytes] = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "another protocol's bytes": bytes(range(256)) * 8,
    "a page": answer(b"<html><title>Sign in</title></html>", headers="Content-Type: text/html"),
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "bad gzip": answer(b"no gzip", headers="Content-Encoding: gzip"),
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5_000)),
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n{}",
    "a list": answer(b"[]"),
    "a number": answer(b"1e999"),
    "null": answer(b"null"),
    "no UTF-8": answer(b'{"name": "\xff\xfe"}'),
    "nesting": answer(b"[" * 100_000),
    "nested objects": answer(b'{"a":' * 100_000),
    "wrong types": answer(b'{"userName": {"a": 1}, "choices": "x", "secrets": 7, "endpoints": {"a": []}}'),
    "escapes in an error": answer(
        f'{{"error_code": "X{EVIL}", "message": "{EVIL}{"m" * 5_000}"}}'.encode(), status="400 Bad Request"
    ),
    "escapes in a reason": f"HTTP/1.1 400 {EVIL}\r\nContent-Length: 0\r\n\r\n".encode(),
    "a huge error": answer(b"x" * 5_000_000, status="500 Oops", headers="Content-Type: text/plain"),
}
"""Whole answers, after which the connection is closed."""


def _without_end(piece: bytes, *, head: bytes = b"") -> Iterator[bytes]:
    return itertools.chain([b"HTTP/1.1 200 OK\r\n" + head], itertools.repeat(piece))


def _dripping(piece: bytes, *, head: bytes = b"") -> Iterator[bytes]:
    for each in _without_end(piece, head=head):
        yield each
        time.sleep(0.01)  # this server's own pace: nobody waits for it


def _silent() -> Iterator[bytes]:
    return _dripping(b"")


TOO_LARGE: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "a body without end": partial(_without_end, b" " * 9_999, head=_JSON + b"\r\n"),
    "chunks without end": partial(_without_end, b"3e8\r\n" + b" " * 1_000 + b"\r\n", head=_JSON + _CHUNKED),
    "an event without end": partial(_without_end, b"x" * 9_999, head=b"Content-Type: text/event-stream\r\n\r\ndata: "),
    "headers without end": partial(_without_end, b"X: y\r\n" * 999),
    "a header without end": partial(_without_end, b"y" * 9_999, head=b"X: "),
    "interim answers without end": lambda: itertools.repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 99),
    "trailers without end": partial(_without_end, b"X: y\r\n" * 999, head=_JSON + _CHUNKED + b"2\r\n{}\r\n0\r\n"),
    "a length of petabytes": partial(
        _without_end, b" " * 9_999, head=_JSON + b"Content-Length: 9999999999999999\r\n\r\n"
    ),
    "a packed body": lambda: iter([answer(gzip.compress(b" " * 50_000_000), headers="Content-Encoding: gzip")]),
}
"""Answers of which nobody may read all."""

TOO_SLOW: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "silence": _silent,
    "a head that drips": partial(_dripping, b"x"),
    "a body that drips": partial(_dripping, b" ", head=_JSON + b"\r\n"),
    "chunks that drip": partial(_dripping, b"1\r\n \r\n", head=_JSON + _CHUNKED),
    "interim answers that drip": partial(_dripping, b"HTTP/1.1 102 Processing\r\n\r\n"),
}
"""Answers that nobody may wait for."""
