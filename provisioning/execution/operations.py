"""What each step of a plan does, whichever kind of object it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import NotFoundError
from provisioning.execution import endpoints, scopes
from provisioning.model.plan import Operation

if TYPE_CHECKING:
    from provisioning.execution.context import Context
    from provisioning.model.plan import Step

_OPERATIONS = {**scopes.OPERATIONS, **endpoints.OPERATIONS}


def carry_out(context: Context, step: Step) -> None:
    """Carry a step out.

    Raises:
        ChangedSincePlanError: the object is not the one that the plan saw; it was not written to.
        WorkspaceError: or one of its kinds, if a call failed.
    """
    if step.operation in endpoints.ON_WHAT_IS_THERE:
        context.seen.look_again(context.connection, step.name)
    if step.operation in scopes.ON_WHAT_IS_THERE:
        context.seen.look_again_at_scope(context.connection, step.name)
    try:
        _OPERATIONS[step.operation](context, step)
    except NotFoundError:
        # of the object itself, or of a principal or a secret that the step names
        if step.operation in endpoints.ON_WHAT_IS_THERE:
            context.seen.require_endpoint(context.connection, step.name)
        if step.operation in scopes.ON_WHAT_IS_THERE | {Operation.RECORD_SECRETS, Operation.RECORD_GRANTS}:
            context.seen.require_scope(context.connection, step.name)
        if step.operation is Operation.RECORD_TOLD:
            context.seen.require_scope(context.connection, step.item or "")
        raise
