"""What we add to bundles, under `provisioning`: it has the bundle's own shape, and adds to what the bundle declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provisioning.config.blocks import MANAGED
from provisioning.config.merging import overlay
from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from provisioning.config.nodes import Node
    from provisioning.config.problems import Problems

_KEYS: Final = frozenset({"resources", "targets", *MANAGED})


def shaped(side: Node, problems: Problems) -> Node:
    """Bring our additions into the bundle's shape, in which scopes and endpoints stand below `resources`."""
    merged = _under_resources(side, problems)
    targets = merged.get("targets")
    if targets is None:
        return merged
    each = {name: _under_resources(target, None) for name, target in targets.fields().items()}
    return merged.with_value({**merged.fields(), "targets": targets.with_value(each)})


def of_declared(side: Node, root: Node, problems: Problems) -> Node:
    """Return the additions to what is declared; report one that adds to nothing, since its key is misspelt."""
    kept: dict[str, Node] = {}
    resources = side.get("resources")
    for kind, group in (resources.fields() if resources is not None else {}).items():
        if group.value is not None and not isinstance(group.value, dict):
            problems.add("P203", f"`{kind}` must be a mapping", group)
        declared = root.get("resources", kind)
        known = declared.fields() if declared is not None else {}
        for key, node in group.fields().items():
            if key not in known:
                near = did_you_mean(key, known)
                remedy = f"did you mean `{near}`?" if near else f"declare it under `resources.{kind}`"
                problems.add("P201", f"there is no `resources.{kind}.{key}` to add to", node.key, remedy=remedy)
        kept[kind] = group.with_value({key: node for key, node in group.fields().items() if key in known})
    return side if resources is None else side.with_value({**side.fields(), "resources": resources.with_value(kept)})


def _under_resources(side: Node, problems: Problems | None) -> Node:
    kept: dict[str, Node] = {}
    direct: dict[str, Node] = {}
    for key, node in side.fields().items():
        if key in MANAGED:
            direct[key] = node
        else:
            kept[key] = node
        if problems is not None and key not in _KEYS:
            near = did_you_mean(key, _KEYS)
            remedy = f"did you mean `{near}`?" if near else None
            problems.add("P201", f"`{key}` is not known under `provisioning`", node.key, remedy=remedy)
    result = side.with_value(kept)
    return overlay(result, side.with_value({"resources": side.with_value(direct)})) if direct else result
