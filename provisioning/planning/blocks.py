"""An endpoint's blocks: which differ, and the one request that each of them takes."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, cast

from provisioning.model.ownership import HASH_TAG, OWNERSHIP_TAGS
from provisioning.model.plan import FieldChange, Operation, Step
from provisioning.model.values import references_in
from provisioning.model.versions import split_version
from provisioning.planning import requests
from provisioning.planning.differ import ADDED, OUTSIDE, REMOVED, differences, leaves
from provisioning.planning.field_rules import pattern_of, rule_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pydantic import JsonValue

    from provisioning.planning.comparison import Comparison

REREAD = "the secret it refers to gets another value, and a running endpoint may not read it again by itself"
REPOINTED = "another version of the secret counts now"
_UNCOMPARED = "the config changed, and this cannot be read back to be compared"

BLOCKS: Mapping[str, Operation] = {
    "config": Operation.UPDATE_CONFIG,
    "ai_gateway": Operation.UPDATE_AI_GATEWAY,
    "rate_limits": Operation.UPDATE_RATE_LIMITS,
    "email_notifications": Operation.UPDATE_NOTIFICATIONS,
    "telemetry_config": Operation.UPDATE_TELEMETRY,
}
"""The blocks that have a request of their own."""

_FIXED = ("description", "route_optimized")

Changes = tuple[tuple[FieldChange, ...], tuple[Step, ...]]


def block_changes(compared: Comparison, blocks: Iterable[str], *, rewritten: Collection[tuple[str, str]]) -> Changes:
    """Compare blocks.

    Args:
        compared: the endpoint.
        blocks: their names, keys of `BLOCKS`.
        rewritten: the secrets that get another value, by the scope's name without case and the key.

    Returns:
        What differs, and a step for each block that has to be sent.
    """
    found = {block: _differences(compared, block) for block in blocks if block in compared.declared}
    if "config" in found:
        found["config"] += _rereads(compared, rewritten, named={each.path for each in found["config"]})
    fields = tuple(each for changes in found.values() for each in changes)
    return fields, tuple(
        step for block, changes in found.items() if changes for step in _steps(compared, block, changes)
    )


def fixed_changes(compared: Comparison) -> tuple[FieldChange, ...]:
    """Compare the fields that only a new endpoint can take another value of."""
    return tuple(
        change
        for name in _FIXED
        if name in compared.declared
        for change in differences(compared.declared[name], compared.live.get(name), path=name, exact=False)
    )


def tag_changes(compared: Comparison, *, ours: Mapping[str, str]) -> Changes:
    """Compare the tags, the ones that say who owns the endpoint included.

    Args:
        compared: the endpoint.
        ours: the tags that it is to carry beside the declared ones.
    """
    managed = "tags" in compared.declared
    body = requests.tags_body(compared.declared.get("tags"), compared.tags, ours=ours, managed=managed)
    if not body:
        return (), ()
    added = cast("list[dict[str, str]]", body.get("add_tags", []))
    deleted = cast("list[str]", body.get("delete_tags", []))
    fields = [
        FieldChange(
            path=f"tags[{tag['key']}]",
            old=compared.tags.get(tag["key"]),
            new=tag["value"],
            reason=_tag_reason(tag["key"], compared),
            origin=compared.origin,
        )
        for tag in added
    ]
    fields += [
        FieldChange(
            path=f"tags[{key}]",
            old=compared.tags[key],
            reason=OUTSIDE if compared.drifted else REMOVED,
            origin=compared.origin,
        )
        for key in deleted
    ]
    return tuple(fields), (Step(operation=Operation.UPDATE_TAGS, name=compared.endpoint.name, body=body),)


def _differences(compared: Comparison, block: str) -> tuple[FieldChange, ...]:
    declared, live = compared.declared[block], compared.live.get(block)
    found = _compare(declared, live, block, exact=False)
    if compared.edited or not all(map(_is_repointed, found)):
        # The block is sent as a whole, which drops the live fields that the config does not mention; and if the
        # config was edited, such a field may have been taken out of it. Otherwise it is the server's own.
        found = _compare(declared, live, block, exact=True)
    if not found and compared.edited and _holds_unreadable(declared, block):
        found = [FieldChange(path=block, reason=_UNCOMPARED)]
    changed = {"origin": compared.origin, **({"reason": OUTSIDE} if compared.drifted else {})}
    return tuple(
        each.model_copy(update={"reason": REPOINTED, "origin": "config"} if _is_repointed(each) else changed)
        for each in found
    )


def _is_repointed(change: FieldChange) -> bool:
    """Tell whether a reference merely leads to another version of the same secret."""

    def secrets_in(value: JsonValue) -> list[tuple[str, str]]:
        found = references_in(value) if isinstance(value, str) else ()
        return [(each.scope.lower(), split_version(each.key)[0]) for each in found]

    return bool(secrets_in(change.new)) and secrets_in(change.old) == secrets_in(change.new)


def _compare(declared: JsonValue, live: JsonValue, block: str, *, exact: bool) -> list[FieldChange]:
    if not isinstance(declared, dict) or not declared:
        return list(differences(declared, live, path=block, exact=exact))
    # parts that the config does not mention are sent along as they are, so only the mentioned ones count
    present = live if isinstance(live, dict) else {}
    return [
        change
        for part, value in declared.items()
        for change in differences(value, present.get(part), path=f"{block}.{part}", exact=exact)
    ]


def _holds_unreadable(declared: JsonValue, block: str) -> bool:
    return any(_is_unreadable(path) for path, _ in leaves(declared, block))


def _is_unreadable(path: str) -> bool:
    """Tell whether a field is never returned, or lies within one that is not."""
    return any(rule_of(each).input_only for each in accumulate(pattern_of(path).split("."), "{}.{}".format))


def _rereads(
    compared: Comparison, rewritten: Collection[tuple[str, str]], *, named: Collection[str]
) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(path=path, old=value, new=value, reason=REREAD, origin="config")
        for path, value in leaves(compared.declared["config"], "config")
        if isinstance(value, str)
        and path not in named
        and any((each.scope.lower(), each.key) in rewritten for each in references_in(value))
    )


def _steps(compared: Comparison, block: str, changes: Sequence[FieldChange]) -> tuple[Step, ...]:
    declared = requests.declared_body(compared.endpoint)[block]
    live = compared.live.get(block)
    present = live if isinstance(live, dict) else {}
    match block:
        case "config":
            body = requests.config_body(declared, present)
        case "ai_gateway":
            body = requests.gateway_body(declared, present)
        case _:
            body = {block: requests.without_nulls(declared if declared is not None else {})}
    bodies = [body]
    if any(rule_of(each.path).fixed_while_on for each in changes):
        bodies = requests.off_and_on(body, present)
    return tuple(Step(operation=BLOCKS[block], name=compared.endpoint.name, body=each) for each in bodies)


def _tag_reason(key: str, compared: Comparison) -> str:
    if key == HASH_TAG:
        return "remembers what the configs say"
    if key in OWNERSHIP_TAGS:
        return "says who owns it"
    return OUTSIDE if compared.drifted else ADDED
