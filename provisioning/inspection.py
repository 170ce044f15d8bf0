"""The use cases that only look at a workspace, beside a plan: export and doctor."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from provisioning.exporting.export import Export, export_of
from provisioning.session import Access, open_session
from provisioning.workspace.inventory import read_inventory

if TYPE_CHECKING:
    from collections.abc import Sequence

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
