"""The one source of truth: a SQLite database, written before anything is answered.

A secret's value stands in `secrets.value` and nowhere else; keys given in plain text are kept there too. The
file is readable by its owner alone. Every write is one transaction that is on disk (`synchronous=FULL`) when it
returns, so that a workspace that is killed loses nothing it has answered.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from local_workspace.errors import UnusableStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence
    from pathlib import Path

_reading: ContextVar[sqlite3.Connection | None] = ContextVar("_reading", default=None)
"""The older copy that the current request reads, if it is to see one."""

T = TypeVar("T")

_MOST_REMEMBERED = 1024

_VERSION = 1
"""The schema's; a change that an older or newer database does not survive counts it up."""

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE workspaces (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE principals (
    workspace TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (workspace, name)
) WITHOUT ROWID;
CREATE TABLE memberships (
    workspace TEXT NOT NULL, member TEXT NOT NULL, team TEXT NOT NULL,
    PRIMARY KEY (workspace, member, team)
) WITHOUT ROWID;
CREATE TABLE tokens (
    digest BLOB PRIMARY KEY, workspace TEXT NOT NULL, principal TEXT NOT NULL, expires_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE scopes (
    id INTEGER PRIMARY KEY, workspace TEXT NOT NULL, folded TEXT NOT NULL, name TEXT NOT NULL,
    backend_type TEXT NOT NULL, keyvault TEXT, hidden INTEGER NOT NULL DEFAULT 0,
    UNIQUE (workspace, folded)
);
CREATE TABLE acls (
    scope INTEGER NOT NULL REFERENCES scopes (id) ON DELETE CASCADE,
    principal TEXT NOT NULL, permission TEXT NOT NULL,
    PRIMARY KEY (scope, principal)
) WITHOUT ROWID;
CREATE TABLE secrets (
    scope INTEGER NOT NULL REFERENCES scopes (id) ON DELETE CASCADE,
    key TEXT NOT NULL, value BLOB NOT NULL, updated_ms INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE TABLE endpoints (
    id TEXT PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,
    UNIQUE (workspace, name)
);
CREATE TABLE grants (
    workspace TEXT NOT NULL, object TEXT NOT NULL, principal TEXT NOT NULL, kind TEXT NOT NULL,
    level TEXT NOT NULL,
    PRIMARY KEY (workspace, object, principal, kind)
) WITHOUT ROWID;
"""

_SCHEMA_ADDED = """
CREATE TABLE IF NOT EXISTS table_rows (
    id INTEGER PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS rows_of_a_table ON table_rows (workspace, name, id);
"""
"""What a database of the same version may lack yet, and older programs leave alone."""


class Store:
    """A database and the lock that makes one write at a time.

    Args:
        path: the file, made with mode 0600 if it does not exist; None keeps everything in memory.

    Raises:
        UnusableStateError: the file cannot be opened, is no database, or one of another version.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._connection = _connect(path)
        self._snapshots: dict[str, sqlite3.Connection] = {}
        self._remembered: dict[Hashable, Any] = {}

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return (_reading.get() or self._connection).execute(sql, tuple(parameters)).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Row | None:
        """Return a query's first row, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one statement and return the number of rows it changed."""
        with self.transaction():
            self._remembered.clear()
            return self._connection.execute(sql, tuple(parameters)).rowcount

    def append(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Add a row to a table that nothing remembered is read from: what is remembered stays."""
        with self.transaction():
            self._connection.execute(sql, tuple(parameters))

    def remember(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return what a read gave since the last write, so that calls to endpoints need no query each.

        Args:
            key: names the read, its parameters included.
            read: asks the store and nothing else, not the clock either.
        """
        with self._lock:
            if _reading.get() is not None:
                return read()
            if key not in self._remembered:
                if len(self._remembered) >= _MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[key] = read()
            found: T = self._remembered[key]
            return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the statements within one write: all of it is on disk at the end, or none. May be nested."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._remembered.clear()
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def meta(self, key: str, default: str) -> str:
        """Return a stored fact about this database, storing `default` the first time it is asked for."""
        with self.transaction():
            self.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, default))
            found = self.row("SELECT value FROM meta WHERE key = ?", (key,))
        return default if found is None else str(found["value"])

    def set_meta(self, key: str, value: str) -> None:
        """Replace a stored fact about this database."""
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def keep_snapshot(self, reader: str) -> None:
        """Keep a copy, in memory, of how things stand before the next write.

        Args:
            reader: the workspace that will read it; the others' writes do not replace it.
        """
        with self._lock:
            self._drop_snapshot(reader)
            snapshot = self._snapshots[reader] = sqlite3.connect(":memory:", check_same_thread=False)
            snapshot.row_factory = sqlite3.Row
            self._connection.backup(snapshot)

    @contextmanager
    def reading_snapshot(self, reader: str) -> Iterator[None]:
        """Let the current request read the copy that was kept last for a workspace; the present state if none was."""
        mark = _reading.set(self._snapshots.get(reader))
        try:
            yield
        finally:
            _reading.reset(mark)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            for reader in list(self._snapshots):
                self._drop_snapshot(reader)
            self._connection.close()

    def _drop_snapshot(self, reader: str) -> None:
        snapshot = self._snapshots.pop(reader, None)
        if snapshot is not None:
            snapshot.close()


def _connect(path: Path | None) -> sqlite3.Connection:
    try:
        if path is not None:
            # Made before SQLite opens it: its journal files take over the database file's mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)
        connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise UnusableStateError(f"cannot open {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        _prepare(connection)
    except (UnusableStateError, sqlite3.Error) as error:
        connection.close()
        raise UnusableStateError(f"cannot use {path}: {error}; move it away, or use another folder") from error
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    new = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    if not new and version != _VERSION:
        raise UnusableStateError(f"it has version {version}, and this local_workspace knows version {_VERSION}")
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    if new:
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
    connection.executescript(f"BEGIN; {_SCHEMA_ADDED} COMMIT;")
