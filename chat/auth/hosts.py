"""A workspace's address and a bearer token, checked before they go into a request."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from chat.errors import AuthError
from chat.wire import Access

_WRITE_HOST = "Write it like https://adb-1234567890123456.7.azuredatabricks.net."


@lru_cache(maxsize=64)
def origin_of(host: str) -> str:
    """Reduce a workspace's URL to scheme, host and port, as users paste it: with a path, a slash or no scheme.

    Raises:
        AuthError: it is no URL of a workspace.
    """
    text = host.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError as error:
        raise AuthError(f"{host!r} is no workspace URL.", remedy=_WRITE_HOST) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AuthError(f"{host!r} is no workspace URL.", remedy=_WRITE_HOST)
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


def bearer(host: str, token: str) -> Access:
    """Make the access that a bearer token gives.

    Args:
        host: scheme, host and port.
        token: the token.

    Raises:
        AuthError: no header can hold it. It is not shown.
    """
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise AuthError("The token is empty or holds blanks or line breaks.", remedy="Check where it comes from.")
    return Access(host, {"Authorization": f"Bearer {token}"})
