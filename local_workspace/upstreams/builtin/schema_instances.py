"""Make an instance of a JSON Schema: valid first, and as close to what the user said as the schema allows."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.builtin import schema_scalars
from local_workspace.upstreams.builtin.schema_check import conforms, resolve, same, schemas_of_property

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_workspace.upstreams.builtin.hints import Hints
    from local_workspace.upstreams.builtin.schema_check import Json, Schema

_DEPTH_LIMIT = 24  # a schema that refers to itself must come to an end
_OPTIONAL_DEPTH = 5  # below this only what is required is written


class UnsatisfiableError(ValueError):
    """No instance was found."""


def instance(schema: Schema, *, hints: Hints, optional: bool = True) -> Json:
    """Make an instance of a schema.

    Args:
        schema: A JSON Schema (draft 2020-12 or an older one without tuple `items`).
        hints: What the user said; used where it conforms.
        optional: Whether to fill optional properties too, or only those that the user named.

    Returns:
        A JSON value that conforms; for a schema that nothing conforms to, an empty object.
    """
    try:
        return _Builder(schema, hints=hints, optional=optional).build(schema, name="answer", depth=0)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, re.error):
        return {}  # nothing conforms, or the schema itself is none


class _Builder:
    def __init__(self, root: Schema, *, hints: Hints, optional: bool) -> None:
        self._root = root
        self._hints = hints
        self._optional = optional

    def build(self, schema: Schema, *, name: str, depth: int) -> Json:
        """Return the first candidate that conforms.

        Raises:
            UnsatisfiableError: None does.
        """
        if depth > _DEPTH_LIMIT:
            raise UnsatisfiableError(name)
        for candidate in self._candidates(schema, name=name, depth=depth):
            if conforms(candidate, schema, self._root):
                return candidate
        raise UnsatisfiableError(name)

    def _candidates(self, schema: Schema, *, name: str, depth: int) -> Iterator[Any]:
        if isinstance(schema, bool):
            yield self._hints.string(name) or name
            return
        if "const" in schema:
            yield schema["const"]
        if "enum" in schema:
            if (said := self._hints.one_of(schema["enum"])) is not None:
                yield said
            yield from schema["enum"]
            return
        if any(keyword in schema for keyword in ("$ref", "allOf", "anyOf", "oneOf")):
            yield from self._from_branches(schema, name=name, depth=depth)
            return
        for kind in _kinds(schema):
            yield from self._of_kind(kind, schema, name=name, depth=depth)

    def _from_branches(self, schema: Mapping[str, Any], *, name: str, depth: int) -> Iterator[Any]:
        for flat in _alternatives(schema, self._root, depth=depth):
            try:
                yield self.build(flat, name=name, depth=depth + 1)
            except UnsatisfiableError:
                continue

    def _of_kind(self, kind: str, schema: Mapping[str, Any], *, name: str, depth: int) -> Iterator[Any]:
        match kind:
            case "object":
                yield from self._objects(schema, depth=depth)
            case "array":
                yield from self._arrays(schema, name=name, depth=depth)
            case "string":
                yield from schema_scalars.strings(schema, name=name, hints=self._hints)
            case "integer" | "number":
                yield from schema_scalars.numbers(schema, name=name, hints=self._hints, whole=kind == "integer")
            case "boolean":
                yield from (self._hints.says(name), not self._hints.says(name))
            case _:
                yield None

    def _objects(self, schema: Mapping[str, Any], *, depth: int) -> Iterator[Any]:
        for with_optional in (True, False):
            made: dict[str, Any] = {}
            for name, is_required in _wanted_properties(schema).items():
                if is_required or (with_optional and self._fills(name, schema, depth)):
                    self._add_property(made, name, schema, is_required=is_required, depth=depth)
            for number in range(1, schema.get("minProperties", 0) + 1):
                if len(made) < schema["minProperties"]:
                    self._add_property(made, f"property_{number}", schema, is_required=True, depth=depth)
            yield made

    def _fills(self, name: str, schema: Mapping[str, Any], depth: int) -> bool:
        if self._optional:
            return depth <= _OPTIONAL_DEPTH
        declared = schema["properties"][name]
        options = declared.get("enum") if isinstance(declared, dict) else None
        return self._hints.says(name) or (options is not None and self._hints.one_of(options) is not None)

    def _add_property(
        self, made: dict[str, Any], name: str, schema: Mapping[str, Any], *, is_required: bool, depth: int
    ) -> None:
        wanted = schemas_of_property(name, schema)
        whole: Schema = wanted[0] if len(wanted) == 1 else {"allOf": wanted}
        try:
            made[name] = self.build(whole, name=name, depth=depth + 1)
        except UnsatisfiableError:
            if is_required:
                raise

    def _arrays(self, schema: Mapping[str, Any], *, name: str, depth: int) -> Iterator[Any]:
        fewest = schema.get("minItems", 0)
        singular = name.removesuffix("s")
        items = schema.get("items", True)
        if isinstance(items, dict) and _kinds(items)[0] in {"integer", "number"}:
            yield self._hints.numbers()
        for length in (max(fewest, len(schema.get("prefixItems", ())), 1), fewest):
            try:
                yield self._items(schema, singular, length=min(length, schema.get("maxItems", length)), depth=depth)
            except UnsatisfiableError:
                continue
        if not fewest:
            yield []

    def _items(self, schema: Mapping[str, Any], name: str, *, length: int, depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        made: list[Any] = []
        for position in range(length):
            each = first[position] if position < len(first) else schema.get("items", True)
            made.append(self._distinct(each, made, name=name, depth=depth) if schema.get("uniqueItems")
                        else self.build(each, name=name, depth=depth + 1))  # fmt: skip
        return made

    def _distinct(self, schema: Schema, taken: list[Any], *, name: str, depth: int) -> Json:
        """An item unlike those taken; numbers and words are varied by the position."""
        for suffix in ("", *(f"_{number}" for number in range(len(taken) + 2))):
            for candidate in self._candidates(schema, name=f"{name}{suffix}", depth=depth + 1):
                if conforms(candidate, schema, self._root) and not any(same(candidate, other) for other in taken):
                    return candidate
        raise UnsatisfiableError(name)


def _wanted_properties(schema: Mapping[str, Any]) -> dict[str, bool]:
    """The properties to write, in the schema's order, and whether each is required."""
    required = set(schema.get("required", ()))
    declared = dict.fromkeys((*schema.get("properties", {}), *schema.get("required", ())))
    return {name: name in required for name in declared}


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    """The types that a schema allows, or the one that its keywords speak of."""
    declared = schema.get("type")
    if declared is not None:
        kinds = [declared] if isinstance(declared, str) else list(declared)
        return sorted(kinds, key=lambda kind: kind == "null")
    if any(keyword in schema for keyword in ("properties", "required", "additionalProperties", "minProperties")):
        return ["object"]
    if any(keyword in schema for keyword in ("items", "prefixItems", "minItems")):
        return ["array"]
    if any(keyword in schema for keyword in ("minimum", "maximum", "exclusiveMinimum", "multipleOf")):
        return ["number"]
    return ["string", "object", "null", "integer", "boolean", "array"]


