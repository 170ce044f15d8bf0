"""Does a value conform to a JSON Schema? The keywords that `schema_instances` writes for, one rule each."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json: TypeAlias = Any
"""A JSON value: what a schema allows is known only when it is read."""

Schema: TypeAlias = "Mapping[str, Any] | bool"


def is_number(value: object) -> bool:
    """Whether JSON would call this a number; a boolean is not one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and float(value).is_integer(),
    "number": is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def same(left: object, right: object) -> bool:
    """JSON equality: 1 is 1.0, but never true."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return left == right


def resolve(reference: str, root: Schema) -> Schema:
    """Follow a `$ref` inside its document.

    Raises:
        LookupError: It points outside of the document, or at nothing.
    """
    found: Any = root
    if not reference.startswith("#"):
        raise LookupError(reference)
    for step in filter(None, reference.removeprefix("#").split("/")):
        key = step.replace("~1", "/").replace("~0", "~")
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found  # type: ignore[no-any-return]  # a JSON pointer's target has whatever type the document gives it


def conforms(value: object, schema: Schema, root: Schema) -> bool:
    """Check a value against a schema, whose `$ref`s are looked up in `root`."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema and not conforms(value, resolve(schema["$ref"], root), root):
        return False
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(_TYPES[name](value) for name in names):
            return False
    if "enum" in schema and not any(same(value, option) for option in schema["enum"]):
        return False
    if "const" in schema and not same(value, schema["const"]):
        return False
    return _combined(value, schema, root) and _shaped(value, schema, root)


def _combined(value: object, schema: Mapping[str, Any], root: Schema) -> bool:
    def matches(keyword: str) -> int:
        return sum(conforms(value, branch, root) for branch in schema[keyword])

    if "allOf" in schema and matches("allOf") < len(schema["allOf"]):
        return False
    if "anyOf" in schema and not matches("anyOf"):
        return False
    if "oneOf" in schema and matches("oneOf") != 1:
        return False
    return not ("not" in schema and conforms(value, schema["not"], root))


def _shaped(value: object, schema: Mapping[str, Any], root: Schema) -> bool:
    if isinstance(value, str):
        return _string(value, schema)
    if isinstance(value, list):
        return _array(value, schema, root)
    if isinstance(value, dict):
        return _object(value, schema, root)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, schema)
    return True


def _string(value: str, schema: Mapping[str, Any]) -> bool:
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf)
        and ("pattern" not in schema or re.search(schema["pattern"], value) is not None)
    )  # fmt: skip


def _number(value: float, schema: Mapping[str, Any]) -> bool:
    step = schema.get("multipleOf")
    return (
        schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and schema.get("exclusiveMinimum", -math.inf) < value < schema.get("exclusiveMaximum", math.inf)
        and (not step or (value / step).is_integer())
    )


def _array(value: list[Any], schema: Mapping[str, Any], root: Schema) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
        return False
    if schema.get("uniqueItems") and any(same(a, b) for i, a in enumerate(value) for b in value[:i]):
        return False
    first = schema.get("prefixItems", [])
    rest = schema.get("items", True)
    wanted = [*first, *[rest] * (len(value) - len(first))]
    return all(conforms(item, each, root) for item, each in zip(value, wanted, strict=False))


def _object(value: dict[str, Any], schema: Mapping[str, Any], root: Schema) -> bool:
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", math.inf):
        return False
    if not all(name in value for name in schema.get("required", ())):
        return False
    return all(conforms(item, each, root) for name, item in value.items() for each in schemas_of_property(name, schema))


def schemas_of_property(name: str, schema: Mapping[str, Any]) -> list[Schema]:
    """All the schemas that a property of this name must conform to."""
    wanted: list[Schema] = [
        each for pattern, each in schema.get("patternProperties", {}).items() if re.search(pattern, name)
    ]
    if name in schema.get("properties", {}):
        wanted.append(schema["properties"][name])
    return wanted or [schema.get("additionalProperties", True)]
