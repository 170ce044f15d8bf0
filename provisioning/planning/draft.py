"""A plan in the making: what each resource's comparison adds to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.model.plan import Change, Guard, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.errors import Diagnostic
    from provisioning.model.address import Address
    from provisioning.model.workspace import Desired, Live


@dataclass
class Draft:
    """The lists of a plan, while they grow."""

    changes: list[Change] = field(default_factory=list)
    unchanged: list[Address] = field(default_factory=list)
    not_ready: list[str] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    undecided: list[Address] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    rewritten: set[tuple[str, str]] = field(default_factory=set)
    """The secrets that are written, by the scope's name without case and the key: an endpoint that is there already may
    hold what stood under that key before, whoever put it."""

    superseded: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The versions of secrets that no longer count: their keys in the configs, by scope without case and key."""

    def block(self, address: Address, message: str, *, remedy: str) -> None:
        """Note that a guard is closed; an object's blocks may meet the same one."""
        guard = Guard(address=address, message=message, remedy=remedy)
        if guard not in self.guards:
            self.guards.append(guard)

    def finished(self, desired: Desired, live: Live, *, owner: str) -> Plan:
        """Return the plan.

        Args:
            desired: the configs.
            live: the workspace.
            owner: the set's id.
        """
        return Plan(
            host=live.host,
            workspace_id=live.workspace_id,
            target=desired.target.name,
            identity=live.user,
            set_name=desired.set_name,
            set_id=owner,
            changes=tuple(self.changes),
            unchanged=tuple(self.unchanged),
            not_ready=tuple(self.not_ready),
            guards=tuple(self.guards),
            notes=tuple(self.notes),
            undecided=tuple(self.undecided),
            diagnostics=tuple(self.diagnostics),
        )
