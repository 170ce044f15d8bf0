"""A secret gets a new value: what is written, and which endpoints are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import ProvisioningError
from provisioning.model.address import endpoint_address, secret_address
from provisioning.model.references import secrets_used
from provisioning.model.rules import did_you_mean
from provisioning.model.secret import ExternalSource
from provisioning.planning.blocks import REREAD
from provisioning.planning.circumstances import Options
from provisioning.planning.planner import make_plan

if TYPE_CHECKING:
    from provisioning.model.address import Address
    from provisioning.model.plan import Change, Plan
    from provisioning.model.workspace import Desired, Live

_IN_PLACE = "in place: calls that begin meanwhile may see the old value or the new one"


def find_secret(desired: Desired, name: str) -> tuple[str, str]:
    """Return the scope and the key that `SCOPE/KEY` names.

    Args:
        desired: the configs.
        name: the scope's name, or its key in the configs, and the secret's key.

    Raises:
        ProvisioningError: the configs don't put such a secret.
    """
    scope, _, key = name.rpartition("/")
    known = {
        f"{each.name}/{secret}": source for each in desired.scopes for secret, source in (each.secrets or {}).items()
    }
    address = desired.keys.get(f"secret_scopes.{scope}", "")
    found = next((each for each in (name, f"{address.removeprefix('secret_scopes.')}/{key}") if each in known), None)
    if found is None:
        near = did_you_mean(name, known)
        raise ProvisioningError(
            f"the configs put no secret {name!r}",
            remedy=f"did you mean {near!r}?" if near else "name it as SCOPE/KEY",
        )
    if isinstance(known[found], ExternalSource):
        raise ProvisioningError(
            f"{found} is external: it is somebody else who puts it", remedy="rotate it where it is put"
        )
    scope, _, key = found.rpartition("/")
    return scope, key


def make_rotation_plan(desired: Desired, live: Live, *, scope: str, key: str) -> Plan:
    """Plan to write a secret's new value over the old one, and to have the endpoints that use it read it again.

    Args:
        desired: the configs, every reference resolved.
        live: the workspace, the secret's new value judged.
        scope: the scope's name.
        key: the secret's key.

    Raises:
        ProvisioningError: an endpoint that uses it is to change in other ways too, which would go unnoticed.
    """
    whole = make_plan(desired, live, options=Options(write_unknown_secrets=True))
    secret = secret_address(scope, key)
    users = {
        endpoint_address(each.name)
        for each in desired.endpoints
        if any((use.secret.scope.lower(), use.secret.key) == (scope.lower(), key) for use in secrets_used(each))
    }
    changes = tuple(each for each in whole.changes if each.address == secret or each.address in users)
    if not any(each.address == secret for each in changes):
        changes = ()
    other = [f"{each.address}: {', '.join(found)}" for each in changes if (found := _other_changes(each, secret))]
    if other:
        raise ProvisioningError(
            f"there is more to change than the secret: {'; '.join(other)}", remedy="apply that first, then rotate"
        )
    affected = {each.group for each in changes}
    return whole.model_copy(
        update={
            "changes": tuple(
                each.model_copy(update={"notes": (*each.notes, _IN_PLACE)}) if each.address == secret else each
                for each in changes
            ),
            "guards": tuple(
                each for each in whole.guards if each.address in affected or each.address.startswith("targets.")
            ),
            "diagnostics": (),
            "not_ready": (),
            "undecided": (),
            "notes": tuple(
                each for each in whole.notes if any(each.startswith(f"{address}:") for address in (*users, secret))
            ),
        }
    )


def _other_changes(change: Change, secret: Address) -> list[str]:
    if change.address == secret:
        return []
    return [each.path or each.reason for each in change.fields if each.reason != REREAD]
