"""Which secrets an endpoint uses: every `{{secrets/scope/key}}` in it, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from provisioning.model.endpoints import OWN_FIELDS, ModelServingEndpoint
from provisioning.model.values import SecretKey, references_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue


class SecretUse(NamedTuple):
    """A reference to a secret."""

    path: str
    """Where in the endpoint (`config.served_entities[0].external_model.openai_config.openai_api_key`)."""
    secret: SecretKey
    """What it refers to."""


def secrets_used(endpoint: ModelServingEndpoint) -> tuple[SecretUse, ...]:
    """List the references in an endpoint, in order."""
    declared: JsonValue = endpoint.model_dump(mode="json", exclude_unset=True, exclude=set(OWN_FIELDS))
    return tuple(uses_in(declared))


def uses_in(value: JsonValue, path: str = "") -> Iterator[SecretUse]:
    """Yield the references in an endpoint's JSON object, or in a part of it.

    Args:
        value: the object.
        path: where in the endpoint it stands.
    """
    if isinstance(value, str):
        yield from (SecretUse(path, each) for each in references_in(value))
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from uses_in(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from uses_in(each, f"{path}[{index}]")
