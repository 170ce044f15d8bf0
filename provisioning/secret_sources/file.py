"""A secret that is a file's whole content."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from provisioning.errors import SecretSourceError

if TYPE_CHECKING:
    from provisioning.model.secret import FileSource
    from provisioning.secret_sources.place import Place


def read(source: FileSource, place: Place) -> str:
    """Return the file's text, decoded from base64 if the source says so."""
    try:
        content = place.path(source.file).read_bytes()
    except OSError as error:
        raise SecretSourceError(
            f"{source} cannot be read: {error.strerror}",
            position=place.position,
            remedy="check the path, which starts at the config file's folder",
        ) from None
    try:
        if source.encoding == "base64":
            content = base64.b64decode(b"".join(content.split()), validate=True)
        return content.decode("utf-8")
    except (UnicodeDecodeError, binascii.Error):
        # Not chained: a UnicodeDecodeError carries the content.
        raise SecretSourceError(
            f"{source} is not {source.encoding or 'utf-8'} text",
            position=place.position,
            remedy="say with `encoding: base64` that the file holds base64, or save it as UTF-8",
        ) from None
