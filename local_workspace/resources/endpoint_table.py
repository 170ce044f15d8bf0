"""Where serving endpoints are kept: one document each, read as it stands now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from local_workspace.resources import foundation
from local_workspace.resources.endpoint_record import Endpoint

if TYPE_CHECKING:
    from sqlite3 import Row

    from local_workspace.clock import Clock
    from local_workspace.store import Store


class EndpointTable:
    """The stored endpoints of one workspace. What was due has happened by the time one is read.

    Args:
        store: where they are kept.
        workspace: the workspace's id.
        clock: tells what was due.
    """

    def __init__(self, store: Store, workspace: str, *, clock: Clock) -> None:
        self._store = store
        self._workspace = workspace
        self._clock = clock

    def by_name(self, name: str) -> Endpoint | None:
        """Return an endpoint by its name, or None."""
        stored = self._store.remember(("endpoint", self._workspace, name), lambda: self._stored("name", name))
        return None if stored is None else stored.seen_at(self._clock.now_ms())

    def by_id(self, endpoint_id: str) -> Endpoint | None:
        """Return an endpoint by its id, or None."""
        stored = self._stored("id", endpoint_id)
        return None if stored is None else stored.seen_at(self._clock.now_ms())

    def all(self) -> list[Endpoint]:
        """Return all endpoints, by name."""
        rows = self._store.rows("SELECT document FROM endpoints WHERE workspace = ? ORDER BY name", (self._workspace,))
        now_ms = self._clock.now_ms()
        return [_parsed(row).seen_at(now_ms) for row in rows]

    def count(self) -> int:
        """Return how many endpoints were created; the workspace's own do not count."""
        row = self._store.row("SELECT count(*) AS n FROM endpoints WHERE workspace = ?", (self._workspace,))
        return (0 if row is None else int(row["n"])) - len(foundation.MODELS)

    def insert(self, endpoint: Endpoint) -> None:
        """Store a new endpoint."""
        self._store.execute(
            "INSERT INTO endpoints VALUES (?, ?, ?, ?)",
            (endpoint.id, self._workspace, endpoint.name, endpoint.to_json()),
        )

    def save(self, endpoint: Endpoint) -> Endpoint:
        """Store a changed endpoint, and return it stamped with the time."""
        stamped = replace(endpoint, updated_ms=self._clock.now_ms())
        self._store.execute("UPDATE endpoints SET document = ? WHERE id = ?", (stamped.to_json(), endpoint.id))
        return stamped

    def delete(self, endpoint: Endpoint) -> None:
        """Forget an endpoint."""
        self._store.execute("DELETE FROM endpoints WHERE id = ?", (endpoint.id,))

    def add_foundation(self) -> None:
        """Store those that a workspace has from the start, once."""
        for endpoint in foundation.endpoints(self._workspace):
            if self.by_name(endpoint.name) is None:
                self.insert(endpoint)

    def _stored(self, column: str, value: str) -> Endpoint | None:
        where = {"name": "workspace = ? AND name = ?", "id": "workspace = ? AND id = ?"}[column]
        row = self._store.row(f"SELECT document FROM endpoints WHERE {where}", (self._workspace, value))  # noqa: S608 - one of the two texts above
        return None if row is None else _parsed(row)


def _parsed(row: Row) -> Endpoint:
    return Endpoint.from_json(row["document"])
