"""A secret gets a new value: what is written, and which endpoints are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from provisioning.errors import ProvisioningError
from provisioning.model.address import endpoint_address, secret_address
from provisioning.model.plan import Action, Change, FieldChange, Operation, Step
from provisioning.model.references import secrets_used
from provisioning.model.rules import did_you_mean
from provisioning.model.secret import ExternalSource
from provisioning.model.versions import current_keys
from provisioning.planning.blocks import REPOINTED, REREAD
from provisioning.planning.circumstances import Options
from provisioning.planning.planner import make_plan
from provisioning.planning.requests import restorable_config
from provisioning.planning.scopes import removal_of
from provisioning.planning.versions import VERSIONED, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioning.model.address import Address
    from provisioning.model.plan import Plan
    from provisioning.model.scopes import SecretScope
    from provisioning.model.workspace import Desired, Live

_HEARD = frozenset({REREAD, REPOINTED})
_BACK = "an endpoint does not answer with the secret's new version"
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


def as_versioned(desired: Desired, *, scope: str, key: str) -> Desired:
    """Return the configs as if they said of a secret that it is rotated under keys of its own."""

    def told(each: SecretScope) -> SecretScope:
        secrets = dict(each.secrets or {})
        secrets[key] = secrets[key].model_copy(update={"rotation": VERSIONED})
        return each.model_copy(update={"secrets": secrets})

    scopes = tuple(told(each) if each.name == scope else each for each in desired.scopes)
    return desired.model_copy(update={"scopes": scopes})


def make_rotation_plan(desired: Desired, live: Live, *, scope: str, key: str) -> Plan:
    """Plan to write a secret's new value, and to have the endpoints that use it read it.

    Args:
        desired: the configs, every reference resolved.
        live: the workspace, the secret's new value judged.
        scope: the scope's name.
        key: the secret's key, as declared.

    Raises:
        ProvisioningError: an endpoint that uses it is to change in other ways too, which would go unnoticed; or the
            key of the next version would be too long.
    """
    options = Options(write_unknown_secrets=True)
    whole = make_plan(desired, live, options=options)
    rotated = Rotated.of(desired, live, scope=scope, key=key, options=options)
    secret = secret_address(scope, rotated.key)
    users = {endpoint_address(name) for name in rotated.users}
    written = any(each.address == secret for each in whole.changes)
    changes = tuple(
        each
        for each in whole.changes
        # an endpoint may still have to hear of a rotation that was cut off after the secret was written
        if each.address == secret or (each.address in users and (written or _hears_of_it(each)))
    )
    other = [f"{each.address}: {', '.join(found)}" for each in changes if (found := _other_changes(each, secret))]
    if other:
        raise ProvisioningError(
            f"there is more to change than the secret: {'; '.join(other)}", remedy="apply that first, then rotate"
        )
    affected = {each.group for each in changes}
    return whole.model_copy(
        update={
            "changes": tuple(
                each.model_copy(update={"notes": (*each.notes, _IN_PLACE)})
                if each.address == secret and each.action is Action.UPDATE
                else each
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


class Rotated(NamedTuple):
    """A secret whose value changes."""

    before: str
    """The key under which its value stands."""
    key: str
    """The key under which the new value is to stand: the same, or the next version's."""
    users: tuple[str, ...]
    """The endpoints in the configs that refer to it, by name."""

    @classmethod
    def of(cls, desired: Desired, live: Live, *, scope: str, key: str, options: Options) -> Rotated:
        """Look up what a rotation is about.

        Args:
            desired: the configs.
            live: the workspace.
            scope: the scope's name.
            key: the secret's key, as declared.
            options: what the user allowed.
        """
        declared = next(each for each in desired.scopes if each.name == scope)
        found = live.scopes.get(scope.lower())
        current = current_keys(declared, keys=found.keys, recorded=found.recorded) if found else {}
        return cls(
            before=current.get(key, key),
            key=keys_of(declared, found, options=options).chosen.get(key, key),
            users=tuple(
                each.name
                for each in desired.endpoints
                if any((use.secret.scope.lower(), use.secret.key) == (scope.lower(), key) for use in secrets_used(each))
            ),
        )


def make_return_plan(made: Plan, live: Live, *, scope: str, key: str, names: Iterable[str]) -> Plan:
    """Plan to point endpoints back to what they used before a rotation, and to remove the new version of its secret.

    Args:
        made: the rotation's plan.
        live: the workspace as it was before.
        scope: the scope's name.
        key: the new version's key.
        names: the endpoints that refer to it now.

    Returns:
        The plan. The version stays where an endpoint cannot be pointed back.
    """
    configs = {name: restorable_config(live.endpoints[name].body) for name in names}
    changes = [
        Change(
            address=endpoint_address(name),
            action=Action.UPDATE,
            fields=(FieldChange(path="config", reason=_BACK),),
            steps=(
                Step(operation=Operation.UPDATE_CONFIG, name=name, body=config),
                Step(operation=Operation.WAIT_READY, name=name),
            ),
        )
        for name, config in configs.items()
        if config is not None
    ]
    if len(changes) == len(configs):
        changes.append(removal_of(scope, key, because=_BACK))
    return made.model_copy(update={"changes": tuple(changes), "notes": ()})


def _hears_of_it(change: Change) -> bool:
    return any(each.reason in _HEARD for each in change.fields)


def _other_changes(change: Change, secret: Address) -> list[str]:
    if change.address == secret:
        return []
    return [each.path or each.reason for each in change.fields if each.reason not in _HEARD]
