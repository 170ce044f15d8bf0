"""A plan as text: what changes, field by field, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.counting import counted
from provisioning.model.inert import inert
from provisioning.model.plan import Action
from provisioning.reporters.values import STYLES, SYMBOLS, Paint, plain, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from provisioning.model.plan import Change, FieldChange, Plan

_ORDINARY = frozenset({"in the config, not in the workspace", "differs from the config"})
"""Reasons that go without saying beside `old → new`."""


def plan_text(plan: Plan, *, paint: Paint = plain, hint: str | None = None) -> str:
    """Return a plan as a reader wants it: what it is for, what changes, what stops it, how much it is.

    Args:
        plan: the plan.
        paint: colours.
        hint: the command to go on with.
    """
    return "\n".join(_lines(plan, paint, hint))


def summary_text(plan: Plan) -> str:
    """Return the line that sums a plan up."""
    summary = plan.summary
    counts = ((action.value, getattr(summary, action.value)) for action in Action)
    parts = [f"{count} to {verb}" for verb, count in counts if count]
    if plan.undecided:
        parts.append(f"{len(plan.undecided)} unknown")
    head = ", ".join(parts) or "Nothing to do"
    return f"{head}; {summary.unchanged} unchanged."


def _lines(plan: Plan, paint: Paint, hint: str | None) -> Iterator[str]:
    yield paint(f"{inert(plan.set_name)} → target {inert(plan.target)}", style="strong")
    where = f"{inert(plan.host)} (workspace {inert(plan.workspace_id) or 'unknown'})"
    yield paint(f"  {where} as {inert(plan.identity)}, set {plan.set_id}", style="faint")
    for change in plan.changes:
        yield ""
        yield from change_lines(change, paint=paint)
    if plan.notes:
        yield ""
        yield from (f"  note: {inert(note)}" for note in plan.notes)
    if plan.guards:
        yield ""
        yield paint(f"Blocked by {counted(len(plan.guards), 'guard')}:", style="bad")
        for guard in plan.guards:
            yield f"  {inert(guard.address)}: {inert(guard.message)}"
            yield paint(f"    {inert(guard.remedy)}", style="faint")
    yield ""
    yield paint(summary_text(plan), style="strong")
    if plan.not_ready:
        yield f"Not ready yet: {', '.join(map(inert, plan.not_ready))}."
    if hint and plan.changes and not plan.guards:
        yield paint(hint, style="faint")


def change_lines(change: Change, *, paint: Paint = plain) -> Iterator[str]:
    """Yield what happens to one object: a line that names it, one for each field, one for each note."""
    style = STYLES[change.action]
    yield paint(f"{SYMBOLS[change.action]} {inert(change.address)}", style=style) + f"  ({change.action.value})"
    for each in change.fields:
        yield f"    {_field(each, created=change.action is Action.CREATE)}{_why(each, paint)}"
        yield from (f"      {line}" for line in _parts(each))
    for note in change.notes:
        yield paint(f"    note: {inert(note)}", style="faint")


def _field(field: FieldChange, *, created: bool) -> str:
    path = inert(field.path)
    if not path:
        return inert(field.reason)
    if created and field.old is None:
        return f"{path}: {shown(field.new)}"
    if field.old == field.new:  # it counts for another reason than its value
        return path
    if _is_item(field):
        return f"{path}: {'added' if field.old is None else 'removed'}"
    return f"{path}: {shown(field.old)} → {shown(field.new)}"


def _is_item(field: FieldChange) -> bool:
    """Tell whether a whole object comes or goes: on one line nobody could read it."""
    return {type(field.old), type(field.new)} == {dict, type(None)}


def _parts(field: FieldChange) -> Iterator[str]:
    if _is_item(field):
        yield from (f"{inert(path)}: {shown(value)}" for path, value in _leaves(field.new or field.old, ""))


def _leaves(value: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    if not isinstance(value, dict) or not value:
        yield path, value
        return
    for name, each in value.items():
        yield from _leaves(each, f"{path}.{name}" if path else name)


def _why(field: FieldChange, paint: Paint) -> str:
    if not field.path or field.reason in _ORDINARY:
        return ""
    return paint(f"  ({inert(field.reason)})", style="faint")
