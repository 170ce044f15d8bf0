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

_TRIES = 3
_PUT = "/api/2.0/secrets/put"
_PUT_CALL = f"POST {_PUT}"


@dataclass(frozen=True)
class Put:
    """A secret that an apply puts.

    Attributes:
        key: its key.
        value: what is sent.
        version: the source's `version`, if it has one.
        timestamp: when it was written, in the workspace's milliseconds; 0 until `settle` has found that out.
    """

    key: str
    value: SecretStr
    version: int | None = None
    timestamp: int = 0


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


def _put_marker(connection: Connection, scope: str, *, owner: str, marker: Marker) -> str:
    """Write a scope's marker, and return its writer: it is there for as long as nobody else writes."""
    written = marker.written()
    put_secret(connection, scope, marker_key(owner), value=SecretStr(written.to_text()))
    return written.writer


def _announcing(marker: Marker, puts: Sequence[Put]) -> Marker:
    """Return a marker that also names what is about to be put."""
    fingerprints = {put.key: marker.fingerprint(put.value) for put in puts}
    return replace(marker, announced={**marker.announced, **fingerprints})


def mark(connection: Connection, scope: str, *, owner: str, puts: Sequence[Put], grants: str | None) -> str:
    """Make a scope ours, and name what is about to be put there.

    Another apply may have done so since the plan was made, or even since the scope was created: what its marker
    remembers stays.

    Args:
        connection: the workspace.
        scope: the scope's name.
        owner: the set's id.
        puts: what is about to be put.
        grants: the digest of the rights that the configs declare; None if they declare none.

    Returns:
        As of `announce`.
    """
    held = _marker_text(connection, scope, owner)
    if held is None and marker_key(owner) in list_secrets(connection, scope):
        return ""  # it is ours already, and what others remember must not be lost
    marker = parse_marker(held or "") or Marker()
    return _announce(connection, scope, owner, replace(marker, grants=grants or marker.grants), puts)


def announce(connection: Connection, scope: str, *, owner: str, puts: Sequence[Put]) -> str:
    """Name in a scope's marker what is about to be put; every put is to be preceded by this or by `mark`.

    Returns:
        The marker's writer; nothing if another apply had announced another value that it may still put.
    """
    held = _marker_text(connection, scope, owner)
    return "" if held is None else _announce(connection, scope, owner, parse_marker(held) or Marker(), puts)


def _announce(connection: Connection, scope: str, owner: str, marker: Marker, puts: Sequence[Put]) -> str:
    writer = _put_marker(connection, scope, owner=owner, marker=_announcing(marker, puts))
    is_contested = any(marker.announced.get(put.key) not in {None, marker.fingerprint(put.value)} for put in puts)
    return "" if is_contested else writer


def settle(connection: Connection, scope: str, *, owner: str, written: Sequence[Put], writer: str) -> list[Put]:
    """Find out when our values were written, and that it was ours that were written then.

    A put does not say when it took place; the list that does may show the time of somebody else's put, just after
    ours, and the API has no conditional write. Vouching for that time would have every later plan take their value
    for ours. But each apply announces in the marker before it puts, and looks at the marker after it has listed: of two
    that put a key at the same time, the one that announced first finds the other's announcement. It announces and puts
    once more, which leaves the key with a time that nobody vouches for, and gives up.

    A third apply may take an announcement away that came between its own look at the marker and its write. So where the
    marker is not as this apply left it, the values themselves are looked at, between two lists that show one time.

    Args:
        connection: the workspace.
        scope: the scope's name.
        owner: the set's id.
        written: what was announced and put, just now.
        writer: the marker's, as this apply left it with its announcement; nothing if it was contested even then.

    Returns:
        The same with their times, but for keys that are gone, or whose time does not stand still.

    Raises:
        ChangedSincePlanError: another apply put another value at the same time.
    """
    times = list_secrets(connection, scope)
    held = _marker_text(connection, scope, owner)
    if held is not None:
        marker = parse_marker(held) or Marker()
        overtaken = [put for put in written if not _stands(put, marker)]
        moving = False
        if not writer or marker.writer != writer:
            overtaken += [
                put
                for put in written
                if put not in overtaken and holds(connection, scope, put.key, value=put.value) is False
            ]
            times = dict(times.items() & list_secrets(connection, scope).items())
            moving = any(put.key not in times for put in written)
        if overtaken or moving:
            # all of them: a key that no marker names any more is nobody's, and stays when the configs drop it
            announce(connection, scope, owner=owner, puts=written)
        if overtaken:
            for put in overtaken:
                put_secret(connection, scope, put.key, value=put.value)
            raise _overtaken(scope, overtaken)
    return [replace(put, timestamp=times[put.key]) for put in written if put.key in times]


