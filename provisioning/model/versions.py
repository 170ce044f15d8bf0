"""A secret's versions: the keys that its values stand under, one after another.

Configs name a secret by one key, and a versioned rotation leaves the values before it where they are:

    openai-key        the first
    openai-key.v2     the second, and so on

The highest is the one that counts. Which one that is shows in a plain list of the scope's keys together with its
marker, so that everybody who looks comes to the same answer without a state file. A key of that form that we did not
write is somebody else's, and one that the configs declare is a secret of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioning.model.secret import ExternalSource

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from provisioning.model.scopes import SecretScope

LONGEST_KEY = 128
"""Characters that a secret's key may have."""

ROOM_FOR_VERSION = len(".v9999")
"""Characters that a key needs to spare, to be rotated for good."""

_VERSION = re.compile(r"(?P<key>.+)\.v(?P<number>[2-9]|[1-9][0-9]+)", re.ASCII)


def version_key(key: str, number: int) -> str:
    """Return the key that a version of a secret stands under."""
    return key if number == 1 else f"{key}.v{number}"


def split_version(key: str) -> tuple[str, int]:
    """Take a key apart: the secret's own key, and which version of it."""
    found = _VERSION.fullmatch(key)
    return (found["key"], int(found["number"])) if found else (key, 1)


def declared_key(key: str, declared: Collection[str]) -> str:
    """Return the key by which the configs name the secret that a key is a version of."""
    return key if key in declared else split_version(key)[0]


def versions_of(
    key: str, scope: SecretScope, *, keys: Collection[str], recorded: Collection[str] | None
) -> tuple[int, ...]:
    """List the versions of a secret that a scope holds, the highest last.

    Args:
        key: the secret's key, as declared.
        scope: the scope, as declared.
        keys: the live keys.
        recorded: the keys that our marker says we wrote; None if it cannot be read, and the names have to do.
    """
    declared = scope.secrets or {}
    rotated = [
        number
        for each in keys
        for name, number in [split_version(each)]
        if name == key and each not in declared and (recorded is None or each in recorded)
    ]
    return (*([1] if key in keys else []), *sorted(rotated))


def current_keys(scope: SecretScope, *, keys: Collection[str], recorded: Collection[str] | None) -> dict[str, str]:
    """Return the key of the version that counts, for each secret that the configs put in a scope.

    Args:
        scope: the scope, as declared.
        keys: the live keys.
        recorded: the keys that our marker says we wrote; None if it cannot be read.
    """
    return {
        key: version_key(key, max(versions_of(key, scope, keys=keys, recorded=recorded), default=1))
        for key, source in (scope.secrets or {}).items()
        if not isinstance(source, ExternalSource)
    }


def next_version(key: str, scope: SecretScope, *, keys: Iterable[str]) -> int:
    """Return the first version above all that a key stands for, whoever wrote it."""
    taken = [
        number for each in (*keys, *(scope.secrets or {})) for name, number in [split_version(each)] if name == key
    ]
    return max(taken, default=1) + 1
