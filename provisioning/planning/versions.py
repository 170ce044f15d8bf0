"""From the keys that configs name to the keys that count: which version of a secret is meant, and which is written.

Everything that is planned after this deals with the keys as they stand in the scope, and knows of no versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from provisioning.errors import ProvisioningError
from provisioning.model.address import secret_address
from provisioning.model.values import with_keys
from provisioning.model.versions import LONGEST_KEY, current_keys, next_version, version_key, versions_of
from provisioning.model.workspace import Verdict

if TYPE_CHECKING:
    from provisioning.model.address import Address
    from provisioning.model.scopes import SecretScope
    from provisioning.model.workspace import Desired, Live, LiveScope
    from provisioning.planning.circumstances import Options

VERSIONED = "versioned"

Value = TypeVar("Value")


@dataclass(frozen=True)
class Keys:
    """The keys of one scope's secrets.

    Attributes:
        chosen: the key that each secret is to stand under, by its key in the configs.
        superseded: the secret's key in the configs, by the keys of its versions that no longer count.
    """

    chosen: Mapping[str, str] = field(default_factory=dict)
    superseded: Mapping[str, str] = field(default_factory=dict)


def keys_of(scope: SecretScope, live: LiveScope | None, *, options: Options) -> Keys:
    """Choose the key of each secret that the configs put in a scope.

    Args:
        scope: the scope, as declared.
        live: the live one; None if there is none.
        options: what the user allowed.

    Raises:
        ProvisioningError: a key of its own for another value would be too long.
    """
    if live is None:
        return Keys()
    current = current_keys(scope, keys=live.keys, recorded=live.recorded)
    renewed = {
        key: _next_key(key, scope, live)
        for key in current
        if getattr((scope.secrets or {})[key], "rotation", None) == VERSIONED
        and _is_another(live.verdicts.get(key), options)
    }
    chosen = current | renewed
    superseded = {
        version_key(key, number): key
        for key in chosen
        for number in versions_of(key, scope, keys=live.keys, recorded=live.recorded)
        if version_key(key, number) != chosen[key]
    }
    return Keys(chosen=chosen, superseded=superseded)


def with_chosen_keys(desired: Desired, live: Live, *, options: Options) -> tuple[Desired, Live]:
    """Return both snapshots with secrets by the keys that they are to stand under, references included.

    Args:
        desired: the configs.
        live: the workspace.
        options: what the user allowed.

    Raises:
        ProvisioningError: as `keys_of`.
    """
    chosen = {
        scope.name.lower(): keys_of(scope, live.scopes.get(scope.name.lower()), options=options).chosen
        for scope in desired.scopes
    }
    moved = {(scope, key): at for scope, keys in chosen.items() for key, at in keys.items() if at != key}
    if not moved:
        return desired, live
    found = {
        name: scope.model_copy(
            update={"verdicts": {moved.get((name, key), key): verdict for key, verdict in scope.verdicts.items()}}
        )
        for name, scope in live.scopes.items()
    }
    return (
        desired.model_copy(
            update={
                "scopes": tuple(_with_secrets(each, moved) for each in desired.scopes),
                "endpoints": tuple(_pointed(each, moved) for each in desired.endpoints),
                "selected": frozenset(_addresses(desired, moved).get(each, each) for each in desired.selected),
            }
        ),
        live.model_copy(update={"scopes": found}),
    )


def superseded_keys(desired: Desired, live: Live, *, options: Options) -> dict[tuple[str, str], str]:
    """Return the versions that no longer count: the secret's key in the configs, by scope without case and key."""
    return {
        (scope.name.lower(), at): key
        for scope in desired.scopes
        for at, key in keys_of(scope, live.scopes.get(scope.name.lower()), options=options).superseded.items()
    }


def _is_another(verdict: Verdict | None, options: Options) -> bool:
    return verdict is Verdict.DIFFERS or (verdict is Verdict.UNKNOWN and options.write_unknown_secrets)


def _next_key(key: str, scope: SecretScope, live: LiveScope) -> str:
    found = version_key(key, next_version(key, scope, keys=live.keys))
    if len(found) > LONGEST_KEY:
        raise ProvisioningError(
            f"{secret_address(scope.name, key)}: its next version's key would have {len(found)} characters, "
            f"and a key has {LONGEST_KEY} at most",
            remedy="give the secret a shorter key, or rotate it in place",
        )
    return found


def _addresses(desired: Desired, moved: Mapping[tuple[str, str], str]) -> dict[Address, Address]:
    return {
        secret_address(scope.name, key): secret_address(scope.name, at)
        for scope in desired.scopes
        for (name, key), at in moved.items()
        if name == scope.name.lower()
    }


def _with_secrets(scope: SecretScope, moved: Mapping[tuple[str, str], str]) -> SecretScope:
    secrets = {moved.get((scope.name.lower(), key), key): source for key, source in (scope.secrets or {}).items()}
    return scope.model_copy(update={"secrets": secrets}) if secrets else scope


def _pointed(value: Value, moved: Mapping[tuple[str, str], str]) -> Value:
    """Return a value whose references lead to the keys that count."""
    pointed: object = value
    if isinstance(value, str):
        pointed = with_keys(value, lambda each: moved.get((each.scope.lower(), each.key), each.key))
    elif isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in value.model_fields_set}
        changed = {name: new for name, old in fields.items() if (new := _pointed(old, moved)) != old}
        pointed = value.model_copy(update=changed) if changed else value
    elif isinstance(value, Mapping):
        pointed = {name: _pointed(each, moved) for name, each in value.items()}
    elif isinstance(value, tuple):
        pointed = tuple(_pointed(each, moved) for each in value)
    return pointed  # type: ignore[return-value] # each branch returns the kind that it was given
