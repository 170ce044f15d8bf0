"""Secrets: their keys, their values on the way in, and the marker that remembers them.

The only module that opens a `SecretStr` to send it. Nothing here returns a value but the marker's own.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from provisioning.errors import ChangedSincePlanError, NotFoundError, WorkspaceError
from provisioning.model.address import scope_address, secret_address
from provisioning.model.ownership import marker_key
from provisioning.workspace.marker import Marker, Record, parse_marker
from provisioning.workspace.shapes import integer, objects_in, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioning.workspace.client import Connection

_PUT = "/api/2.0/secrets/put"
_PUT_CALL = f"POST {_PUT}"

_AT_NO_TIME = 0
"""The timestamp of a record that vouches for no value."""

_RECORD_TRIES = 3


@dataclass(frozen=True)
class Put:
    """A secret that an apply has put, to be recorded.

    Attributes:
        key: its key.
        value: what was sent.
        version: the source's `version`, if it has one.
    """

    key: str
    value: SecretStr
    version: int | None = None


def list_secrets(connection: Connection, scope: str) -> dict[str, int]:
    """List a scope's keys with the time of their last write, in milliseconds.

    Raises:
        NotFoundError: there is no such scope.
        NotPermittedError: there is one, and this identity may not look into it.
    """
    answer = connection.call("GET", "/api/2.0/secrets/list", subject=scope_address(scope), query={"scope": scope})
    items = objects_in(answer, "secrets")
    return {text(item.get("key")): integer(item.get("last_updated_timestamp")) for item in items}


def put_secret(connection: Connection, scope: str, key: str, *, value: SecretStr) -> None:
    """Write a value, over one that is there: never delete-then-create, which leaves a gap."""
    connection.conceal.add(value)
    connection.call(
        "POST",
        _PUT,
        subject=secret_address(scope, key),
        body={"scope": scope, "key": key, "string_value": value.get_secret_value()},
    )


def delete_secret(connection: Connection, scope: str, key: str) -> None:
    """Delete a key.

    Raises:
        NotFoundError: there is none.
    """
    connection.call(
        "POST", "/api/2.0/secrets/delete", subject=secret_address(scope, key), body={"scope": scope, "key": key}
    )


def read_marker(connection: Connection, scope: str, *, owner: str) -> Marker | None:
    """Fetch a scope's marker; None if this identity cannot read it, or there is nothing readable in it."""
    held = _marker_text(connection, scope, owner)
    return None if held is None else parse_marker(held)


def fetch_secret(connection: Connection, scope: str, key: str) -> SecretStr | None:
    """Fetch a value, to put it back later; None if it is not given out, or is no text."""
    held = _fetched(connection, scope, key)
    return SecretStr(held) if held else None


def holds(connection: Connection, scope: str, key: str, *, value: SecretStr) -> bool | None:
    """Tell whether a key holds a value, by fetching it; None if it is not given out."""
    held = _fetched(connection, scope, key)
    return None if held is None else hmac.compare_digest(held.encode(), value.get_secret_value().encode())


def _marker_text(connection: Connection, scope: str, owner: str) -> str | None:
    """Fetch what a marker holds: nothing if there is none, None if it is not given out."""
    return _fetched(connection, scope, marker_key(owner))


def _fetched(connection: Connection, scope: str, key: str) -> str | None:
    try:
        answer = connection.call(
            "GET",
            "/api/2.0/secrets/get",
            subject=secret_address(scope, key),
            query={"scope": scope, "key": key},
        )
    except NotFoundError:
        return ""
    except WorkspaceError as error:
        # the route is documented for notebooks alone, and wants READ: any refusal means "cannot tell"
        if error.status is None or error.status >= 500:  # noqa: PLR2004 - an HTTP status
            raise
        return None
    try:
        return base64.b64decode(text(answer.get("value")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def put_marker(connection: Connection, scope: str, *, owner: str, marker: Marker) -> None:
    """Write a scope's marker."""
    put_secret(connection, scope, marker_key(owner), value=SecretStr(marker.to_text()))


def announce(connection: Connection, scope: str, *, owner: str, put: Put) -> None:
    """Remember in the scope's marker a secret that is about to be put: its key is ours from now on.

    Without the time of the write the record vouches for no value: until `record`, it counts as cut off.
    """
    held = _marker_text(connection, scope, owner)
    if held is None:
        return
    before = parse_marker(held) or Marker()
    records = {**before.records, put.key: _record_of(put, before, _AT_NO_TIME)}
    put_marker(connection, scope, owner=owner, marker=replace(before, records=records))


def record(
    connection: Connection,
    scope: str,
    *,
    owner: str,
    written: Sequence[Put],
    deleted: Sequence[str] = (),
    grants: str | None = None,
) -> None:
    """Remember in the scope's marker what was written, at the times that the workspace gives.

    A put does not say when it took place, and the list that does may show the time of somebody else's put of another
    value, just after ours. Vouching for that would have the next plan take their value for ours. So the marker is read
    after the list, and again after it was written: whoever comes second finds that the other vouches for another value
    at the same time, and takes that back. (The API has no conditional write: should both have read the marker before
    either wrote it, and the first have looked again before the second wrote, the second's record stands unseen.)

    Args:
        connection: the workspace.
        scope: the scope's name.
        owner: the set's id.
        written: the secrets that were put.
        deleted: the keys that were deleted.
        grants: the digest of the rights that were written; None if none were.

    Raises:
        ChangedSincePlanError: another apply put another value at the same time.
    """
    contested: set[str] = set()
    for _ in range(_RECORD_TRIES):
        times = list_secrets(connection, scope)
        held = _marker_text(connection, scope, owner)
        if held is None:
            return  # what others remember must not be lost: who may read it finds out by the timestamps
        before = parse_marker(held) or Marker()
        ours = {put.key: _record_of(put, before, times[put.key]) for put in written if put.key in times}
        contested |= {key for key, mine in ours.items() if _vouches_otherwise(before.records.get(key), mine)}
        ours |= {key: replace(ours[key], timestamp=_AT_NO_TIME) for key in contested & ours.keys()}
        kept = {key: each for key, each in before.records.items() if key not in deleted}
        put_marker(
            connection, scope, owner=owner, marker=replace(before, records=kept | ours, grants=grants or before.grants)
        )
        now = read_marker(connection, scope, owner=owner)
        if now is None or all(now.records.get(key) == each for key, each in ours.items()):
            break
    if contested:
        raise ChangedSincePlanError(
            "changed since the plan: another apply put another value at the same time, and which of them is in place "
            "cannot be told",
            call=_PUT_CALL,
            subject=", ".join(secret_address(scope, key) for key in sorted(contested)),
            remedy="run one of the two again",
        )


def _record_of(put: Put, marker: Marker, timestamp: int) -> Record:
    return Record(fingerprint=marker.fingerprint(put.value), timestamp=timestamp, version=put.version)


def _vouches_otherwise(theirs: Record | None, ours: Record) -> bool:
    return theirs is not None and theirs.timestamp == ours.timestamp and theirs.fingerprint != ours.fingerprint
