"""The built-in model's JSON is valid for any schema, as another implementation of JSON Schema judges it."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_workspace.upstreams.builtin.hints import Hints
from local_workspace.upstreams.builtin.schema_instances import instance

TEXT = 'My friend "Ann", 34, lives in Paris since 2020-05-01 and pays 12.5; write to ann@example.org about cats.'

_NAMES = st.sampled_from(["name", "age", "city", "tags", "kind", "is_new", "parent", "x"])
_BOUNDS = st.integers(-50, 50)


def _strings() -> st.SearchStrategy[dict[str, Any]]:
    lengths = st.tuples(st.integers(0, 12), st.integers(0, 30)).map(
        lambda pair: {"minLength": pair[0], "maxLength": pair[0] + pair[1]}
    )
    patterns = st.sampled_from([
        r"^[A-Z]{3}-\d{4}$", r"^\w+@\w+\.com$", "^(a|b)+$", r"^[^0-9\s]{2,5}$", r"colou?r", r"^(\d{2}):\1$", r"^x*$",
    ])  # fmt: skip
    formats = st.sampled_from(["date", "date-time", "email", "uuid", "ipv4", "uri"])
    return st.one_of(
        st.just({"type": "string"}),
        lengths.map(lambda limits: {"type": "string", **limits}),
        patterns.map(lambda pattern: {"type": "string", "pattern": pattern}),
        formats.map(lambda name: {"type": "string", "format": name}),
    )


def _numbers() -> st.SearchStrategy[dict[str, Any]]:
    ranges = st.tuples(_BOUNDS, st.integers(0, 40)).map(lambda pair: {"minimum": pair[0], "maximum": pair[0] + pair[1]})
    open_ranges = st.tuples(_BOUNDS, st.integers(2, 40)).map(
        lambda pair: {"exclusiveMinimum": pair[0], "exclusiveMaximum": pair[0] + pair[1]}
    )
    multiples = st.sampled_from([1, 2, 3, 5, 7]).map(lambda step: {"multipleOf": step, "minimum": 20})
    kinds = st.sampled_from(["integer", "number"])
    return st.tuples(kinds, st.one_of(st.just({}), ranges, open_ranges, multiples)).map(
        lambda pair: {"type": pair[0], **pair[1]}
    )


def _scalars() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        _strings(),
        _numbers(),
        st.just({"type": "boolean"}),
        st.just({"type": "null"}),
        st.just({}),
        st.lists(st.one_of(st.integers(), st.text(max_size=5), st.none()), min_size=1, max_size=4).map(
            lambda options: {"enum": options}
        ),
        st.one_of(st.integers(), st.text(max_size=5)).map(lambda value: {"const": value}),
        st.just({"type": ["string", "null"]}),
    )


def _compounds(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    @st.composite
    def objects(draw: st.DrawFn) -> dict[str, Any]:
        properties = draw(st.dictionaries(_NAMES, inner, max_size=4))
        required = draw(st.lists(st.sampled_from(sorted(properties) or ["x"]), unique=True, max_size=3))
        schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
        closed = draw(st.sampled_from([None, False, "strings"]))
        if closed is False and set(required) <= set(properties):
            schema["additionalProperties"] = False
        elif closed == "strings":
            schema["additionalProperties"] = {"type": "string"}
        return schema

    arrays = st.tuples(inner, st.integers(0, 3), st.integers(0, 3)).map(
        lambda each: {"type": "array", "items": each[0], "minItems": each[1], "maxItems": each[1] + each[2]}
    )
    tuples = st.lists(inner, min_size=1, max_size=3).map(
        lambda items: {"type": "array", "prefixItems": items, "minItems": len(items), "items": False}
    )
    distinct = st.integers(0, 4).map(
        lambda fewest: {"type": "array", "items": {"type": "integer"}, "minItems": fewest, "uniqueItems": True}
    )
    choices = st.tuples(st.sampled_from(["anyOf"]), st.lists(inner, min_size=1, max_size=3)).map(
        lambda pair: {pair[0]: pair[1]}
    )
    merged = st.tuples(objects(), _NAMES).map(
        lambda pair: {"allOf": [{**pair[0], "additionalProperties": True}, {"required": [pair[1]]}]}
    )
    return st.one_of(objects(), arrays, tuples, distinct, choices, merged)


SCHEMAS = st.recursive(_scalars(), _compounds, max_leaves=12)


@given(schema=SCHEMAS, text=st.sampled_from([TEXT, "", "hello", "3 and 4 and 5"]))
@settings(max_examples=300, deadline=None)
def test_an_instance_of_any_schema_is_valid(schema: dict[str, Any], text: str) -> None:
    made = instance(schema, hints=Hints(text))
    try:
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(made)
    except jsonschema.ValidationError:
        assert not _is_satisfiable(schema), (schema, made)


def _is_satisfiable(schema: dict[str, Any]) -> bool:
    """Whether the generated schema has an instance at all: hypothesis-jsonschema is no dependency, so only the
    contradictions that these strategies can write are known: a required property that its own rule forbids."""
    match schema:
        case {"allOf": [first, second]}:
            name = second["required"][0]
            rule = first["properties"].get(name, first.get("additionalProperties", True))
            return rule is not False and _is_satisfiable(first) and _is_satisfiable({"properties": {name: rule}})
        case _:
            return True


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {"value": {"type": "string"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
            "required": ["value", "next"],
            "additionalProperties": False,
        },
        {
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    },
                    "required": ["name", "children"],
                    "additionalProperties": False,
                }
            },
            "$ref": "#/$defs/node",
        },
        {"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]},
        {"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}},
        {"type": "object", "patternProperties": {"^n_": {"type": "integer"}}, "required": ["n_a", "b"]},
        {"not": {"type": "string"}},
        {"type": "string", "minLength": 80},
        {"definitions": {"a/b": {"const": 7}}, "$ref": "#/definitions/a~1b"},
        {},
    ],
)  # fmt: skip
def test_an_instance_of_a_hard_schema_is_valid(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(schema).validate(instance(schema, hints=Hints(TEXT)))


def test_an_instance_uses_what_the_user_said() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "city": {"type": "string"},
            "since": {"type": "string", "format": "date"},
            "email": {"type": "string", "format": "email"},
        },
        "required": ["name", "age", "city", "since", "email"],
    }
    text = "I'm Ann, age: 34, from Paris since 2020-05-01; ann@example.org"
    assert instance(schema, hints=Hints(text)) == {
        "name": "Ann",
        "age": 34,
        "city": "Paris",
        "since": "2020-05-01",
        "email": "ann@example.org",
    }


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Create a customer named '你好啊集团' (Hello Group)", "你好啊集团"),
        ('Create a customer "acme" for Berlin', "acme"),
        ("Create a customer named 你好啊集团", "你好啊集团"),
        ("Create a customer called Юрий Гагарин", "Юрий Гагарин"),
        ("Create a customer called Émile Zola", "Émile Zola"),
        ("My name is Ann", "Ann"),
    ],
)
def test_a_name_is_read_in_any_script_and_first_where_it_is_quoted(text: str, name: str) -> None:
    assert Hints(text).string("customer_name") == name


def test_a_schema_that_nothing_satisfies_gives_an_empty_object() -> None:
    assert instance({"type": "integer", "minimum": 2, "maximum": 1}, hints=Hints("")) == {}
    assert instance({"$ref": "https://example.com/elsewhere"}, hints=Hints("")) == {}
