"""A picture, a document and a sound beside the question."""

import base64
import io
import struct
import wave
import zlib

from langchain_core.messages import HumanMessage

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat")


def png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")


def wav() -> bytes:
    """A tenth of a second of silence."""
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    return held.getvalue()


attached = {
    "image": ("image/png", png()),
    "file": ("application/pdf", b"%PDF-1.4\n1 0 obj<</Type /Page>>endobj\n%%EOF\n"),
    "audio": ("audio/wav", wav()),
}
for kind, (mime_type, data) in attached.items():
    part = {"type": kind, "mime_type": mime_type, "base64": base64.b64encode(data).decode()}
    question = HumanMessage(content_blocks=[{"type": "text", "text": "What is this?"}, part])
    print(kind, "->", chat_model.invoke([question]).content)

by_address = {"type": "image", "url": "https://example.com/cat.png"}
print(chat_model.invoke([HumanMessage(content_blocks=[by_address])]).content)
