"""The tables that Databricks fills from calls: an endpoint's usage and its payloads, as rows that can be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_workspace.errors import missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.store import Store

USAGE = "system.serving.endpoint_usage"


class Tables:
    """The tables of one workspace.

    Args:
        store: where they are kept.
        workspace: the workspace's id.
    """

    def __init__(self, store: Store, workspace: str) -> None:
        self._store = store
        self._workspace = workspace

    def append(self, name: str, row: Mapping[str, Any]) -> None:
        """Add a row; a table begins with its first."""
        document = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        self._store.append("INSERT INTO table_rows VALUES (NULL, ?, ?, ?)", (self._workspace, name, document))

    def names(self) -> list[str]:
        """Return the names of the tables that have rows."""
        rows = self._store.rows(
            "SELECT DISTINCT name FROM table_rows WHERE workspace = ? ORDER BY name", (self._workspace,)
        )
        return [row["name"] for row in rows]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return a table's rows, oldest first.

        Raises:
            ApiError: there is no such table.
        """
        rows = self._store.rows(
            "SELECT document FROM table_rows WHERE workspace = ? AND name = ? ORDER BY id", (self._workspace, name)
        )
        if not rows:
            raise missing(f"Table '{name}' does not exist.")
        return [json.loads(row["document"]) for row in rows]


def payload_table(config: Mapping[str, Any]) -> str:
    """Return the full name of the table that an `inference_table_config` names."""
    return f"{config['catalog_name']}.{config['schema_name']}.{config['table_name_prefix']}_payload"