def _alternatives(schema: Mapping[str, Any], root: Schema, *, depth: int) -> Iterator[Schema]:
    """Yield the schema with its references followed and one branch of each choice taken, nulls last."""
    rest = {key: value for key, value in schema.items() if key not in {"$ref", "allOf", "anyOf", "oneOf"}}
    merged: Schema = rest
    if "$ref" in schema:
        merged = _merge(merged, resolve(schema["$ref"], root))
    for part in schema.get("allOf", ()):
        merged = _merge(merged, part)
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if not choices:
        yield merged
        return
    prefers_null = depth > _OPTIONAL_DEPTH
    for branch in sorted(choices, key=lambda choice: (choice == {"type": "null"}) != prefers_null):
        yield _merge(merged, branch)


def _merge(left: Schema, right: Schema) -> Schema:
    """A schema that demands what both demand; what cannot be merged is kept side by side in `allOf`."""
    if isinstance(left, bool) or isinstance(right, bool):
        if left is False or right is False:
            return False
        return right if left is True else left
    merged: dict[str, Any] = dict(left)
    for keyword, value in right.items():
        merged[keyword] = _merge_keyword(keyword, merged[keyword], value) if keyword in merged else value
    return merged


def _merge_keyword(keyword: str, left: Json, right: Json) -> Json:  # noqa: PLR0911 - one line for each keyword
    match keyword:
        case "properties" | "$defs" | "definitions":
            return {
                name: _merge(left[name], right[name]) if name in left and name in right else {**left, **right}[name]
                for name in {**left, **right}
            }
        case "required" | "allOf":
            return list(dict.fromkeys([*left, *right])) if keyword == "required" else [*left, *right]
        case "enum":
            return [option for option in left if any(same(option, other) for other in right)]
        case "type":
            return _merge_types(left, right)
        case "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties":
            return max(left, right)
        case "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties":
            return min(left, right)
        case "multipleOf" if isinstance(left, int) and isinstance(right, int):
            return math.lcm(left, right)
        case "items" | "additionalProperties":
            return _merge(left, right)
        case _:
            return right


def _merge_types(left: str | list[str], right: str | list[str]) -> list[str]:
    lefts, rights = ([names] if isinstance(names, str) else names for names in (left, right))
    both = [name for name in lefts if name in rights]
    if "integer" in {*lefts, *rights} and "number" in {*lefts, *rights} and "integer" not in both:
        both.append("integer")
    return both
