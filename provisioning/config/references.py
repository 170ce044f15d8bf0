"""`${...}` references, and those among them that only a workspace can answer.

Loading is offline: `${workspace.current_user.userName}` and its like stay in `Desired` as they are written, until
`resolve_workspace` fills them in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from pydantic import SecretStr, ValidationError

from provisioning.config.codes import CODES
from provisioning.errors import ConfigError, Diagnostic
from provisioning.model.address import endpoint_address, scope_address
from provisioning.model.base import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provisioning.errors import Position
    from provisioning.model.address import Address
    from provisioning.model.workspace import Desired

REFERENCE: Final = re.compile(r"\$\{([^{}]*)\}")
WORKSPACE_FACTS: Final = (
    "workspace.host",
    "workspace.current_user.userName",
    "workspace.current_user.short_name",
    "workspace.current_user.domain_friendly_name",
)
"""What only a workspace knows, by the path of its reference; the keys of `resolve_workspace`'s facts."""

ResourceT = TypeVar("ResourceT", bound=Model)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def leads_nowhere(text: str) -> bool:
    """Say whether a resolved text still holds a reference that no workspace can answer."""
    return any(each not in WORKSPACE_FACTS for each in REFERENCE.findall(text))


def workspace_facts(*, host: str, user_name: str) -> dict[str, str]:
    """Return what the references to a workspace lead to.

    Args:
        host: the workspace's address.
        user_name: `userName` of the identity: an e-mail, or a service principal's application id.
    """
    short = re.sub(r"[^\w]", "_", user_name.partition("@")[0].lower())
    friendly = re.sub(r"[^\w]", "_", user_name.lower())
    values = (host, user_name, short, friendly)
    return dict(zip(WORKSPACE_FACTS, values, strict=True))


def resolve_workspace(desired: Desired, facts: Mapping[str, str]) -> Desired:
    """Fill in what only the workspace knows.

    Args:
        desired: the configs.
        facts: what each path of `WORKSPACE_FACTS` leads to.

    Returns:
        The same configs, without symbolic references; positions follow the names that changed.

    Raises:
        ConfigError: a fact is missing, or what came out breaks a rule (a name that is now too long).
    """
    filling = _Filling(desired.positions, facts)
    scopes = tuple(filling.fill(each, scope_address(each.name)) for each in desired.scopes)
    endpoints = tuple(filling.fill(each, endpoint_address(each.name)) for each in desired.endpoints)
    if filling.diagnostics:
        raise ConfigError(tuple(filling.diagnostics))
    renamed = _renamed(desired.scopes, scopes, scope_address) | _renamed(desired.endpoints, endpoints, endpoint_address)
    positions = {_moved(address, renamed): position for address, position in desired.positions.items()}
    keys = {key: renamed.get(address, address) for key, address in desired.keys.items()}
    return desired.model_copy(update={"scopes": scopes, "endpoints": endpoints, "keys": keys, "positions": positions})


class _Filling:
    """Rebuilds models with their texts filled in, and collects what goes wrong."""

    def __init__(self, positions: Mapping[str, Position], facts: Mapping[str, str]) -> None:
        self._positions = positions
        self._facts = facts
        self.diagnostics: list[Diagnostic] = []

    def fill(self, resource: ResourceT, address: Address) -> ResourceT:
        filled = self._filled(resource, address)
        if filled == resource:
            return resource
        try:
            return type(resource).model_validate(_given(filled))
        except ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                self._report("P204", f"once the workspace is known, {each['msg']}", address)
            return resource

    def _filled(self, value: object, address: Address) -> Any:  # noqa: ANN401 - as the value that goes in
        match value:
            case str():
                return REFERENCE.sub(lambda match: self._fact(match, address), value)
            case Model():
                changed = {name: self._filled(getattr(value, name), address) for name in value.model_fields_set}
                return value.model_copy(update=changed)
            case tuple():
                return tuple(self._filled(each, address) for each in value)
            case Mapping():
                return {key: self._filled(each, address) for key, each in value.items()}
            case SecretStr():
                return SecretStr(self._filled(value.get_secret_value(), address))
            case _:
                return value

    def _fact(self, match: re.Match[str], address: Address) -> str:
        path = match.group(1)
        if path not in self._facts:
            self._report("P301", f"`{match.group()}` is not known of this workspace", address)
        return self._facts.get(path, match.group())

    def _report(self, code: str, message: str, address: Address) -> None:
        position = self._positions.get(address)
        self.diagnostics.append(Diagnostic(code, CODES[code].title, f"{address}: {message}", position=position))


def _given(value: object) -> object:
    """Take a model apart into the fields that were given, so that it is judged again as it was at first."""
    match value:
        case Model():
            return {name: _given(getattr(value, name)) for name in value.model_fields_set}
        case tuple():
            return [_given(each) for each in value]
        case Mapping():
            return {key: _given(each) for key, each in value.items()}
        case _:
            return value


def _renamed(before: Iterable[_Named], after: Iterable[_Named], address: Callable[[str], Address]) -> dict[str, str]:
    pairs = zip(before, after, strict=True)
    return {address(old.name): address(new.name) for old, new in pairs if old.name != new.name}


def _moved(key: str, renamed: Mapping[str, str]) -> str:
    address, mark, path = key.partition("#")
    return f"{renamed.get(address, address)}{mark}{path}"
