"""What of a workspace is exported, and what is not and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.exporting.endpoints import exported_endpoint
from provisioning.exporting.scopes import exported_scope
from provisioning.model.address import endpoint_address, scope_address
from provisioning.model.ownership import SET_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provisioning.exporting.entry import Entry
    from provisioning.model.address import Address
    from provisioning.model.workspace import Live, LiveEndpoint


@dataclass(frozen=True)
class Export:
    """The resources of a workspace, as configs say them.

    Attributes:
        host: the workspace.
        workspace_id: its id.
        scopes: its secret scopes, by name.
        endpoints: its serving endpoints, by name.
        notes: what is left out, and why.
    """

    host: str
    workspace_id: str
    scopes: tuple[Entry, ...]
    endpoints: tuple[Entry, ...]
    notes: tuple[str, ...]


def export_of(live: Live, *, owner: str | None) -> Export:
    """Return what is live, as configs say it.

    Args:
        live: the workspace's inventory.
        owner: the set that is exported, with what belongs to none; what other sets own is left out, since a plan
            would refuse it. None exports everything.
    """
    notes: list[str] = []
    scopes = [(scope_address(each.name), each.owner_sets, exported_scope(each)) for each in live.scopes.values()]
    endpoints = [
        (endpoint_address(each.name), _owners(each), exported_endpoint(each)) for each in live.endpoints.values()
    ]
    return Export(
        host=live.host,
        workspace_id=live.workspace_id,
        scopes=tuple(_entries(scopes, owner, notes)),
        endpoints=tuple(_entries(endpoints, owner, notes)),
        notes=tuple(notes),
    )


def _entries(
    found: Iterable[tuple[Address, Sequence[str], Entry | str | None]], owner: str | None, notes: list[str]
) -> Iterator[Entry]:
    for address, owners, entry in sorted(found, key=lambda each: each[0]):
        if entry is None:
            continue
        if owner is not None and owners and owner not in owners:
            notes.append(f"{address}: left out, it belongs to another set ({', '.join(owners)})")
        elif isinstance(entry, str):
            notes.append(f"{address}: left out, {entry}")
        else:
            notes.extend(f"{address}: {each}" for each in entry.remarks)
            yield entry


def _owners(live: LiveEndpoint) -> tuple[str, ...]:
    return tuple(str(each.get("value")) for each in live.tags if each.get("key") == SET_TAG)
