"""A secret in the operating system's keyring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import SecretSourceError

if TYPE_CHECKING:
    from provisioning.model.secret import KeyringSource
    from provisioning.secret_sources.place import Place


def read(source: KeyringSource, place: Place) -> str:
    """Return what the keyring holds for the service and user."""
    try:
        import keyring  # noqa: PLC0415 - an extra that few have
        from keyring.errors import KeyringError  # noqa: PLC0415 - as above
    except ImportError:
        raise SecretSourceError(
            f"{source} needs the package keyring", position=place.position, remedy='pip install "gatewright[keyring]"'
        ) from None
    failure = ""
    try:
        return keyring.get_password(source.keyring, source.user) or ""
    except KeyringError as error:
        failure = type(error).__name__  # its text is a backend's own, and may hold anything
    raise SecretSourceError(
        f"{source} cannot be read: {failure}",
        position=place.position,
        remedy="unlock the keyring, or choose another source where there is none (a CI machine)",
    )
