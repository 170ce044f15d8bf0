"""The use cases that only look at a workspace, beside a plan: export and doctor."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError, WorkspaceError
from provisioning.exporting.export import Export, export_of
from provisioning.model.checkup import Check, Health
from provisioning.model.references import secrets_used
from provisioning.planning.checkup import MOST_ENDPOINTS, MOST_SCOPES, rights_of, room_for
from provisioning.planning.circumstances import Options
from provisioning.planning.selection import select as selected
from provisioning.planning.versions import with_chosen_keys
from provisioning.session import Access, open_session
from provisioning.workspace.endpoints import list_endpoints
from provisioning.workspace.inventory import read_inventory
from provisioning.workspace.scopes import list_scopes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provisioning.model.workspace import Desired


def export(desired: Desired, *, access: Access | None = None, patterns: Sequence[str] = ()) -> Export:
    """Say what is live as configs would say it. Nothing is written, and no secret's value is read.

    Args:
        desired: the configs whose set is exported, with what belongs to none; with no set's name, everything is.
        access: which workspace to use; the target and the environment say so by default.
        patterns: shell patterns of addresses or names; what fits none of them is left out. None takes everything.

    Raises:
        WrongWorkspaceError: target and environment name different workspaces; nothing was sent.
        WorkspaceError: a call failed.
    """
    session = open_session(desired, access or Access())

    def wanted(address: str) -> bool:
        name = address.partition(".")[2]
        return not patterns or any(fnmatchcase(each, pattern) for each in (address, name) for pattern in patterns)

    live = read_inventory(session.connection, wanted=wanted)
    return export_of(live, owner=session.owner if desired.set_name else None)


def doctor(desired: Desired, *, access: Access | None = None, select: Sequence[str] = ()) -> tuple[Check, ...]:
    """Look whether a workspace and an identity are fit for the configs. Nothing is written, no value is read.

    Args:
        desired: the configs; with no resources in them, the workspace alone is looked at.
        access: which workspace to use; the target and the environment say so by default.
        select: the resources that are meant, by key, name or address; none for all.

    Raises:
        ProvisioningError: `select` names nothing in the configs.
        WorkspaceError: a call failed halfway; what fails at once is a check's result.
    """
    try:
        session = open_session(desired, access or Access())
    except ProvisioningError as error:
        return (_failed("host", error),)
    desired = selected(session.desired, select)
    connection = session.connection
    where = f"{connection.host} answers; workspace {connection.workspace_id or 'unknown'}"
    checks = [Check(subject="host", health=Health.OK, message=where)]
    try:
        endpoints = list_endpoints(connection)
    except WorkspaceError as error:
        # in regions without it: 404 `Model serving is not enabled for your shard`
        return (*checks, _failed("serving", error))
    checks.append(Check(subject="serving", health=Health.OK, message="model serving is enabled here"))
    live = read_inventory(
        connection, wanted=lambda _address: False, scopes=_scopes_of(desired), endpoints=_endpoints_of(desired)
    )
    desired, live = with_chosen_keys(desired, live, options=Options())
    absent_scopes = sum(each.name.lower() not in live.scopes for each in desired.scopes)
    absent_endpoints = sum(each.name not in live.endpoints for each in desired.endpoints)
    return (
        *checks,
        *rights_of(desired, live),
        room_for("secret scopes", count=len(list_scopes(connection)), new=absent_scopes, most=MOST_SCOPES),
        room_for("endpoints", count=sum("id" in each for each in endpoints), new=absent_endpoints, most=MOST_ENDPOINTS),
    )


def _scopes_of(desired: Desired) -> Iterator[str]:
    """Yield the scopes that the configs refer to or declare; of two spellings the declared one."""
    for endpoint in desired.endpoints:
        yield from (use.secret.scope for use in secrets_used(endpoint))
    yield from (each.name for each in desired.scopes)


def _endpoints_of(desired: Desired) -> Iterator[str]:
    return (each.name for each in desired.endpoints)


def _failed(subject: str, error: ProvisioningError) -> Check:
    return Check(
        subject=subject,
        health=Health.PROBLEM,
        message=error.message,
        remedy=error.remedy or "see the workspace's own message",
    )
