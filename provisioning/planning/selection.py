"""A part of the configs: what `--select` names, with what it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError
from provisioning.model.address import endpoint_address, folded, parent, scope_address, secret_address
from provisioning.model.references import secrets_used
from provisioning.model.rules import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioning.model.address import Address
    from provisioning.model.endpoints import ModelServingEndpoint
    from provisioning.model.workspace import Desired
    from provisioning.planning.draft import Draft

_SECRET = "/secrets."  # noqa: S105 - a part of an address


def select(desired: Desired, terms: Sequence[str]) -> Desired:
    """Return the configs without what is not selected. Scopes that a selected endpoint refers to stay.

    Args:
        desired: the configs.
        terms: keys (`chat`), addresses (`model_serving_endpoints.my-chat`), live names; a single secret by its
            address (`secret_scopes.llm/secrets.openai-key`). None at all selects everything.

    Raises:
        ProvisioningError: a term names nothing in the configs.
    """
    if not terms:
        return desired
    chosen = {address for term in terms for address in _addresses(desired, term)}
    whole = {parent(each) for each in chosen}
    endpoints = tuple(each for each in desired.endpoints if endpoint_address(each.name) in whole)
    needed = _scopes_of(endpoints)
    scopes = tuple(
        each for each in desired.scopes if (address := scope_address(each.name)) in whole or folded(address) in needed
    )
    return desired.model_copy(
        update={
            "scopes": scopes,
            "endpoints": endpoints,
            "selected": frozenset(chosen),
            "unselected_variables": desired.source_variables,
        }
    )


def _addresses(desired: Desired, term: str) -> tuple[Address, ...]:
    known = _terms(desired)
    found = tuple(dict.fromkeys(address for name, address in known if name == term))
    if not found:
        near = did_you_mean(term, {name for name, _ in known})
        raise ProvisioningError(
            f"--select {term}: nothing in the configs is called so",
            remedy=f"did you mean {near!r}?" if near else "give a resource's key, its name or its address",
        )
    return found


def _terms(desired: Desired) -> list[tuple[str, Address]]:
    """Return all that may be said to select something, each with what it selects."""
    scopes = [(each.name, scope_address(each.name)) for each in desired.scopes]
    endpoints = [(each.name, endpoint_address(each.name)) for each in desired.endpoints]
    secrets = [secret_address(each.name, key) for each in desired.scopes for key in each.secrets or {}]
    keys = [(term, address) for key, address in desired.keys.items() for term in (key, key.partition(".")[2])]
    named = [*scopes, *endpoints, *keys]
    return [*named, *((address, address) for _, address in named), *((each, each) for each in secrets)]


def drop_unselected(draft: Draft, desired: Desired) -> None:
    """Take out of a draft what belongs to a selected scope, where only single secrets of it are selected."""
    chosen = desired.selected
    whole = _scopes_of(desired.endpoints)
    narrowed = {at for each in chosen if _SECRET in each and folded(at := parent(each)) not in whole} - chosen
    if not narrowed:
        return

    def stays(address: Address) -> bool:
        return parent(address) not in narrowed or address in chosen or address == parent(address)

    draft.changes = [each for each in draft.changes if stays(each.address)]
    draft.unchanged = [each for each in draft.unchanged if stays(each)]
    draft.undecided = [each for each in draft.undecided if stays(each)]


def _scopes_of(endpoints: Iterable[ModelServingEndpoint]) -> set[Address]:
    return {folded(scope_address(use.secret.scope)) for each in endpoints for use in secrets_used(each)}
