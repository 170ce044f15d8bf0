"""Each field of the schema is changed by a case, and the change takes the requests that the API prescribes for it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, get_args, get_origin

import pytest
from pydantic import BaseModel, SecretStr

from provisioning import load
from provisioning.model.base import fields_as_written
from provisioning.model.endpoints import ModelServingEndpoint
from provisioning.model.scopes import SecretScope

if TYPE_CHECKING:
    from tests.golden.conftest import Step

ENDPOINTS = "/api/2.0/serving-endpoints"

PRESCRIBED = {
    r"name$|moved": {"POST ", "DELETE /chat"},  # a name is for good: a new one is a new endpoint
    r"description$|route_optimized$": {"POST ", "DELETE /chat"},  # no route changes them
    r"config\.auto_capture_config\.(catalog_name|schema_name|table_name_prefix)": {"POST ", "DELETE /chat"},
    r"config": {"PUT /chat/config"},
    r"ai_gateway": {"PUT /chat/ai-gateway"},
    r"tags": {"PATCH /chat/tags"},
    r"email_notifications": {"PATCH /chat/notifications"},
    r"telemetry_config": {"PATCH /chat/telemetry-config"},
    r"rate_limits": {"PUT /chat/rate-limits"},
    r"permissions(\[|$)": {"PUT permissions"},
    r"permissions_mode|lifecycle|budget_policy_id": set(),  # the configs' own, or without a route
    r"secret_scopes\.(name|backend_type|keyvault_metadata)": {"scopes/create", "scopes/delete"},
    r"secret_scopes\.secrets\{\}\.rotation": set(),  # it says where the next value goes
    r"secret_scopes\.secrets": {"put", "delete"},
    r"secret_scopes\.permissions(\[|$)": {"acls/put", "acls/delete"},
    r"secret_scopes\.(permissions_mode|lifecycle)": set(),
}
"""By field, the requests that change it, from the notes on the API; an endpoint's name reads `chat`."""

REMEMBERED = {"PATCH /chat/tags", "put"}
"""What else an edit may take: the tag that remembers what the configs say, and a scope's marker."""

OF_THE_MACHINE = {"keyring", "user", "stdin"}
"""Sources that are no part of the configs: tests/provisioning/secret_sources has them."""


def schema_fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield each plain field of a model and of the models in it, `[]` standing for items, `{}` for values."""
    for name, info in fields_as_written(model).items():
        inner = list(_models_in(info.annotation))
        mark = "{}" if _holds(info.annotation, Mapping) else "[]" if _holds(info.annotation, tuple) else ""
        if not inner:
            yield f"{prefix}{name}"
        for each in inner:
            yield from schema_fields(each, f"{prefix}{name}{mark}.")


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models_in(each)


def _holds(annotation: object, kind: type) -> bool:
    return get_origin(annotation) is kind or any(get_origin(each) is kind for each in get_args(annotation))


def values(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each plain field that was given, under the name that `schema_fields` has for it, with its value."""
    for name, info in type(model).model_fields.items():
        if name in model.model_fields_set:
            yield from _values(getattr(model, name), f"{prefix}{info.alias or name}")


def _values(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        yield from values(value, f"{path}.")
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for each in value:
            yield from _values(each, f"{path}[]")
    elif isinstance(value, Mapping) and value and all(isinstance(each, BaseModel) for each in value.values()):
        for key, each in value.items():
            yield from ((below, f"{key}: {text}") for below, text in _values(each, f"{path}{{}}"))
    else:
        yield path, value.get_secret_value() if isinstance(value, SecretStr) else repr(value)


def declared(step: Step) -> dict[str, list[str]]:
    """Return each field's values in a step's configs."""
    desired = load([step.configs], target=step.target or None)
    found = defaultdict(list)
    for prefix, resources in (("secret_scopes.", desired.scopes), ("", desired.endpoints)):
        for each in resources:
            for path, value in values(each, prefix):
                found[path].append(value)
    return found


def edits(case: list[Step]) -> Iterator[tuple[set[str], Step]]:
    """Yield the fields that an edit of the configs changed, with the step that applied it."""
    before: dict[str, list[str]] | None = None
    disturbed = False
    for step in case:
        ended_well = (step.recorded("output.txt") or "").endswith("exit 0\n")
        disturbed = disturbed or bool(step.outside or step.env or (step.command != "apply" and ended_well))
        if step.command != "apply" or not ended_well:
            continue
        after = declared(step)
        if before is not None and not disturbed:
            yield {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}, step
        before, disturbed = after, False


def requests(step: Step) -> set[str]:
    """Return the kinds of requests that a step was recorded with."""
    lines = (json.loads(line) for line in (step.recorded("requests.jsonl") or "").splitlines())
    return {_kind(each["method"], each["path"]) for each in lines}


def _kind(method: str, path: str) -> str:
    if path.startswith("/api/2.0/secrets/"):
        return path.removeprefix("/api/2.0/secrets/")
    if path.startswith("/api/2.0/permissions/"):
        return f"{method} permissions"
    return f"{method} " + re.sub(r"^/[^/]+", "/chat", path.removeprefix(ENDPOINTS))


def prescribed(path: str) -> set[str]:
    return next(taken for pattern, taken in PRESCRIBED.items() if re.match(pattern, path))


FIELDS = sorted(
    {
        *schema_fields(ModelServingEndpoint),
        *(f"secret_scopes.{each}" for each in schema_fields(SecretScope) if each.split(".")[-1] not in OF_THE_MACHINE),
    }
)


@pytest.fixture(scope="module")
def all_edits(cases: Mapping[str, list[Step]]) -> list[tuple[set[str], set[str]]]:
    return [(fields, requests(step)) for case in cases.values() for fields, step in edits(case)]


def test_every_field_is_changed_by_a_case(all_edits: list[tuple[set[str], set[str]]]) -> None:
    changed = set().union(*(fields for fields, _ in all_edits))
    assert [each for each in FIELDS if each not in changed] == []


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_is_changed_by_its_request(all_edits: list[tuple[set[str], set[str]]], field: str) -> None:
    wanted = prescribed(field)
    assert not wanted or any(field in fields and wanted & taken for fields, taken in all_edits)


def test_an_edit_takes_no_other_requests(case: list[Step]) -> None:
    for fields, step in edits(case):
        if "--prune" not in step.flags:
            others = requests(step) - REMEMBERED.union(*map(prescribed, fields))
            assert not others, f"{sorted(fields)} took {sorted(others)}"
