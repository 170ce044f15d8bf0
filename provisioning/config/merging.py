"""Putting trees together: files side by side, and one thing laid over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.config.nodes import Node
    from provisioning.config.problems import Problems

_RESOURCE_DEPTH = 3
"""`resources.<type>.<key>`: from here down, a second declaration is a mistake and not a continuation."""


def join(left: Node, right: Node, problems: Problems, *, path: tuple[str, ...] = ()) -> Node:
    """Join two files of one bundle: their mappings are united, and nothing may be said twice.

    Args:
        left: what was read before.
        right: what is added.
        problems: where a second declaration is reported.
        path: where the two trees stand, in the whole.
    """
    declared = path[:1] == ("resources",) and len(path) == _RESOURCE_DEPTH
    if isinstance(left.value, dict) and isinstance(right.value, dict) and not declared:
        united = dict(left.value)
        for key, node in right.value.items():
            united[key] = join(united[key], node, problems, path=(*path, key)) if key in united else node
        return left.with_value(united)
    if right.value is None:
        return left
    if left.value is None:
        return right
    if isinstance(left.value, list) and isinstance(right.value, list):
        return left.with_value([*left.value, *right.value])
    if left.value != right.value or declared:
        first = (left.key or left.span).position
        message = f"`{'.'.join(path)}` is declared twice, first in {first}"
        problems.add("P406", message, right.key or right.span, remedy="keep one of the two, or give it another key")
    return left


def overlay(base: Node, override: Node) -> Node:
    """Lay one tree over another, as a target's overrides are laid over the bundle.

    Mappings are merged, lists are appended, anything else is replaced (databricks/cli, `libs/dyn/merge`).
    """
    below, above = base.value, override.value
    if isinstance(below, dict) and isinstance(above, dict):
        merged = dict(below)
        for key, node in above.items():
            merged[key] = overlay(below[key], node) if key in below else node
        return base.with_value(merged)
    if isinstance(below, list) and isinstance(above, list):
        return base.with_value([*below, *above])
    return base if above is None else override
