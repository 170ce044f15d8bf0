"""Results as JSON objects, one on stdout, for programs. Keys are added over time, never renamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from provisioning.model.plan import Summary
from provisioning.model.target_run import worst_exit_code
from provisioning.reporters.diagnostics import as_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.model.events import Outcome
    from provisioning.model.plan import Plan
    from provisioning.model.target_run import TargetRun
    from provisioning.model.workspace import Standing


def plan_object(plan: Plan) -> dict[str, Any]:
    """Return a plan. Steps are left out: they are how, not what."""
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


def outcome_object(plan: Plan, outcome: Outcome | None) -> dict[str, Any]:
    """Return an apply: its plan, and how it ended (null if there was nothing to do)."""
    return {**plan_object(plan), "outcome": outcome.model_dump(mode="json") if outcome else None}


def standings_object(standings: Sequence[Standing]) -> dict[str, Any]:
    """Return what is live."""
    return {"format": 1, "objects": [each.model_dump(mode="json") for each in standings]}


def targets_object(runs: Sequence[TargetRun], reports: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    """Return several targets: what each one alone would show, and the sums of their plans.

    Args:
        runs: how each ended, in their order.
        reports: what one target alone would show, by target.
    """
    summaries = [report["summary"] for report in reports.values() if report and "summary" in report]
    sums = {name: sum(each[name] for each in summaries) for name in Summary.model_fields}
    return {
        "format": 1,
        "exit_code": worst_exit_code(runs),
        **({"summary": sums} if summaries else {}),
        "targets": [{**run.model_dump(mode="json"), "report": reports.get(run.target)} for run in runs],
    }


def dumped(value: object) -> str:
    """Return an object as it is written."""
    # ASCII alone: JSON's own escapes make what a server wrote inert
    return json.dumps(value, indent=2, ensure_ascii=True)
