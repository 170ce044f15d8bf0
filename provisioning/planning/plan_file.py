"""A plan as a file, and whether a later plan is what the file showed.

The file holds what was shown and how it came about, and no secret: values are read again when it is applied. It is
never carried out: an apply plans again and refuses what the file does not show, so nothing can be smuggled in by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from provisioning.errors import BlockedError, ProvisioningError
from provisioning.model.base import Model
from provisioning.model.plan import Operation, Plan
from provisioning.planning.circumstances import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from provisioning.model.address import Address
    from provisioning.model.plan import Change, FieldChange, Step


class PlanFile(Model):
    """What `plan --out` writes."""

    format: Literal[1] = 1
    tool: Literal["gatewright"] = "gatewright"
    configs: tuple[str, ...]
    """The folders and files, as they were named."""
    target: str | None
    """`--target`, as it was given."""
    select: tuple[str, ...] = ()
    """`--select`, as it was given."""
    options: Options
    """What the user allowed."""
    plan: Plan
    """What was shown."""


def plan_file_text(content: PlanFile) -> str:
    """Return a plan file's content."""
    return content.model_dump_json(indent=2) + "\n"


def read_plan_file(text: str, *, name: str) -> PlanFile:
    """Read a plan file's content.

    Args:
        text: the content.
        name: the file's name, for errors.

    Raises:
        ProvisioningError: it is none, or one of another version.
    """
    try:
        return PlanFile.model_validate_json(text)
    except ValidationError as error:
        raise ProvisioningError(
            f"{name} is not a plan file of this version", remedy="make it anew with `plan --out`"
        ) from error


def refuse_unshown(shown: Plan, made: Plan) -> None:
    """Make sure that a plan does nothing that was not shown. Less is fine: others may have done a part of it.

    Args:
        shown: the plan that somebody has seen.
        made: the plan that is about to be carried out.

    Raises:
        BlockedError: it is for another workspace or set, or does something else.
    """
    for what in ("host", "workspace_id", "target", "set_name", "set_id"):
        before, now = getattr(shown, what), getattr(made, what)
        if before != now:
            raise BlockedError(
                f"the plan is for {what} {before!r}, and this would be {now!r}; nothing was written",
                remedy="apply it where it was made for, or plan again",
            )
    seen = {change.address: change for change in shown.changes}
    strange = [words for change in made.changes if (words := _unshown(seen, change))]
    if strange:
        raise BlockedError(
            f"this was not shown in the plan, nothing was written: {'; '.join(strange)}",
            remedy="plan again, and look at what has changed since",
        )


def _unshown(seen: Mapping[Address, Change], change: Change) -> str | None:
    """Say what of a change was not shown; None if all was."""
    before = seen.get(change.address)
    if before is None or before.action != change.action:
        return f"{change.address}: {change.action.value}"
    shown = [_difference(each) for each in before.fields]
    fields = [each.path or each.reason for each in change.fields if _difference(each) not in shown]
    if fields:
        return f"{change.address}: {', '.join(fields)}"
    unseen = [each.operation.value for each in change.steps if not _is_among(each, before.steps)]
    return f"{change.address}: {', '.join(unseen)} would send something else" if unseen else None


def _difference(field: FieldChange) -> tuple[str, object, object]:
    return field.path, field.old, field.new


def _is_among(step: Step, shown: tuple[Step, ...]) -> bool:
    if step.operation is not Operation.UPDATE_TAGS:
        return step in shown
    # one request for all tags: those that are in place by now are no longer in it
    return any(_part_of(step, each) for each in shown if each.operation is Operation.UPDATE_TAGS)


def _part_of(step: Step, shown: Step) -> bool:
    return all(each in _items(shown.body.get(part)) for part, items in step.body.items() for each in _items(items))


def _items(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
