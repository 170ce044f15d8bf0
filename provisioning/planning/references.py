"""References to secrets that the configs don't put there themselves, held against the workspace.

The workspace resolves `{{secrets/scope/key}}` when the endpoint is called, with the rights of who created or changed
it: so a misspelt key is found by the first caller, unless it is found here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import Diagnostic
from provisioning.model.address import endpoint_address
from provisioning.model.inert import inert
from provisioning.model.plan import Operation
from provisioning.model.references import SecretUse, secrets_used
from provisioning.model.rules import did_you_mean
from provisioning.model.secret import ExternalSource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioning.errors import Position
    from provisioning.model.address import Address
    from provisioning.model.scopes import SecretScope
    from provisioning.model.workspace import Desired, Live, LiveScope
    from provisioning.planning.draft import Draft

MISSING_SCOPE = ("P601", "no-such-scope")
MISSING_KEY = ("P602", "no-such-secret")
WRONG_CASE = ("P603", "spelled-otherwise")
NO_READ = ("P604", "no-read")

_SENDING = frozenset({Operation.CREATE_ENDPOINT, Operation.UPDATE_CONFIG})


def check_references(draft: Draft, desired: Desired, live: Live) -> None:
    """Add to the draft what is wrong with references: an error where the plan sends one, else a warning.

    Args:
        draft: the plan, its changes of endpoints in it.
        desired: the configs.
        live: the workspace, with the scopes that are referred to.
    """
    sent = {change.address for change in draft.changes for step in change.steps if step.operation in _SENDING}
    declared = {each.name.lower(): each for each in desired.scopes}
    for endpoint in desired.endpoints:
        address = endpoint_address(endpoint.name)
        for use in secrets_used(endpoint):
            found = _problem(use, declared.get(use.secret.scope.lower()), live)
            if found is None:
                continue
            (code, title), message, remedy = found
            draft.diagnostics.append(
                Diagnostic(
                    code,
                    title,
                    inert(f"{address}: {message}"),
                    position=_position(desired, address, use.path),
                    remedy=inert(remedy),
                    severity="error" if address in sent else "warning",
                )
            )


_Problem = tuple[tuple[str, str], str, str]


def _problem(use: SecretUse, declared: SecretScope | None, live: Live) -> _Problem | None:
    scope, key = use.secret
    if declared is not None and _is_put(declared, key):
        return None
    found = live.scopes.get(scope.lower()) if declared is not None else live.referenced.get(scope.lower())
    if found is None:
        # a scope that the configs are about to create holds what they put there, and nothing else yet
        return _missing_key(scope, key, ()) if declared is not None else _missing_scope(scope, live)
    if found.name != scope:
        return WRONG_CASE, f"the scope {scope!r} is called {found.name!r}", f"write {found.name!r}"
    return _key_problem(found, key)


def _is_put(scope: SecretScope, key: str) -> bool:
    source = (scope.secrets or {}).get(key)
    return source is not None and not isinstance(source, ExternalSource)


def _missing_scope(scope: str, live: Live) -> _Problem:
    guess = did_you_mean(scope, live.scope_names)
    message = f"there is no scope {scope!r} in the workspace, or this identity may not see it"
    return MISSING_SCOPE, message, f"did you mean {guess!r}?" if guess else "create it, or declare it in the configs"


def _key_problem(scope: LiveScope, key: str) -> _Problem | None:
    if not scope.visible:
        message = f"this identity has no READ on the scope {scope.name!r}, and the endpoint would read it in its name"
        return NO_READ, message, "ask a manager of the scope for READ, or let an identity apply that has it"
    if key in scope.keys:
        return None
    near = next((each for each in scope.keys if each.lower() == key.lower()), None)
    if near is not None:
        return WRONG_CASE, f"the secret {key!r} of scope {scope.name!r} is called {near!r}", f"write {near!r}"
    return _missing_key(scope.name, key, scope.keys)


def _missing_key(scope: str, key: str, keys: Iterable[str]) -> _Problem:
    guess = did_you_mean(key, keys)
    put = f"put it first (`databricks secrets put-secret {scope} {key}`), or give it a source in the configs"
    return MISSING_KEY, f"the scope {scope!r} has no secret {key!r}", f"did you mean {guess!r}?" if guess else put


def _position(desired: Desired, address: Address, path: str) -> Position | None:
    return desired.positions.get(f"{address}#{path}") or desired.positions.get(address)
