"""Bytes to text, without an exception that carries the bytes: they are a secret's value."""

from __future__ import annotations

import base64
import binascii


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
