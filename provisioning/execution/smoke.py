"""Whether an endpoint answers: READY does not prove that a provider takes the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioning.errors import WorkspaceError
from provisioning.model.address import endpoint_address
from provisioning.model.plan import Operation
from provisioning.planning.requests import restorable_config
from provisioning.readiness import EndpointFailedError, NotReadyInTimeError
from provisioning.workspace import endpoints
from provisioning.workspace.invocations import MOST_TOKENS, call_once, is_known

if TYPE_CHECKING:
    from pydantic import JsonValue

    from provisioning.execution.context import Context
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Live

COST = f"each is called once when it is ready, which its provider charges for (one word, {MOST_TOKENS} tokens at most)"


def replaced_configs(made: Plan, live: Live) -> dict[str, Mapping[str, JsonValue]]:
    """Return the configs that a plan replaces, by endpoint, as far as they can be put back."""
    replaced = {
        step.name for change in made.changes for step in change.steps if step.operation is Operation.UPDATE_CONFIG
    }
    configs = {name: restorable_config(live.endpoints[name].body) for name in replaced if name in live.endpoints}
    return {name: config for name, config in configs.items() if config is not None}


def with_notes(made: Plan, previous: Mapping[str, object], *, rollback: bool) -> Plan:
    """Say before anything is written what the calls cost, and which endpoints cannot go back.

    Args:
        made: the plan.
        previous: the configs that can be put back, by endpoint.
        rollback: whether they are, where an endpoint does not answer.
    """
    deployed = [
        step.name
        for change in made.changes
        for step in change.steps
        if step.operation in {Operation.CREATE_ENDPOINT, Operation.UPDATE_CONFIG}
    ]
    if not deployed:
        return made
    stuck = [
        f"{endpoint_address(name)}: if it does not answer, there is no config to go back to"
        for name in deployed
        if rollback and name not in previous
    ]
    return made.model_copy(update={"notes": (*made.notes, f"{', '.join(deployed)}: {COST}", *stuck)})


def smoke_test(context: Context, name: str) -> bool:
    """Call an endpoint once.

    Returns:
        False if there is no call that suits it.

    Raises:
        WorkspaceError: it did not answer. With a config to go back to, that one serves again.
    """
    task = _task(endpoints.get_endpoint(context.connection, name) or {})
    if not is_known(task):
        return False
    try:
        call_once(context.connection, name, task=task)
    except WorkspaceError as error:
        restored = _restore(context, name)
        raise error.restated(
            f"it is ready and does not answer{restored}: {error.said}",
            remedy=error.remedy or "check the provider's key and settings, then run again",
        ) from error
    return True


def _restore(context: Context, name: str) -> str:
    """Put the previous config back; say how that went."""
    previous = context.previous.get(name)
    if previous is None:
        return ""
    context.pace()
    context.put_config(name, previous)
    try:
        context.wait_ready(name)
    except (NotReadyInTimeError, EndpointFailedError) as error:
        return f" (its previous config was put back, and is not ready: {error})"
    return " (its previous config serves again)"


def _task(body: Mapping[str, JsonValue]) -> str:
    if isinstance(task := body.get("task"), str):
        return task
    config = body.get("config")
    entities = config.get("served_entities") if isinstance(config, Mapping) else None
    listed = entities if isinstance(entities, list) else []
    models = [each.get("external_model") for each in listed if isinstance(each, Mapping)]
    return next((str(each.get("task")) for each in models if isinstance(each, Mapping)), "")
