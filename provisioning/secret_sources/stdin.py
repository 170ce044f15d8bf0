"""A secret from the standard input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import SecretSourceError
from provisioning.secret_sources.decoding import MOST_BYTES, bytes_of, text_of

if TYPE_CHECKING:
    from provisioning.model.secret import StdinSource
    from provisioning.secret_sources.place import Place


def read(source: StdinSource, place: Place) -> str:
    """Return all that the standard input holds."""
    if place.stdin.isatty():
        # Typed in, the value would stand on the screen.
        raise SecretSourceError(
            f"{source} is a terminal", position=place.position, remedy="pipe the value in: printf %s ... | ... apply"
        )
    content = bytes_of(place.stdin)
    if content is None:
        raise SecretSourceError(f"{source} holds more than {MOST_BYTES // 1024} KiB", position=place.position)
    text = text_of(content)
    if text is None:
        raise SecretSourceError(f"{source} is not utf-8 text", position=place.position)
    return text
