"""What a bundle says once for all its resources: the prefix of names, and permissions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from provisioning.config.grants import entries_of, level_of, principal_of
from provisioning.config.references import REFERENCE
from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from provisioning.config.nodes import Node
    from provisioning.config.problems import Problems

_DEVELOPMENT_PREFIX: Final = "[dev ${workspace.current_user.short_name}] "

_LEVELS: Final = {
    "secret_scopes": {"CAN_MANAGE": "MANAGE", "CAN_VIEW": "READ"},
    "model_serving_endpoints": {"CAN_MANAGE": "CAN_MANAGE", "CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_QUERY"},
}
"""What a bundle's own permission levels mean for each type (databricks/cli, `bundle_permissions.go`)."""

BUNDLE_LEVELS: Final = ("CAN_MANAGE", "CAN_VIEW", "CAN_RUN")
"""The levels of a bundle's own `permissions`."""

_REFERENCE_OR_CHARACTER: Final = re.compile(f"({REFERENCE.pattern})|.", re.DOTALL)


def name_prefix(presets: Node | None, mode: str | None) -> str:
    """Return the text that is put before the names of endpoints, and of endpoints alone: scopes keep theirs.

    Args:
        presets: the bundle's `presets`, resolved.
        mode: the target's mode; development has a prefix of its own unless the presets give one.
    """
    given = presets.get("name_prefix") if presets is not None else None
    if given is not None and isinstance(given.value, str):
        return _normalised(given.value)
    return _normalised(_DEVELOPMENT_PREFIX) if mode == "development" else ""


def prefix_names(endpoints: Node | None, prefix: str) -> Node | None:
    """Return the endpoints with the prefix before each name."""
    if endpoints is None or not endpoints.fields() or not prefix:
        return endpoints
    renamed = {}
    for key, endpoint in endpoints.fields().items():
        name = endpoint.get("name")
        if name is not None and isinstance(name.value, str):
            fields = {**endpoint.fields(), "name": name.with_value(prefix + name.value)}
            renamed[key] = endpoint.with_value(fields)
        else:
            renamed[key] = endpoint
    return endpoints.with_value(renamed)


def spread_permissions(root: Node, resources: Node, problems: Problems) -> Node:
    """Give every resource the bundle's permissions; one that lists the same principal itself keeps its own level.

    Args:
        root: the bundle, its top-level `permissions` resolved.
        resources: the managed resources.
        problems: where everything wrong is reported.
    """
    entries = entries_of(root)
    for entry in entries:
        _check_level(entry, problems)
    if not entries:
        return resources
    spread = {kind: _spread_over(kind, group, entries) for kind, group in resources.fields().items()}
    return resources.with_value({**resources.fields(), **spread})


def _spread_over(kind: str, group: Node, entries: list[Node]) -> Node:
    if not group.fields():
        return group
    return group.with_value({key: _granted(each, _LEVELS[kind], entries) for key, each in group.fields().items()})


def _granted(resource: Node, levels: dict[str, str], entries: list[Node]) -> Node:
    own = resource.get("permissions")
    taken = {principal_of(each) for each in entries_of(resource)}
    added = [
        entry.with_value({**entry.fields(), "level": entry.with_value(levels[level_of(entry)])})
        for entry in entries
        if level_of(entry) in levels and principal_of(entry) not in taken
    ]
    malformed = own is not None and not isinstance(own.value, (list, type(None)))
    if not added or malformed or not resource.fields():
        return resource  # an empty list would revoke what is live; what is malformed is reported as it stands
    listed = (own or entries[0]).with_value([*entries_of(resource), *added])
    return resource.with_value({**resource.fields(), "permissions": listed})


def _check_level(entry: Node, problems: Problems) -> None:
    level = level_of(entry)
    if level in BUNDLE_LEVELS:
        return
    near = did_you_mean(level, BUNDLE_LEVELS)
    remedy = f"did you mean {near}?" if near else f"the levels are {', '.join(BUNDLE_LEVELS)}"
    message = f"{level!r} is not a level for a whole bundle" if level else "a permission needs a level"
    problems.add("P204", message, entry.get("level") or entry, remedy=remedy)


def _normalised(prefix: str) -> str:
    """Write a prefix as endpoint names allow it: `[dev ann] ` becomes `dev_ann_`."""
    trimmed = prefix.replace("[", "").strip(" ")
    closing = "_" if trimmed.endswith("]") else ""
    trimmed = trimmed.removesuffix("]")
    return _REFERENCE_OR_CHARACTER.sub(lambda match: match.group(1) or _allowed(match.group()), trimmed) + closing


def _allowed(character: str) -> str:
    lower = character.lower()
    return lower if lower.isascii() and (lower.isalnum() or lower == "-") else "_"
