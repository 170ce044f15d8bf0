"""A secret in an environment variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.model.secret import EnvSource
    from provisioning.secret_sources.place import Place


def read(source: EnvSource, place: Place) -> str:
    """Return the variable's text; unset is the same as empty."""
    return place.environ.get(source.env, "")
