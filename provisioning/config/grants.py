"""The entries of a `permissions` list, as they stand in the configs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.config.nodes import Node

_PRINCIPALS = ("user_name", "group_name", "service_principal_name")


def entries_of(resource: Node) -> list[Node]:
    """List a resource's permissions; what is no list counts as empty."""
    permissions = resource.get("permissions")
    return list(permissions.value) if permissions is not None and isinstance(permissions.value, list) else []


def principal_of(entry: Node) -> tuple[str, str] | None:
    """Return the kind and the name of whom a permission is for, or None if it does not say."""
    for kind in _PRINCIPALS:
        node = entry.get(kind)
        if node is not None and isinstance(node.value, str):
            return kind, node.value
    return None


def level_of(entry: Node) -> str:
    """Return a permission's level, as it is written; empty if it has none."""
    level = entry.get("level")
    return level.value if level is not None and isinstance(level.value, str) else ""