def record(
    connection: Connection,
    scope: str,
    *,
    owner: str,
    written: Sequence[Put] = (),
    deleted: Sequence[str] = (),
    grants: str | None = None,
) -> None:
    """Vouch in a scope's marker for what was written.

    Args:
        connection: the workspace.
        scope: the scope's name.
        owner: the set's id.
        written: the secrets that were put, with their times.
        deleted: the keys that were deleted.
        grants: the digest of the rights that were written; None if none were.

    Raises:
        ChangedSincePlanError: another apply has put another value since; its word stands.
    """
    held = _marker_text(connection, scope, owner)
    if held is None:
        return  # what others remember must not be lost: who may read it finds out by the timestamps
    before = parse_marker(held) or Marker()
    gone: set[str] = set()
    if deleted:
        before, gone = _deleted_for_good(connection, scope, owner, before, deleted)
    overtaken = [put for put in written if not _stands(put, before)]
    ours = {
        put.key: Record(fingerprint=before.fingerprint(put.value), timestamp=put.timestamp, version=put.version)
        for put in written
        if put not in overtaken
    }
    marker = Marker(
        salt=before.salt,
        records={key: each for key, each in before.records.items() if key not in gone} | ours,
        announced={key: each for key, each in before.announced.items() if key not in {*gone, *ours}},
        grants=grants or before.grants,
    )
    _put_marker(connection, scope, owner=owner, marker=marker)
    if overtaken:
        raise _overtaken(scope, overtaken)


def _deleted_for_good(
    connection: Connection, scope: str, owner: str, before: Marker, deleted: Sequence[str]
) -> tuple[Marker, set[str]]:
    """Return the marker as it is now, and which keys it may forget: not what another apply put or announced since."""
    there = list_secrets(connection, scope)
    now = parse_marker(_marker_text(connection, scope, owner) or "") or before
    return now, {key for key in deleted if key not in there and now.of(key) == before.of(key)}


def keep_named(connection: Connection, scope: str, *, owner: str, puts: Sequence[Put]) -> None:
    """See that a scope's marker still names what was put, a while ago, and name again what it does not.

    A marker is read and written in two calls, and the API has no conditional write: another apply that had read it
    before this one recorded a key, and wrote it afterwards, took the key out of it. No marker names such a key, so it
    would be nobody's, and stay when the configs no longer declare it.

    Args:
        connection: the workspace.
        scope: the scope's name.
        owner: the set's id.
        puts: what this apply put; a key that is gone again is not named.
    """
    for _ in range(_TRIES):
        marker = parse_marker(_marker_text(connection, scope, owner) or "")
        if marker is None or all(marker.last_word(put.key) for put in puts):
            return
        there = list_secrets(connection, scope)
        lost = [put for put in puts if put.key in there and not marker.last_word(put.key)]
        if not lost:
            return
        announce(connection, scope, owner=owner, puts=lost)


def _stands(put: Put, marker: Marker) -> bool:
    """Tell whether nobody has announced or recorded another value since we announced this one."""
    return hmac.compare_digest(marker.last_word(put.key), marker.fingerprint(put.value))


def _overtaken(scope: str, puts: Sequence[Put]) -> ChangedSincePlanError:
    return ChangedSincePlanError(
        "changed since the plan: another apply put another value at the same time",
        call=_PUT_CALL,
        subject=", ".join(sorted(secret_address(scope, put.key) for put in puts)),
        remedy="see which value is meant, and run that apply again",
    )
