"""What can go wrong with an upstream, and how it is told to the caller.

UpstreamUnavailableError    no answer came: 502, 504, or the status given
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_REMOVED = "[REDACTED]"
_TELLING_LENGTH = 6  # this many first characters of a key already tell something
_TEXT_LIMIT = 4096


class UpstreamUnavailableError(Exception):
    """No answer came from the upstream.

    Args:
        reason: Why, without any secret.
        status: The HTTP status to answer with.
    """

    def __init__(self, reason: str, *, status: int = 502) -> None:
        super().__init__(reason)
        self.status = status


def passed_on(provider: str, payload: bytes, *, secrets: Iterable[str]) -> dict[str, Any]:
    """Wrap an upstream's error body as Databricks does.

    Args:
        provider: The provider's name.
        payload: The upstream's body.
        secrets: The values that the call carried: an upstream may quote them, whole or shortened, and they are
            removed from what it says.
    """
    text = without_secrets(payload.decode(errors="replace"), secrets)
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        said = {"message": text[:_TEXT_LIMIT]}
    return wrapped(provider, said)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Remove values from a text, and what starts as they do."""
    for secret in secrets:
        text = _without(secret, text)
    return text


def wrapped(provider: str, said: dict[str, Any]) -> dict[str, Any]:
    """The body of an answer that reports an upstream's error."""
    return {"error": f"Received error from {provider}", "external_model_message": said}


def _without(secret: str, text: str) -> str:
    """Remove a secret, and whatever starts as it does: providers shorten a key to its ends, `sk-abc****xyz`."""
    if len(secret) <= _TELLING_LENGTH:
        return text.replace(secret, _REMOVED) if secret.strip() else text
    escaped = json.dumps(secret)[1:-1]
    text = text.replace(secret, _REMOVED).replace(escaped, _REMOVED)
    return re.sub(re.escape(secret[:_TELLING_LENGTH]) + r"[^\s\"'\\,;<>]*", _REMOVED, text)
