from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from provisioning.config.schema import json_schema

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def complaints(validator: Draft202012Validator, text: str) -> list[Any]:
    return list(validator.iter_errors(yaml.safe_load(text)))


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yml")), ids=lambda path: path.name)
def test_the_example_fits_the_schema(validator: Draft202012Validator, path: Path) -> None:
    assert complaints(validator, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "resources: {secret_scopes: {s: {nam: x}}}",
        "resources: {model_serving_endpoints: {e: {name: e, tagz: []}}}",
        "resources: {secret_scopes: {s: {name: s, permissions: [{level: VIEW, group_name: a}]}}}",
        "targets: {t: {mode: prod}}",
    ],
)
def test_mistakes_do_not_fit_the_schema(validator: Draft202012Validator, text: str) -> None:
    assert complaints(validator, text)


@pytest.mark.parametrize(
    "text",
    [
        "resources: {model_serving_endpoints: {e: {name: e, route_optimized: '${var.fast}', tags: '${var.tags}'}}}",
        "targets: {t: {resources: {model_serving_endpoints: {e: {description: only this}}}}}",
        "permissions: [{level: CAN_MANAGE, group_name: admins}]",
    ],
)
def test_references_and_partial_overrides_fit(validator: Draft202012Validator, text: str) -> None:
    assert complaints(validator, text) == []


def test_every_field_of_every_model_has_a_sentence() -> None:
    for name, definition in json_schema()["$defs"].items():
        assert definition["description"], name
        for field, schema in definition["properties"].items():
            assert schema.get("description", "").rstrip().endswith((".", ")")), f"{name}.{field}"
