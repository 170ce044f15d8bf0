"""AWS' binary event streams: messages with lengths, named headers and checksums."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7  # a header value's type
_PRELUDE_AND_CHECKSUMS = 16  # two lengths and a checksum before the headers, a checksum after the payload


def event(kind: str, body: Mapping[str, Any]) -> bytes:
    """Return one event."""
    payload = json.dumps(body, ensure_ascii=False).encode()
    headers = b"".join(
        _header(name, value)
        for name, value in (
            (":event-type", kind),
            (":content-type", "application/json"),
            (":message-type", "event"),
        )
    )
    lengths = struct.pack(">II", _PRELUDE_AND_CHECKSUMS + len(headers) + len(payload), len(headers))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(value)) + value.encode()
