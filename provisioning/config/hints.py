"""What somebody meant who wrote a name that is not known: the nearest one, or what it used to be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from pydantic import BaseModel

from provisioning.model.base import fields_as_written
from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from provisioning.config.nodes import Path

_FORMER_NAMES: Final = {
    "aws-bedrock": "amazon-bedrock",
    "aws_bedrock_config": "amazon_bedrock_config",
    "bedrock_access_key_id": "aws_access_key_id",
    "bedrock_secret_access_key": "aws_secret_access_key",
    "vertex-ai": "google-cloud-vertex-ai",
    "azure-openai": "openai (with openai_api_type: azure)",
    "CAN_READ": "CAN_VIEW",
    "CAN_USE": "CAN_QUERY",
    "CAN_RUN": "CAN_QUERY",
    "VIEW": "READ",
}
"""Names from the previews and from other objects that people still write, and what they are called here."""


def field_hint(name: str, kind: type[BaseModel], path: Path) -> str:
    """Return what to write instead of an unknown field.

    Args:
        name: the field, as written.
        kind: the resource's model.
        path: where in the resource the field stands.
    """
    known = _fields_at(kind, path)
    former = _FORMER_NAMES.get(name)
    near = former if former in known else did_you_mean(name, known)
    return f"did you mean `{near}`?" if near else f"the fields are {', '.join(sorted(known))}"


def value_hint(written: str, expected: str) -> str | None:
    """Return what to write instead of a value that is not allowed, if something is near.

    Args:
        written: the value.
        expected: what is allowed, as pydantic puts it: `'a', 'b' or 'c'`.
    """
    allowed = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
    by_case = {word.casefold(): word for word in allowed}
    former = _FORMER_NAMES.get(written)
    near = (
        former
        if former and former.partition(" ")[0] in allowed
        else by_case.get(written.casefold()) or did_you_mean(written, allowed)
    )
    return f"did you mean {near}?" if near else None


def _fields_at(kind: type[BaseModel], path: Path) -> set[str]:
    """List the fields of the model that a path leads to."""
    current: set[type[BaseModel]] = {kind}
    for step in path:
        if isinstance(step, int):
            continue
        found: set[type[BaseModel]] = set()
        for each in current:
            info = fields_as_written(each).get(step)
            found |= _models_in(info.annotation) if info is not None else set()
        current = found or current
    return {name for each in current for name in fields_as_written(each)}


def _models_in(annotation: object) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    inner = get_args(annotation)
    return {model for each in inner for model in _models_in(each)}
