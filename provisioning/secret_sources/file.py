"""A secret that is a file's whole content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import SecretSourceError
from provisioning.secret_sources.decoding import MOST_BYTES, bytes_of, from_base64, text_of

if TYPE_CHECKING:
    from provisioning.model.secret import FileSource
    from provisioning.secret_sources.place import Place


def read(source: FileSource, place: Place) -> str:
    """Return the file's text, decoded from base64 if the source says so."""
    written = content_of(source.file, str(source), place)
    content = from_base64(written) if source.encoding == "base64" else written
    text = text_of(content) if content is not None else None
    if text is None:
        raise SecretSourceError(
            f"{source} is not {source.encoding or 'utf-8'} text",
            position=place.position,
            remedy="say with `encoding: base64` that the file holds base64, or save it as UTF-8",
        )
    return text


def content_of(path: str, name: str, place: Place) -> bytes:
    """Return a file's bytes.

    Args:
        path: the path as the config has it.
        name: what the source is called in an error.
        place: where and with what it is read.

    Raises:
        SecretSourceError: the file cannot be read.
    """
    try:
        found = place.path(path)
        if found.exists() and not found.is_file():
            reason = "it is no file"  # a device may have no end, and a pipe no beginning
        else:
            with found.open("rb") as opened:
                content = bytes_of(opened)
            if content is not None:
                return content
            reason = f"it is larger than {MOST_BYTES // 1024} KiB"
    except OSError as error:
        reason = str(error.strerror)
    except RuntimeError:  # `~somebody`, whom this machine does not know
        reason = "there is no such home folder"
    raise SecretSourceError(
        f"{name} cannot be read: {reason}",
        position=place.position,
        remedy="check the path, which starts at the config file's folder",
    )
