"""Whose is it? The marks that say which set owns an object, since there is no state file.

An endpoint carries three tags, which travel in its create request. A scope has no tags: its first secret is a
marker, whose key carries the set (so that owning shows in a plain list) and whose value holds a record for each
key that we wrote.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from provisioning.model.base import Model
from provisioning.model.scopes import MARKER_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import JsonValue

    from provisioning.model.workspace import Desired

TOOL = "gatewright"
MANAGED_BY_TAG = "managed-by"
SET_TAG = "provisioning-set"
HASH_TAG = "config-hash"
OWNERSHIP_TAGS = frozenset({MANAGED_BY_TAG, SET_TAG, HASH_TAG})
HOLD_TAG = "provisioning-hold"
"""`<until, YYYY-MM-DD>-<ticket>`: whoever works on an endpoint by hand keeps us away until that day is over."""

_RULES_VERSION = "1"
_MARKER_START = f"{MARKER_PREFIX}."

BLOCK_LETTERS: Mapping[str, str] = {
    "config": "c",
    "ai_gateway": "g",
    "tags": "t",
    "email_notifications": "n",
    "telemetry_config": "m",
    "permissions": "p",
}
"""How the blocks of an endpoint are named in its hash tag, which reaches billing logs and must stay short."""


class ConfigHash(Model):
    """The hash tag, taken apart: `<rules version>.<managed blocks>.<hash>`."""

    blocks: str
    """A letter for each block that the configs managed at the last apply."""
    digest: str
    """A short hash of what they said, without secret values."""

    def __str__(self) -> str:
        return f"{_RULES_VERSION}.{self.blocks}.{self.digest}"


def set_id(desired: Desired, *, workspace_id: str, user: str) -> str:
    """Return the id of what these configs own in this workspace.

    Args:
        desired: the configs; its set's name and target count, its resources don't.
        workspace_id: the workspace's own id: tags copied by hand to another one confer nothing there.
        user: the identity; it counts in development mode alone, where everybody has their own copy.
    """
    parts = [TOOL, workspace_id, desired.set_name, desired.target.name]
    if desired.target.mode == "development":
        parts.append(user)
    return _short_hash(parts, length=12)


def config_hash(body: Mapping[str, JsonValue]) -> ConfigHash:
    """Hash what the configs say of an endpoint.

    Args:
        body: the endpoint as declared, permissions included, values of `*_plaintext` fields left out.
    """
    blocks = "".join(letter for block, letter in BLOCK_LETTERS.items() if block in body)
    return ConfigHash(blocks=blocks, digest=digest(body))


def read_config_hash(tag: str | None) -> ConfigHash | None:
    """Take a hash tag apart; None if there is none, or one by other rules, which must not be compared."""
    version, _, rest = (tag or "").partition(".")
    blocks, dot, digest = rest.partition(".")
    if version != _RULES_VERSION or not dot:
        return None
    return ConfigHash(blocks=blocks, digest=digest)


def ownership_tags(owner: str, declared: ConfigHash | None) -> dict[str, str]:
    """Return the tags that make an endpoint ours; without a hash, nothing remembers what the configs said."""
    tags = {MANAGED_BY_TAG: TOOL, SET_TAG: owner}
    return tags if declared is None else {**tags, HASH_TAG: str(declared)}


def marker_key(owner: str) -> str:
    """Return the key of the secret that makes a scope ours."""
    return f"{_MARKER_START}{owner}"


def is_marker(key: str) -> bool:
    """Tell whether a key is a marker, of whichever set."""
    return key.startswith(_MARKER_START)


def marker_owners(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the sets that have a marker among a scope's keys, in order."""
    return tuple(sorted(key.removeprefix(_MARKER_START) for key in keys if is_marker(key)))


def digest(value: object) -> str:
    """Return a short hash of what configs say, by which a later run knows whether they still say it."""
    return _short_hash(value, length=12)


def _short_hash(value: object, *, length: int) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:length]
