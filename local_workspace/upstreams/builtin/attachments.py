"""What the built-in model can say about an image, a sound or a document: its type and its size."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?P<options>(?:;[^;,]*)*),(?P<data>.*)", re.DOTALL)
_JPEG_MARKER = 0xFF
_JPEG_HEAD_BYTES = 9  # of a segment: marker, length, and in a start of frame the precision, height and width
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the markers that start a frame
_WAV_HEADER_BYTES = 44
_14_BITS = 0x3FFF  # WebP writes sizes in 14 bits
_PDF_PAGE = re.compile(rb"/Type\s*/Page(?!s)")


def describe_image(url: str) -> str:
    """Describe an image given as a data URL by its bytes, and one given by its address by the address alone."""
    if not url.startswith("data:"):
        return f"an image at {_host_of(url) or 'an unreadable address'} (not fetched)"
    declared, data = _decode_data_url(url)
    kind, size = _image_kind_and_size(data)
    kind = kind or declared.removeprefix("image/").upper() or "unknown"
    pixels = f"{size[0]}x{size[1]} pixels, " if size else ""
    return f"{_article(kind)} {kind} image ({pixels}{len(data)} bytes)"


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # brackets without an end
        return None


def describe_audio(audio: Mapping[str, Any]) -> str:
    """Describe an `input_audio` part: its format, its length when it is a WAV, and its size."""
    data = _decode_base64(str(audio.get("data", "")))
    kind = str(audio.get("format", "unknown")).upper()
    seconds = _wav_seconds(data)
    length = f"{seconds:.1f} seconds, " if seconds is not None else ""
    return f"{_article(kind)} {kind} recording ({length}{len(data)} bytes)"


def describe_file(file: Mapping[str, Any]) -> str:
    """Describe a `file` part: its name, whether it is a PDF and of how many pages, and its size."""
    name = f' named "{file["filename"]}"' if file.get("filename") else ""
    content = file.get("file_data")
    if not isinstance(content, str):
        return f"an uploaded file{name}"
    data = _decode_data_url(content)[1] if content.startswith("data:") else _decode_base64(content)
    if not data.startswith(b"%PDF-"):
        return f"a file{name} ({len(data)} bytes)"
    pages = len(_PDF_PAGE.findall(data))
    return f"a PDF document{name} ({pages} page{'' if pages == 1 else 's'}, {len(data)} bytes)"


def _article(noun: str) -> str:
    return "an" if noun[:1].upper() in "AEIOU" or noun[:2].upper() == "MP" else "a"


def _decode_data_url(url: str) -> tuple[str, bytes]:
    parts = _DATA_URL.fullmatch(url)
    if parts is None:
        return "", b""
    is_base64 = ";base64" in parts["options"].lower()
    return parts["type"], _decode_base64(parts["data"]) if is_base64 else unquote_to_bytes(parts["data"])


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


def _image_kind_and_size(data: bytes) -> tuple[str, tuple[int, int] | None]:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", _two_numbers(">II", data, at=16)
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "GIF", _two_numbers("<HH", data, at=6)
    if data.startswith(b"\xff\xd8"):
        return "JPEG", _jpeg_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP", _webp_size(data)
    return "", None


def _two_numbers(layout: str, data: bytes, *, at: int) -> tuple[int, int] | None:
    """Unpack two numbers, or None when the data ends before."""
    if len(data) < at + struct.calcsize(layout):
        return None
    first, second = struct.unpack_from(layout, data, at)
    return int(first), int(second)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments up to a start-of-frame one, the only place where a JPEG says its size."""
    position = 2
    while (head := data[position : position + 9]) and len(head) == _JPEG_HEAD_BYTES and head[0] == _JPEG_MARKER:
        if head[1] in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", head, 5)
            return int(width), int(height)
        position += 2 + int(struct.unpack_from(">H", head, 2)[0])
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8 ":
            size = _two_numbers("<HH", data, at=26)
            return None if size is None else (size[0] & _14_BITS, size[1] & _14_BITS)
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & _14_BITS) + 1, (bits >> 14 & _14_BITS) + 1
        case _:
            return None


def _wav_seconds(data: bytes) -> float | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE" or len(data) < _WAV_HEADER_BYTES:
        return None
    bytes_a_second = int(struct.unpack_from("<I", data, 28)[0])
    return (len(data) - _WAV_HEADER_BYTES) / bytes_a_second if bytes_a_second else None
