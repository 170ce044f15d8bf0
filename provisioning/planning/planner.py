"""Make a plan of what is declared and what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.planning import guards
from provisioning.planning.circumstances import circumstances_of
from provisioning.planning.draft import Draft
from provisioning.planning.endpoints import plan_endpoint
from provisioning.planning.references import check_references
from provisioning.planning.removal import prune
from provisioning.planning.scopes import plan_scope
from provisioning.planning.selection import drop_unselected
from provisioning.planning.versions import superseded_keys, with_chosen_keys

if TYPE_CHECKING:
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Desired, Live
    from provisioning.planning.circumstances import Options


def make_plan(desired: Desired, live: Live, *, options: Options | None = None) -> Plan:
    """Compare, and say what an apply would do.

    Args:
        desired: the configs, every reference resolved.
        live: the workspace, with what the set owns beyond the configs if pruning is allowed.
        options: what the user allowed.
    """
    circumstances = circumstances_of(desired, live, options)
    draft = Draft(superseded=superseded_keys(desired, live, options=circumstances.options))
    desired, live = with_chosen_keys(desired, live, options=circumstances.options)
    for scope in desired.scopes:
        plan_scope(draft, scope, live.scopes.get(scope.name.lower()), circumstances)
    for endpoint in desired.endpoints:
        plan_endpoint(draft, endpoint, live.endpoints.get(endpoint.name), circumstances)
    guards.guard_redirections(draft, desired, live, options=circumstances.options)
    check_references(draft, desired, live)
    drop_unselected(draft, desired)
    if circumstances.options.prune:
        prune(draft, desired, live, circumstances)
    guards.guard_deployer(draft, desired.target, circumstances)
    return draft.finished(desired, live, owner=circumstances.owner)
