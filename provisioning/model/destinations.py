"""Where an endpoint sends which secrets: to its provider, or to an address of the config's own choosing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from provisioning.model.references import uses_in
from provisioning.model.values import SecretKey
from provisioning.model.versions import split_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

_ADDRESS = re.compile(r"(\w+_api_base|custom_provider_url|databricks_workspace_url)")


class Sending(NamedTuple):
    """A secret, and where it is sent."""

    secret: SecretKey
    """The scope's name without case, and the key that all versions of the secret share."""
    to: str
    """The origin of an address (`https://models.example.com`), or the provider's name."""

    @property
    def is_chosen(self) -> bool:
        """Whether the config says the address, so that it may be anybody's."""
        return "://" in self.to


def holds_address(field: str) -> bool:
    """Tell whether a field of an external model says where its secrets are sent."""
    return _ADDRESS.fullmatch(field) is not None


def sendings(value: JsonValue) -> Iterator[Sending]:
    """Yield what is sent where by the external models in an endpoint's JSON object, or in a part of it."""
    if isinstance(value, list):
        for each in value:
            yield from sendings(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name == "external_model" and isinstance(each, dict):
                yield from _of_model(each)
            else:
                yield from sendings(each)


def _of_model(model: dict[str, JsonValue]) -> Iterator[Sending]:
    to = next(_addresses(model), str(model.get("provider")))
    for _, (scope, key) in uses_in(model):
        yield Sending(SecretKey(scope.lower(), split_version(key)[0]), to)


def _addresses(model: dict[str, JsonValue]) -> Iterator[str]:
    for block in model.values():
        for field, value in block.items() if isinstance(block, dict) else ():
            if holds_address(field) and isinstance(value, str) and value:
                yield _origin(value)


def _origin(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:  # an endpoint of somebody else's may name anything
        return address.lower()
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}"
