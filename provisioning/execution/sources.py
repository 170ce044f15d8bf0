"""Read the values that an apply may have to write, late and all at once, so that every gap is told in one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.errors import SecretSourceError, SourcesError, SourceUnsetError
from provisioning.model.address import scope_address, secret_address
from provisioning.model.plan import Operation
from provisioning.model.secret import ExternalSource
from provisioning.secret_sources import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr

    from provisioning.errors import Position
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Desired


@dataclass(frozen=True)
class Sources:
    """What the secrets' sources hold.

    Attributes:
        values: by scope and key.
        unset: the sources that hold nothing, by scope and key.
    """

    values: Mapping[tuple[str, str], SecretStr] = field(default_factory=dict, repr=False)
    unset: Mapping[tuple[str, str], SourceUnsetError] = field(default_factory=dict)


def read_sources(
    desired: Desired,
    *,
    environ: Mapping[str, str],
    allowed_commands: frozenset[str] = frozenset(),
    on_value: Callable[[SecretStr], None] = lambda _value: None,
) -> Sources:
    """Read every source that the configs name.

    Args:
        desired: the configs.
        environ: the environment.
        allowed_commands: the programs that `command` sources may run.
        on_value: told of each value as soon as it is read.

    Raises:
        SourcesError: some could not be read at all. Those that merely hold nothing are left to `require`.
    """
    declared = [
        (scope.name, key, source)
        for scope in desired.scopes
        for key, source in (scope.secrets or {}).items()
        if not isinstance(source, ExternalSource)
    ]
    values: dict[tuple[str, str], SecretStr] = {}
    unset: dict[tuple[str, str], SourceUnsetError] = {}
    failed: list[SecretSourceError] = []
    for scope, key, source in declared:
        try:
            values[scope, key] = read(
                source,
                environ=environ,
                position=_position(desired, scope, key),
                allowed_commands=allowed_commands,
                hidden=desired.source_variables,
            )
            on_value(values[scope, key])
        except SourceUnsetError as error:
            unset[scope, key] = error
        except SecretSourceError as error:
            failed.append(error)
    if failed:
        raise SourcesError(tuple(failed), remedy="--no-secret-values makes a plan without them")
    return Sources(values=values, unset=unset)


def require(plan: Plan, sources: Sources, *, every: bool = False) -> None:
    """Make sure that the plan's writes have their values.

    Args:
        plan: what is to be carried out.
        sources: what was read.
        every: whether a source that holds nothing is an error even where its key exists and would be kept.

    Raises:
        SourcesError: values are missing; it lists them all.
    """
    written = {
        change.address for change in plan.changes for step in change.steps if step.operation is Operation.PUT_SECRET
    }
    missing = [error for at, error in sources.unset.items() if every or secret_address(*at) in written]
    if missing:
        raise SourcesError(tuple(missing))


def _position(desired: Desired, scope: str, key: str) -> Position | None:
    address = scope_address(scope)
    for at in (f"{address}#secrets.{key}", f"{address}#secrets", address):
        if at in desired.positions:
            return desired.positions[at]
    return None
