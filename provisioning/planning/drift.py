"""What changed outside of the configs: a plan without what the configs themselves are known to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.model.plan import Change, Plan


def drift_of(plan: Plan) -> Plan:
    """Return the part of a plan that puts the workspace back.

    What is missing counts, and so do rights on scopes: without a state file nobody can tell whether a scope was
    deleted or never made. A plan that is empty but for edits of the configs is empty here.
    """
    return plan.model_copy(
        update={"changes": tuple(filter(_is_drift, plan.changes)), "guards": (), "undecided": (), "not_ready": ()}
    )


def _is_drift(change: Change) -> bool:
    return any(field.origin != "config" for field in change.fields)
