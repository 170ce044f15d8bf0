"""Streams to bytes and bytes to text, without an exception that carries the bytes: they are a secret's value."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import BinaryIO

MOST_BYTES: Final = 1024 * 1024
"""What a source may hold: far more than a secret may have, and not the memory's end, as of a device."""


def bytes_of(stream: BinaryIO) -> bytes | None:
    """Return what a stream holds, or None if that is more than a source may hold."""
    content = stream.read(MOST_BYTES + 1)
    return content if len(content) <= MOST_BYTES else None


def text_of(content: bytes) -> str | None:
    """Return UTF-8 bytes as text, or None if they are none. A UnicodeDecodeError would hold the content."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def from_base64(content: bytes) -> bytes | None:
    """Return what base64 stands for, white space ignored, or None if it is none."""
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error:
        return None
