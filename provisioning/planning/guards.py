"""What stops a plan: each guard looks for one kind of change and names the flag that lets it pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioning.model.address import Address, endpoint_address
from provisioning.model.destinations import holds_address, sendings
from provisioning.planning.differ import leaves
from provisioning.planning.requests import declared_body

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from provisioning.model.plan import FieldChange
    from provisioning.model.values import SecretKey
    from provisioning.model.workspace import Desired, Live, Target
    from provisioning.planning.circumstances import Circumstances, Options
    from provisioning.planning.draft import Draft
    from provisioning.planning.grants import Difference

_PROVIDER = re.compile(r"\.provider$")

_MANY = 10
_LARGE_SHARE = 0.3


def guard_deployer(draft: Draft, target: Target, circumstances: Circumstances) -> None:
    """In production, whoever applies ties endpoints to their own rights: a change reads secrets in their name."""
    deployer = target.deployer
    if not (draft.changes and circumstances.production and deployer):
        return
    if deployer.lower() != circumstances.user.lower():
        draft.block(
            Address(f"targets.{target.name}"),
            f"it is {deployer} who applies there, and you are {circumstances.user}",
            remedy=f"let {deployer} apply it (in CI, or by a profile of theirs), or change the target's deployer",
        )


def guard_adoption(draft: Draft, address: Address, *, options: Options) -> None:
    """Taking over what is live and belongs to no set needs a flag."""
    if not options.adopt:
        draft.block(
            address,
            "it exists and belongs to no set",
            remedy="--adopt takes it over as it is; or give it another name",
        )


def guard_foreign(draft: Draft, address: Address, owners: Collection[str]) -> None:
    """What belongs to another set is never touched."""
    draft.block(
        address,
        f"it belongs to another set ({', '.join(sorted(owners))})",
        remedy="remove it here, or from the configs that own it",
    )


def guard_invisible(draft: Draft, address: Address, *, rights: tuple[str, str]) -> None:
    """What exists but may not be looked at cannot be compared.

    Args:
        draft: the plan in the making.
        address: what exists.
        rights: the one that planning takes, and the one that applying takes.
    """
    look, change = rights
    draft.block(
        address,
        "it exists, and is not visible to you",
        remedy=f"ask its owner for {look} to plan, for {change} to apply; or give it another name",
    )


def guard_destinations(draft: Draft, address: Address, fields: Sequence[FieldChange], *, options: Options) -> None:
    """Where a secret is sent may not change in passing, by a new entity with an address of its own neither."""
    moved = [each.path for each in fields if _PROVIDER.search(each.path) or _is_address(each.path)]
    moved += [
        path
        for each in fields
        if isinstance(each.new, dict)
        for path, value in leaves(each.new, each.path)
        if value and _is_address(path)
    ]
    if moved and not options.allow_widening:
        draft.block(
            address, f"it changes where a secret is sent ({', '.join(moved)})", remedy="--allow-widening lets it pass"
        )


def guard_redirections(draft: Draft, desired: Desired, live: Live, *, options: Options) -> None:
    """A secret that goes to one place does not begin to go to another, by an endpoint made for that purpose neither."""
    if options.allow_widening:
        return
    known: dict[SecretKey, set[str]] = {}
    for found in (*live.endpoints.values(), *live.neighbours):
        for sent in sendings(dict(found.body)):
            known.setdefault(sent.secret, set()).add(sent.to)
    guarded = {each.address for each in draft.guards}
    changed = {each.address for each in draft.changes} - guarded
    for endpoint in desired.endpoints:
        address = endpoint_address(endpoint.name)
        for sent in dict.fromkeys(sendings(declared_body(endpoint)) if address in changed else ()):
            before = known.get(sent.secret)
            if before and sent.is_chosen and sent.to not in before:
                draft.block(
                    address,
                    f"it sends {'/'.join(sent.secret)} to {sent.to}, and so far it goes to {', '.join(sorted(before))}",
                    remedy="--allow-widening lets it pass",
                )


def guard_access(draft: Draft, address: Address, differences: Sequence[Difference], *, options: Options) -> None:
    """More access may not be given in passing."""
    wider = [each for each in differences if each.wider]
    if wider and not options.allow_widening:
        who = ", ".join(f"{each.new} for {each.grantee.name}" for each in wider)
        draft.block(address, f"it gives more access ({who})", remedy="--allow-widening lets it pass")


def guard_outside_changes(draft: Draft, address: Address, *, options: Options) -> None:
    """In production, what somebody changed by hand may have been changed in an emergency."""
    if not options.overwrite_outside_changes:
        draft.block(
            address,
            "it was changed outside of the configs since the last apply, or that was cut off",
            remedy="--overwrite-outside-changes puts it back; or take the change over into the configs",
        )


def guard_kept_grants(draft: Draft, address: Address, differences: Sequence[Difference], *, options: Options) -> None:
    """After adopting, grants that the configs don't declare are not revoked in passing."""
    revoked = [each.grantee.name for each in differences if each.new is None]
    if revoked and not options.prune:
        draft.block(
            address,
            f"adopting it would revoke what the configs don't declare ({', '.join(revoked)})",
            remedy="declare them, or set permissions_mode: additive, or revoke them with --prune",
        )


def guard_replacement(
    draft: Draft, address: Address, paths: Sequence[str], *, protected: bool, options: Options
) -> None:
    """Replacing an endpoint is an outage, and loses its id, its logs' link and undeclared grants."""
    what = f"{', '.join(paths)} cannot be changed in place, so the endpoint would be deleted and created again"
    if protected:
        draft.block(address, f"{what}, and prevent_destroy is set", remedy="undo the edit, or remove prevent_destroy")
    elif not options.allow_destructive:
        draft.block(
            address,
            what,
            remedy="--allow-destructive lets it pass (calls fail until the new one is ready); or undo the edit",
        )


def guard_unseen(draft: Draft, names: Sequence[str]) -> None:
    """What an endpoint uses that may not be looked into cannot be told, so no key is out of use."""
    for name in names if draft.changes else ():
        draft.block(
            endpoint_address(name),
            "it may not be looked into, so which keys it uses cannot be told",
            remedy="ask its owner for CAN_VIEW, or let an identity do it that has it",
        )


def guard_scope_deletion(draft: Draft, address: Address, *, options: Options) -> None:
    """A scope takes all its values along."""
    if not options.allow_destructive:
        draft.block(address, "deleting a scope deletes every value in it", remedy="--allow-destructive lets it pass")


def guard_share(draft: Draft, *, deleted: Sequence[Address], owned: int, options: Options) -> None:
    """Deleting a large part of what is there is more often a wrong folder than an intention."""
    if owned >= _MANY and len(deleted) > owned * _LARGE_SHARE and not options.allow_destructive:
        draft.block(
            deleted[0],
            f"{len(deleted)} of the {owned} objects that the set owns would be deleted",
            remedy="check that this is the right folder and target; --allow-destructive lets it pass",
        )


def _is_address(path: str) -> bool:
    return holds_address(path.rpartition(".")[2])
