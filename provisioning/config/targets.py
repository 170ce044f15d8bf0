"""Targets: which one is meant, and its overrides laid over the bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provisioning.config.blocks import check_shape
from provisioning.config.merging import overlay
from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from provisioning.config.nodes import Node
    from provisioning.config.problems import Problems

NO_TARGET: Final = "default"
"""The name of the one target of configs that declare none."""

_OVERRIDES: Final = ("bundle", "workspace", "resources", "permissions", "presets", "run_as")
_OTHER_KEYS: Final = frozenset(
    {"default", "mode", "variables", "deployer", "git", "sync", "artifacts", "compute_id", "cluster_id"}
)


def choose_target(root: Node, wanted: str | None, problems: Problems) -> str | None:
    """Return the name of the target that is meant, or None if that was reported.

    Args:
        root: the whole bundle.
        wanted: the name that the user gave, if any.
        problems: where everything wrong is reported.
    """
    declared = root.get("targets")
    names = list(declared.fields()) if declared is not None else []
    if wanted is not None:
        if wanted in names or (not names and wanted == NO_TARGET):
            return wanted
        near = did_you_mean(wanted, names)
        listed = f"the targets are {', '.join(names)}" if names else "the configs declare no targets"
        problems.add(
            "P401", f"there is no target {wanted!r}", declared, remedy=f"did you mean {near!r}?" if near else listed
        )
        return None
    if declared is None or not names:
        return NO_TARGET
    defaults = [name for name, node in declared.fields().items() if _is_true(node.get("default"))]
    if len(defaults) > 1:
        second = declared.get(defaults[1], "default")
        problems.add(
            "P406",
            f"the targets {' and '.join(defaults)} are both the default",
            second,
            remedy="keep one `default: true`",
        )
        return None
    if defaults or len(names) == 1:
        return defaults[0] if defaults else names[0]
    problems.add(
        "P402", f"none of the targets is the default: {', '.join(names)}", declared, remedy="choose one with --target"
    )
    return None


def apply_target(root: Node, name: str, problems: Problems) -> Node:
    """Lay a target's overrides over the bundle.

    Args:
        root: the whole bundle.
        name: the target's name.
        problems: where everything wrong is reported.

    Returns:
        The bundle as this target has it, with the target's own keys under `target`.
    """
    target = root.get("targets", name)
    if target is None:
        return root
    if target.value is not None and not isinstance(target.value, dict):
        problems.add("P203", f"the target {name!r} must be a mapping", target)
    for key, node in target.fields().items():
        if key in _OVERRIDES:
            check_shape(key, node, problems)
        elif key not in _OTHER_KEYS:
            near = did_you_mean(key, {*_OVERRIDES, *_OTHER_KEYS})
            remedy = f"did you mean `{near}`?" if near else None
            problems.add("P201", f"`{key}` is not known in a target", node.key, remedy=remedy)
    overrides = target.with_value({key: node for key, node in target.fields().items() if key in _OVERRIDES})
    laid = overlay(root, overrides)
    # One identity replaces another as a whole: merged, the two would name a user and a service principal.
    run_as = overrides.get("run_as")
    return laid if run_as is None or run_as.value is None else laid.with_value({**laid.fields(), "run_as": run_as})


def _is_true(node: Node | None) -> bool:
    """Say whether a value stands for true; the databricks CLI takes YAML 1.1's words where a boolean is wanted."""
    return node is not None and (node.value is True or str(node.value).casefold() in {"true", "yes", "y", "on"})
