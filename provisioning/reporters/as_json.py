"""Results as JSON objects, one on stdout, for programs. Keys are added over time, never renamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from provisioning.reporters.diagnostics import as_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioning.model.events import Outcome
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Standing


def plan_json(plan: Plan) -> str:
    """Return a plan. Steps are left out: they are how, not what."""
    return _dumped(_plan(plan))


def outcome_json(plan: Plan, outcome: Outcome | None) -> str:
    """Return an apply: its plan, and how it ended (null if there was nothing to do)."""
    return _dumped({**_plan(plan), "outcome": outcome.model_dump(mode="json") if outcome else None})


def standings_json(standings: Sequence[Standing]) -> str:
    """Return what is live."""
    return _dumped({"format": 1, "objects": [each.model_dump(mode="json") for each in standings]})


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "format": plan.format,
        "host": plan.host,
        "workspace_id": plan.workspace_id,
        "target": plan.target,
        "identity": plan.identity,
        "set": {"name": plan.set_name, "id": plan.set_id},
        "summary": plan.summary.model_dump(mode="json"),
        "changes": [
            {
                "address": change.address,
                "action": change.action.value,
                "fields": [field.model_dump(mode="json") for field in change.fields],
                "notes": list(change.notes),
            }
            for change in plan.changes
        ],
        "undecided": list(plan.undecided),
        "not_ready": list(plan.not_ready),
        "diagnostics": [as_object(each) for each in plan.diagnostics],
        "guards": [guard.model_dump(mode="json") for guard in plan.guards],
        "notes": list(plan.notes),
    }


def _dumped(value: object) -> str:
    # ASCII alone: JSON's own escapes make what a server wrote inert
    return json.dumps(value, indent=2, ensure_ascii=True)
