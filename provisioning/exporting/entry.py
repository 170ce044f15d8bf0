"""One resource of an export, checked to be one that loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.model.address import Address
    from provisioning.model.base import Model

Fields = dict[str, JsonValue]

_REFERENCE_START = "${"


@dataclass(frozen=True)
class Entry:
    """One scope or endpoint, as a config says it.

    Attributes:
        address: the live object's.
        name: its name.
        fields: what stands below its key.
        remarks: what a reader has to know of it, for a comment above it.
        tags: an endpoint's tags, by which exports can be split.
    """

    address: Address
    name: str
    fields: Mapping[str, JsonValue]
    remarks: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


def sayable(value: JsonValue, path: str, remarks: list[str]) -> JsonValue:
    """Return a value without the texts that a config cannot hold: `${` starts a reference there.

    Args:
        value: what is live.
        path: where it stands.
        remarks: told of each text that is left out.
    """
    if isinstance(value, dict):
        kept = {name: sayable(each, f"{path}.{name}" if path else name, remarks) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each is not None or value[name] is None}
    if isinstance(value, list):
        items = [sayable(each, f"{path}[{index}]", remarks) for index, each in enumerate(value)]
        return [each for each, before in zip(items, value, strict=True) if each is not None or before is None]
    if isinstance(value, str) and _REFERENCE_START in value:
        remarks.append(f"{path} holds a text with `{_REFERENCE_START}`, which a config cannot say: it is left out")
        return None
    return value


def why_not(kind: type[Model], fields: Mapping[str, JsonValue]) -> str | None:
    """Say why a config with these fields would not load; None if it does."""
    try:
        kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return f"{where}: {first['msg']}" if where else first["msg"]
    return None
