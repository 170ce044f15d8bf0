"""A plan in a GitHub Actions log: each object folded, and what matters pinned to its line of the pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.counting import counted
from provisioning.model.inert import inert
from provisioning.model.plan import Action
from provisioning.reporters.text import change_lines, summary_text
from provisioning.reporters.workflow_commands import Annotation, annotated, group, not_a_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.errors import Position
    from provisioning.model.plan import Change, Plan
    from provisioning.reporters.workflow_commands import AnnotationLevel

_DESTRUCTIVE = {Action.DELETE, Action.REPLACE}


def plan_github(plan: Plan, *, positions: Mapping[str, Position]) -> str:
    """Return a plan as workflow commands: folded groups, then annotations, then its sum.

    Args:
        plan: the plan.
        positions: where the configs declare each object, by address.
    """
    return "\n".join([*plan_log(plan), *annotated(plan_annotations(plan, positions=positions)), summary_text(plan)])


def plan_log(plan: Plan, *, of: str | None = None) -> list[str]:
    """Return what a plan does, object by object, each folded; and its notes.

    Args:
        plan: the plan.
        of: the target, where there are several.
    """
    before = f"{inert(of)}: " if of else ""
    lines: list[str] = []
    for change in plan.changes:
        title, *rest = change_lines(change)
        lines += group(f"{before}{title}", rest)
    return [*lines, *(not_a_command(f"{before}note: {inert(note)}") for note in plan.notes)]


def plan_annotations(plan: Plan, *, positions: Mapping[str, Position]) -> list[Annotation]:
    """Return what is to be pinned to the lines of a pull request.

    Args:
        plan: the plan.
        positions: where the configs declare each object, by address.
    """
    return [
        *(
            Annotation(
                "error",
                "blocked",
                inert(f"{each.address}: {each.message} ({each.remedy})"),
                position_of(each.address, positions),
            )
            for each in plan.guards
        ),
        *(_annotation(change, position_of(change.address, positions)) for change in plan.changes),
    ]


def position_of(address: str, positions: Mapping[str, Position]) -> Position | None:
    """Return where an object is declared, or else the scope or endpoint that it belongs to."""
    whole, _, part = address.partition("/")
    kind, _, key = part.partition(".")
    within = (f"{whole}#{kind}.{key}", f"{whole}#{kind}") if part else ()
    return next((positions[each] for each in (address, *within, whole) if each in positions), None)


def outputs(plans: Sequence[Plan]) -> Mapping[str, str]:
    """Return what later steps of a workflow may ask for, by name: `has_changes` and the counts, of all plans."""
    sums = [each.summary for each in plans]
    return {
        "has_changes": str(any(each.pending for each in plans)).lower(),
        "blocked": str(any(each.guards for each in plans)).lower(),
        "add": str(sum(each.create for each in sums)),
        "change": str(sum(each.update + each.adopt + each.replace for each in sums)),
        "destroy": str(sum(each.delete + each.replace for each in sums)),
    }


def _annotation(change: Change, at: Position | None) -> Annotation:
    level: AnnotationLevel = "warning" if change.action in _DESTRUCTIVE else "notice"
    said = f"{change.address}: {change.action.value}"
    if change.fields and change.action is not Action.CREATE:
        said += (
            f", {counted(len(change.fields), 'field')}: {', '.join(each.path or each.reason for each in change.fields)}"
        )
    return Annotation(level, change.action.value, inert(said, limit=300), at)
