"""What may run beside what: a plan as groups of steps, and which group waits for which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.model.address import Address, endpoint_address, folded
from provisioning.model.plan import Action, Change, Operation, Plan, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ORDER = {operation: place for place, operation in enumerate(Operation)}

_KEYS = "/secrets"
"""Ends the key of the group in which a scope's secrets are deleted."""


@dataclass(frozen=True)
class Group:
    """A scope or an endpoint with everything that belongs to it: its steps run one after another.

    (Writing the rights of one scope in parallel leaves some of them out; and each step builds on the one before.)

    Attributes:
        address: the scope's or endpoint's.
        steps: in order, each with the change that it is part of.
        after: the groups that must have ended well before it begins.
        behind: the groups that must have ended before it begins, well or not.
    """

    address: Address
    steps: tuple[tuple[Change, Step], ...]
    after: frozenset[Address]
    behind: frozenset[Address] = frozenset()

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that the steps are part of."""
        return tuple({change.address: change for change, _ in self.steps}.values())


def groups_of(plan: Plan) -> tuple[Group, ...]:
    """Arrange a plan's steps."""
    found: dict[str, list[Change]] = {}
    for change in plan.changes:
        found.setdefault(_key(change), []).append(change)
    addresses = {key: changes[0].address if key.endswith(_KEYS) else changes[0].group for key, changes in found.items()}
    going = {key for key, changes in found.items() if key.endswith(_KEYS) or _goes(changes)}
    coming = frozenset(addresses[key] for key in found.keys() - going)
    groups = [
        Group(
            address=addresses[key],
            steps=tuple(_in_order((change, step) for change in changes for step in change.steps)),
            after=_awaited(changes, addresses) - {addresses[key]} | (coming if key.endswith(_KEYS) else frozenset()),
            # what goes may still serve while others come; that one of those fails is no reason to keep it
            behind=coming if key in going else frozenset(),
        )
        for key, changes in found.items()
    ]
    return (*groups, *_waits(plan, set(addresses.values())))


def _key(change: Change) -> str:
    # a key that goes may be in use until every endpoint is re-pointed: it is not deleted among its scope's writes
    is_key = change.action is Action.DELETE and change.address != change.group and "/secrets." in change.address
    return folded(change.group) + (_KEYS if is_key else "")


def _goes(changes: Sequence[Change]) -> bool:
    return any(each.action is Action.DELETE and each.address == each.group for each in changes)


def _awaited(changes: Iterable[Change], addresses: Mapping[str, Address]) -> frozenset[Address]:
    return frozenset(
        addresses[folded(each)] for change in changes for each in change.after if folded(each) in addresses
    )


def _in_order(steps: Iterable[tuple[Change, Step]]) -> list[tuple[Change, Step]]:
    return sorted(steps, key=lambda each: _ORDER[each[1].operation])


def _waits(plan: Plan, taken: set[str]) -> list[Group]:
    """Endpoints that need no change but are not ready yet, since an earlier apply did not see them become it."""
    return [
        Group(address=address, steps=((change, step),), after=frozenset())
        for name in plan.not_ready
        if (address := endpoint_address(name)) not in taken
        for step in [Step(operation=Operation.WAIT_READY, name=name)]
        for change in [Change(address=address, action=Action.UPDATE, steps=(step,))]
    ]
