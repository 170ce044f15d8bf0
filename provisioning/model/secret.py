"""Where a secret's value comes from. A source is a place, never a value."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import Field

from provisioning.model.base import Model


class EnvSource(Model):
    """An environment variable."""

    env: str = Field(min_length=1)
    """The variable's name; unset, empty and blank mean the same: there is no value."""
    version: int | None = None
    """Raise it to have the value written again where whether it differs cannot be told."""

    def __str__(self) -> str:
        return f"env {self.env}"


class ExternalSource(Model):
    """A secret that somebody else puts and looks after."""

    external: bool
    """`true`: the key must exist; it is never written or deleted."""

    def __str__(self) -> str:
        return "external"


SecretSource: TypeAlias = EnvSource | ExternalSource
"""Any source; a mapping in the config says which by the key it has."""
