"""What differs between a declared value and a live one, field by field, by the table of field rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.plan import FieldChange
from provisioning.planning.field_rules import SETTABLE, FieldRule, pattern_of, rule_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import JsonValue

CONCEALED = "(secret)"

DECLARED = "differs from the config"
ADDED = "in the config, not in the workspace"
REMOVED = "in the workspace, not in the config"
CLEARED = "cleared by the config"
OUTSIDE = "changed outside since the last apply"


def differences(declared: JsonValue, live: JsonValue, *, path: str, exact: bool) -> Iterator[FieldChange]:
    """Yield each difference.

    Args:
        declared: what the config says. What it does not mention is not compared, null and empty values clear.
        live: what the workspace returned; None if there is nothing.
        path: where both are in the endpoint (`config.served_entities`).
        exact: whether live fields that the config does not mention count as well, server defaults excepted.
    """
    rule = rule_of(path)
    if rule.input_only or rule.names_item:
        return
    if isinstance(declared, dict) and declared and isinstance(live, dict | None):
        yield from _fields(declared, live or {}, path=path, exact=exact, rule=rule)
    elif isinstance(declared, list) and declared and isinstance(live, list | None):
        yield from _items(declared, live or [], path=path, exact=exact, rule=rule)
    elif not (_same(declared, live, rule) or (_says_nothing(declared, path) and _says_nothing(live, path))):
        old = settable(live, pattern_of(path))
        yield FieldChange(path=path, old=old, new=declared, reason=_reason(declared, live))


def shown(path: str, value: JsonValue) -> JsonValue:
    """Return a declared value as a plan may hold it: what stands in a `*_plaintext` field is concealed."""
    if path.endswith("_plaintext"):
        return CONCEALED
    if isinstance(value, dict):
        return {name: shown(f"{path}.{name}", each) for name, each in value.items()}
    if isinstance(value, list):
        return [shown(path, each) for each in value]
    return value


def leaves(value: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    """Yield each plain value within a value, with its path."""
    rule = rule_of(path)
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and rule.identity and all(isinstance(each, dict) for each in value):
        for each in value:
            if isinstance(each, dict):
                yield from leaves(each, f"{path}[{rule.identity(each)}]")
    else:
        yield path, CONCEALED if path.endswith("_plaintext") else value


def _fields(
    declared: Mapping[str, JsonValue], live: Mapping[str, JsonValue], *, path: str, exact: bool, rule: FieldRule
) -> Iterator[FieldChange]:
    for name, value in declared.items():
        yield from differences(value, live.get(name), path=f"{path}.{name}", exact=exact)
    if not exact and not rule.free_names:
        return
    for name, value in live.items():
        below = f"{path}.{name}"
        counts = rule.free_names or (pattern_of(below) in SETTABLE and not _stays(rule_of(below)))
        if name not in declared and counts and not _says_nothing(value, below):
            yield FieldChange(path=below, old=value, new=None, reason=REMOVED)


def _items(
    declared: Sequence[JsonValue], live: Sequence[JsonValue], *, path: str, exact: bool, rule: FieldRule
) -> Iterator[FieldChange]:
    if rule.identity is None:
        if not _same(_ordered(declared, rule), _ordered(live, rule), rule):
            yield FieldChange(path=path, old=list(live), new=list(declared), reason=_reason(declared, live))
        return
    wanted = {rule.identity(each): each for each in declared if isinstance(each, dict)}
    present = {rule.identity(each): each for each in live if isinstance(each, dict)}
    for name, item in wanted.items():
        below = f"{path}[{name}]"
        if name in present:
            yield from differences(item, present[name], path=below, exact=exact)
        else:
            yield FieldChange(path=below, old=None, new=shown(below, item), reason=ADDED)
    for name, item in present.items():
        if name not in wanted:
            yield FieldChange(path=f"{path}[{name}]", old=settable(item, f"{path}[]"), new=None, reason=REMOVED)


def settable(value: JsonValue, path: str) -> JsonValue:
    """Return a live value without the fields that no request can carry.

    Args:
        value: what the workspace returned.
        path: where it is, with `[]` for each item of a list.
    """
    if isinstance(value, dict):
        known = {name: each for name, each in value.items() if f"{path}.{name}" in SETTABLE}
        # a mapping without known fields is one of free names, such as environment variables
        chosen = known or value
        return {name: settable(each, f"{path}.{name}") for name, each in chosen.items()}
    if isinstance(value, list):
        return [settable(each, f"{path}[]") for each in value]
    return value


def _stays(rule: FieldRule) -> bool:
    """Tell whether a live field is left as it is by a request that does not mention it."""
    return rule.input_only or rule.names_item or rule.immutable


def _says_nothing(value: JsonValue, path: str) -> bool:
    """Tell whether a value says no more than its absence: it is empty, the server's default, or made of such."""
    rule = rule_of(path)
    if isinstance(value, dict) and not rule.free_names:
        fields = ((f"{path}.{name}", each) for name, each in value.items())
        return all(pattern_of(below) not in SETTABLE or _says_nothing(each, below) for below, each in fields)
    return _same(None, value, rule)


def _ordered(values: Sequence[JsonValue], rule: FieldRule) -> list[JsonValue]:
    return sorted(values, key=str) if rule.unordered else list(values)


def _same(declared: JsonValue, live: JsonValue, rule: FieldRule) -> bool:
    one, other = (_plain(value, rule) for value in (declared, live))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, str):
        return str(one) == other  # int64 fields come back as text from some servers
    if isinstance(one, str) and isinstance(other, (int, float)):
        return one == str(other)
    return one == other


def _plain(value: JsonValue, rule: FieldRule) -> JsonValue:
    if value is None or value in ({}, []):
        return rule.default if rule.default is not None else None
    return value.lower() if rule.any_case and isinstance(value, str) else value


def _reason(declared: object, live: object) -> str:
    if declared is None or declared in ({}, []):
        return CLEARED
    return ADDED if live is None else DECLARED
