"""What a bundle says once for all its resources: the prefix of names, and permissions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

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

_BUNDLE_LEVELS: Final = ("CAN_MANAGE", "CAN_VIEW", "CAN_RUN")
_REFERENCE_OR_CHARACTER: Final = re.compile(f"({REFERENCE.pattern})|.", re.DOTALL)
_PRINCIPALS: Final = ("user_name", "group_name", "service_principal_name")


def name_prefix(root: Node, mode: str | None) -> str:
    """Return the text that is put before the names of endpoints, and of endpoints alone: scopes keep theirs.

    Args:
        root: the bundle, its presets resolved.
        mode: the target's mode; development has a prefix of its own unless the presets give one.
    """
    given = root.get("presets", "name_prefix")
    if given is not None and isinstance(given.value, str):
        return _normalised(given.value)
    return _normalised(_DEVELOPMENT_PREFIX) if mode == "development" else ""


def prefix_names(endpoints: Node | None, prefix: str) -> Node | None:
    """Return the endpoints with the prefix before each name."""
    if endpoints is None or not prefix:
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


def spread_permissions(permissions: Node | None, resources: Node, problems: Problems) -> Node:
    """Give every resource the bundle's permissions; one that lists the same principal itself keeps its own level.

    Args:
        permissions: the bundle's top-level `permissions`, resolved.
        resources: the managed resources.
        problems: where everything wrong is reported.
    """
    entries = permissions.value if permissions is not None and isinstance(permissions.value, list) else []
    for entry in entries:
        _check_level(entry, problems)
    if not entries:
        return resources
    spread = {kind: _spread_over(kind, group, entries) for kind, group in resources.fields().items()}
    return resources.with_value({**resources.fields(), **spread})


def _spread_over(kind: str, group: Node, entries: list[Node]) -> Node:
    levels = _LEVELS[kind]
    result = {}
    for key, resource in group.fields().items():
        own = resource.get("permissions")
        listed = list(own.value) if own is not None and isinstance(own.value, list) else []
        taken = {_principal(each) for each in listed}
        added = []
        for entry in entries:
            level = entry.get("level")
            meant = levels.get(str(level.value)) if level is not None else None
            if level is not None and meant is not None and _principal(entry) not in taken:
                added.append(entry.with_value({**entry.fields(), "level": level.with_value(meant)}))
        place = own if own is not None else entries[0]
        result[key] = resource.with_value({**resource.fields(), "permissions": place.with_value([*listed, *added])})
    return group.with_value(result)


def _principal(entry: Node) -> tuple[str, object] | None:
    return next(((name, node.value) for name in _PRINCIPALS if (node := entry.get(name)) is not None), None)


def _check_level(entry: Node, problems: Problems) -> None:
    level = entry.get("level")
    if level is not None and level.value in _BUNDLE_LEVELS:
        return
    written = str(level.value) if level is not None else ""
    near = did_you_mean(written, _BUNDLE_LEVELS)
    listed = f"the levels are {', '.join(_BUNDLE_LEVELS)}"
    message = (
        "a permission of the whole bundle needs a level" if level is None else f"{written!r} is not a bundle's level"
    )
    problems.add("P204", message, level or entry, remedy=f"did you mean {near}?" if near else listed)


def _normalised(prefix: str) -> str:
    """Write a prefix as endpoint names allow it: `[dev ann] ` becomes `dev_ann_`."""
    trimmed = prefix.replace("[", "").strip(" ")
    closing = "_" if trimmed.endswith("]") else ""
    trimmed = trimmed.removesuffix("]")
    return _REFERENCE_OR_CHARACTER.sub(lambda match: match.group(1) or _allowed(match.group()), trimmed) + closing


def _allowed(character: str) -> str:
    lower = character.lower()
    return lower if lower.isascii() and (lower.isalnum() or lower == "-") else "_"
