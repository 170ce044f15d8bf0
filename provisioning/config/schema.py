"""The JSON Schema of a config file, derived from the models, for editors to complete and check by.

VS Code's YAML extension reads it where a file begins with
`# yaml-language-server: $schema=<path of the schema>`.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any, Final, TypeAlias

from pydantic.json_schema import models_json_schema

from provisioning.config.presets import BUNDLE_LEVELS
from provisioning.model.base import Model
from provisioning.model.endpoints import ModelServingEndpoint
from provisioning.model.scopes import SecretScope

Schema: TypeAlias = dict[str, Any]

_REFERENCE: Final = {"type": "string", "pattern": r"\$\{[^{}]+\}"}
_TEXT: Final = {"type": "string"}
_OPEN: Final = {"type": "object"}
_OVERRIDE: Final = "Override"
_KINDS: Final[dict[str, type[Model]]] = {
    "secret_scopes": SecretScope,
    "model_serving_endpoints": ModelServingEndpoint,
}


def json_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a config file.

    Every value may also be a `${...}` reference. Overrides in a target need not repeat what is required.
    """
    _kinds, whole = models_json_schema([(SecretScope, "validation"), (ModelServingEndpoint, "validation")])
    sentences = _sentences()
    definitions: Schema = {name: _definition(each, sentences[name]) for name, each in whole["$defs"].items()}
    overrides = {f"{name}{_OVERRIDE}": _override(each) for name, each in definitions.items()}
    target = _fields(
        {
            "default": ({"type": "boolean"}, "True for the target that is meant when none is named."),
            "mode": ({"enum": ["development", "production"]}, "development renames endpoints; production adds guards."),
            "workspace": (_workspace(), "The workspace that this target is; authoritative."),
            "variables": (_OPEN, "Values of variables, for this target."),
            "resources": (_resources(_OVERRIDE), "What differs in this target: mappings merge, lists append."),
            "permissions": (_permissions(), "Permissions on every resource, for this target."),
            "presets": (_OPEN, "Presets, for this target."),
            "deployer": (_TEXT, "Who is to run applies; its rights are never removed."),
        }
    )
    additions = _kind_fields(_OVERRIDE) | {
        "resources": (_resources(_OVERRIDE), "Additions, by resource."),
        "targets": (_OPEN, "Additions, by target."),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gatewright configs",
        **_fields(
            {
                "bundle": (_bundle(), "What the whole is called."),
                "include": ({"type": "array", "items": _TEXT}, "Patterns of further files, from this folder down."),
                "variables": (_map_of(_variable()), "Values that differ between targets, by name."),
                "targets": (_map_of(target), "The workspaces that the configs are for, by name."),
                "resources": (_resources(""), "What each workspace must hold."),
                "permissions": (_permissions(), "Permissions on every resource."),
                "presets": (
                    _fields({"name_prefix": (_TEXT, "Put before the names of endpoints.")}),
                    "For all resources.",
                ),
                "workspace": (_workspace(), "The workspace, where all targets share it."),
                "run_as": (_OPEN, "Who is to run applies, for a target without a `deployer`."),
                "provisioning": (_fields(additions), "Our additions to the bundle, in a `*.secrets.yml`."),
            }
        ),
        "$defs": definitions | overrides,
    }


def _fields(fields: dict[str, tuple[Schema, str]]) -> Schema:
    described = {name: {**schema, "description": sentence} for name, (schema, sentence) in fields.items()}
    return {"type": "object", "properties": described}


def _map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _kind_fields(suffix: str) -> dict[str, tuple[Schema, str]]:
    return {
        key: (_map_of({"$ref": f"#/$defs/{kind.__name__}{suffix}"}), f"{kind.__doc__} By a key of your own.")
        for key, kind in _KINDS.items()
    }


def _resources(suffix: str) -> Schema:
    return _fields(_kind_fields(suffix))


def _bundle() -> Schema:
    return _fields({"name": (_TEXT, "With the target, the name of what the configs own in a workspace.")})


def _workspace() -> Schema:
    return _fields(
        {
            "host": (_TEXT, "The workspace's address."),
            "profile": (_TEXT, "A section of ~/.databrickscfg."),
        }
    )


def _permissions() -> Schema:
    entry = _fields(
        {
            "level": ({"enum": list(BUNDLE_LEVELS)}, "What may be done; each type has its own name for it."),
            "user_name": (_TEXT, "A user's e-mail address."),
            "group_name": (_TEXT, "A group's display name."),
            "service_principal_name": (_TEXT, "A service principal's application id."),
        }
    )
    return {"type": "array", "items": entry}


def _variable() -> Schema:
    return _fields(
        {
            "description": (_TEXT, "What it is for."),
            "default": ({}, "Its value where nothing else gives one."),
            "type": ({"enum": ["complex"]}, "`complex` for a list or mapping."),
        }
    )


def _definition(schema: Schema, sentences: dict[str, str]) -> Schema:
    """Describe a model's fields and have them accept references; drop what would only clutter an editor's hints."""
    kept = {key: value for key, value in schema.items() if key != "title"}
    kept["properties"] = {
        name: {"description": sentences[name], **_or_reference(each)} for name, each in schema["properties"].items()
    }
    return kept


def _or_reference(schema: Schema) -> Schema:
    bare = {key: value for key, value in schema.items() if key not in {"title", "default"}}
    if bare.get("type") == "string" and not {"enum", "const"} & bare.keys():
        return bare
    return {"anyOf": [*bare.get("anyOf", [bare]), _REFERENCE]}


def _sentences() -> dict[str, dict[str, str]]:
    """Read each model's field docstrings, inherited ones included, from its source."""
    found: dict[str, dict[str, str]] = {}
    waiting: list[type[Model]] = [Model]
    while waiting:
        kind = waiting.pop(0)
        waiting += kind.__subclasses__()
        inherited = [found.get(base.__name__, {}) for base in kind.__bases__]
        found[kind.__name__] = {name: text for each in inherited for name, text in each.items()} | _own_sentences(kind)
    return found


def _own_sentences(kind: type[Model]) -> dict[str, str]:
    aliases = {name: info.alias or name for name, info in kind.model_fields.items()}
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        aliases.get(statement.target.id, statement.target.id): inspect.cleandoc(text.value.value)
        for statement, text in pairwise(body)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _override(schema: Schema) -> Schema:
    """Return a schema that requires nothing, here and in what it refers to."""
    renamed = _renamed(schema)
    return {key: value for key, value in renamed.items() if key != "required"}


def _renamed(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    match value:
        case dict():
            return {key: f"{each}{_OVERRIDE}" if key == "$ref" else _renamed(each) for key, each in value.items()}
        case list():
            return [_renamed(each) for each in value]
        case _:
            return value
