"""Whose plan it is, and for which workspace: what every line that stands for a whole plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict

from provisioning.model.base import Model

if TYPE_CHECKING:
    from provisioning.model.plan import Plan


class PlanOrigin(Model):
    """Where a plan belongs."""

    # a published schema is derived from it
    model_config = ConfigDict(use_attribute_docstrings=True)

    host: str
    """The workspace."""
    workspace_id: str
    """Its id."""
    target: str
    """The configs' target."""
    set_name: str
    """The set's name."""
    set_id: str
    """The set's id."""
    identity: str
    """Who plans or applies: an e-mail, or a service principal's application id."""


def origin_of(plan: Plan) -> dict[str, Any]:
    """Return the fields of a plan's origin."""
    return {name: getattr(plan, name) for name in PlanOrigin.model_fields}
