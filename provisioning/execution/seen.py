"""What a plan saw, held against what is there just before it is written to.

Between a plan and its writes lie a review, a wait, other writes: long enough for somebody to delete an endpoint and to
make another one of the same name. Writing goes by names, and would hit the stranger; permissions go by ids, and would
be given on what is gone (the API keeps answering for it).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from provisioning.errors import ChangedSincePlanError, NotFoundError
from provisioning.model.address import endpoint_address, folded, scope_address
from provisioning.model.ownership import HASH_TAG, SET_TAG, marker_owners
from provisioning.workspace.endpoints import get_endpoint
from provisioning.workspace.secrets import list_secrets
from provisioning.workspace.shapes import integer, object_in, tags_of, text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic import JsonValue

    from provisioning.model.workspace import Live
    from provisioning.workspace.client import Connection

_GET = "GET /api/2.0/serving-endpoints/{name}"
_LIST = "GET /api/2.0/secrets/list"
_PASSING = frozenset({"config_version", "creation_timestamp", "creator", "start_time", "state"})
"""What the workspace says of a config beside what was put."""

_REMEDY = "run it again: it plans for what is there now"


class Endpoint(NamedTuple):
    """Which endpoint a name stood for."""

    id: str
    owner: str | None
    """The set that its tags name."""
    version: str | None
    """The hash of its configs that its tags name."""


class Config(NamedTuple):
    """What an endpoint serves, or soon will."""

    version: int
    """Counted by the workspace; 0 if it does not say."""
    content: JsonValue
    """All of it but what deploying it changes."""


class Scope(NamedTuple):
    """Which scope a name stood for: scopes have no ids."""

    owners: frozenset[str]
    """The sets that its markers name."""
    empty: bool
    """Whether it held no key."""


class Seen:
    """The objects that a plan saw. Safe to share among threads.

    Args:
        live: the workspace, as the plan saw it; None if nothing was looked at, and nothing is held against it.
        owner: the set that applies.
    """

    def __init__(self, live: Live | None = None, *, owner: str = "") -> None:
        self._owner = owner
        self._endpoints = {each.name: _endpoint(each.body) for each in live.endpoints.values()} if live else {}
        self._scopes = (
            {each.name.lower(): Scope(frozenset(each.owner_sets), empty=not each.keys) for each in live.scopes.values()}
            if live
            else {}
        )
        self._put: dict[str, Config] = {}
        self._ours: dict[str, set[str]] = {}
        self._looked_at: set[str] = set()
        self._lock = threading.Lock()

    def endpoint_id(self, name: str) -> str:
        """Return an endpoint's id; empty if the workspace did not say it."""
        found = self._endpoints.get(name)
        return found.id if found else ""

    def created(self, name: str, body: Mapping[str, JsonValue]) -> None:
        """Remember the endpoint that a name stands for from now on."""
        self._endpoints[name] = _endpoint(body)
        self._looked_at.add(endpoint_address(name))
        self.put(name, body)

    def put(self, name: str, body: Mapping[str, JsonValue]) -> None:
        """Remember the config that was put, as the workspace answered: another one that comes after it is noticed."""
        self._put[name] = _config(body)

    def intend(self, name: str, version: str) -> None:
        """Remember the hash of the configs that an endpoint gets: another one that comes after it is noticed."""
        self._ours.setdefault(name, set()).add(version)

    def look_again(self, connection: Connection, name: str) -> None:
        """Make sure, once, that a name still stands for the endpoint that the plan saw.

        Raises:
            ChangedSincePlanError: it does not.
        """
        if name not in self._endpoints or self._has_been_looked_at(endpoint_address(name)):
            return
        self.look(connection, name)

    def look(self, connection: Connection, name: str) -> None:
        """Make sure that a name stands for the endpoint that the plan saw, and that no other apply came between.

        Raises:
            ChangedSincePlanError: it does not, or one has.
        """
        self.hold(name, self.require_endpoint(connection, name))

    def afresh(self) -> None:
        """Have every object looked at once more before it is written to: another plan is carried out."""
        with self._lock:
            self._looked_at.clear()

    def gone(self, name: str) -> ChangedSincePlanError | None:
        """Make the error of an endpoint that was there and is not any more; None if it never was."""
        return _changed(endpoint_address(name), "it was deleted", call=_GET) if name in self._endpoints else None

    @staticmethod
    def require_endpoint(connection: Connection, name: str) -> Mapping[str, JsonValue]:
        """Read an endpoint that has to be there.

        Raises:
            ChangedSincePlanError: it is gone.
        """
        if (body := get_endpoint(connection, name)) is None:
            raise _changed(endpoint_address(name), "it was deleted", call=_GET)
        return body

    def hold(self, name: str, body: Mapping[str, JsonValue]) -> None:
        """Hold an endpoint that was just read against the one that the plan saw.

        Raises:
            ChangedSincePlanError: it is another one, or belongs to somebody else now.
        """
        before, now = self._endpoints.get(name), _endpoint(body)
        if before is None or not before.id:  # Databricks' own endpoints have no id, and nobody makes them anew
            return
        if now.id != before.id:
            raise _changed(endpoint_address(name), "it was deleted, and another one has its name", call=_GET)
        if now.owner not in {before.owner, self._owner}:
            whose = f"it belongs to another set now ({now.owner})" if now.owner else "it was let go"
            raise _changed(endpoint_address(name), whose, call=_GET)
        self._hold_config(name, _config(body))
        self._hold_version(name, before.version, now.version)

    def _hold_config(self, name: str, now: Config) -> None:
        """Notice another apply: the API has no conditional write, but it counts the configs of an endpoint."""
        ours = self._put.get(name)
        if ours and ours.version and now.version > ours.version and now.content != ours.content:
            raise _overtaken(name, "config")

    def _hold_version(self, name: str, before: str | None, now: str | None) -> None:
        """Notice another apply by the hash that it leaves; a rotation writes none, and goes with any version."""
        ours = self._ours.get(name)
        if ours and now and now != before and now not in ours:
            raise _overtaken(name, "version of these configs")

    def look_again_at_scope(self, connection: Connection, name: str) -> None:
        """Make sure, once, that a name still stands for the scope that the plan saw.

        Raises:
            ChangedSincePlanError: it does not.
        """
        address = scope_address(name)
        if name.lower() not in self._scopes or self._has_been_looked_at(folded(address)):
            return
        self.hold_scope(name, self.require_scope(connection, name))

    @staticmethod
    def require_scope(connection: Connection, name: str) -> Collection[str]:
        """List the keys of a scope that has to be there.

        Raises:
            ChangedSincePlanError: it is gone.
        """
        try:
            return list_secrets(connection, name)
        except NotFoundError:
            raise _changed(scope_address(name), "it was deleted", call=_LIST) from None

    def hold_scope(self, name: str, keys: Collection[str]) -> None:
        """Hold a scope whose keys were just listed against the one that the plan saw.

        Raises:
            ChangedSincePlanError: it is not as it was.
        """
        before, address = self._scopes.get(name.lower()), scope_address(name)
        if before is None:
            return
        owners = set(marker_owners(keys))
        if strangers := owners - before.owners - {self._owner}:
            raise _changed(address, f"it belongs to another set now ({', '.join(sorted(strangers))})", call=_LIST)
        if self._owner in before.owners - owners:
            raise _changed(address, "it was let go, or deleted and made anew", call=_LIST)
        if before.empty and keys and not owners:
            raise _changed(address, "somebody else uses it now", call=_LIST)

    def _has_been_looked_at(self, address: str) -> bool:
        with self._lock:
            before = address in self._looked_at
            self._looked_at.add(address)
            return before


def _endpoint(body: Mapping[str, JsonValue]) -> Endpoint:
    tags = tags_of(body)
    return Endpoint(id=text(body.get("id")), owner=tags.get(SET_TAG), version=tags.get(HASH_TAG))


def _config(body: Mapping[str, JsonValue]) -> Config:
    pending, serving = object_in(body, "pending_config"), object_in(body, "config")
    newest = max(pending, serving, key=lambda each: integer(each.get("config_version")))
    return Config(integer(newest.get("config_version")), _lasting(dict(newest)))


def _lasting(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _lasting(each) for name, each in value.items() if name not in _PASSING}
    return [_lasting(each) for each in value] if isinstance(value, list) else value


def _overtaken(name: str, what: str) -> ChangedSincePlanError:
    return ChangedSincePlanError(
        f"changed since the plan: another apply put another {what} at the same time",
        call=_GET,
        subject=endpoint_address(name),
        remedy=f"see which {what} is meant, and run that apply again",
    )


def _changed(address: str, what: str, *, call: str) -> ChangedSincePlanError:
    return ChangedSincePlanError(
        f"changed since the plan: {what}; it is left alone", call=call, subject=address, remedy=_REMEDY
    )
