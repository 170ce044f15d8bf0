"""Read what a folder keeps, without serving it: the workspace may be running meanwhile."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from local_workspace.errors import UnusableStateError
from local_workspace.resources.tables import Tables
from local_workspace.state_folder import StateFolder
from local_workspace.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_PARQUET = ".parquet"


class WriteError(Exception):
    """A table that cannot be written where it was asked for.

    Args:
        message: What is missing or wrong, and what to do.
    """


@contextmanager
def kept_tables(state: Path) -> Iterator[Tables]:
    """Open the tables of a folder's default workspace.

    Args:
        state: The folder.

    Raises:
        UnusableStateError: It keeps no workspace, or one that cannot be read.
    """
    database = StateFolder(state).database
    if not database.exists():
        raise UnusableStateError(f"{state} keeps no workspace")
    store = Store(database)
    try:
        yield Tables(store, store.meta("default_workspace", ""))
    finally:
        store.close()


def write_table(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write a table's rows to a file: Parquet if its name ends so, else JSON lines.

    Args:
        rows: The rows.
        path: The file, replaced if it exists.

    Raises:
        WriteError: It cannot be written, or takes a package that is not installed.
    """
    try:
        if path.suffix == _PARQUET:
            _write_parquet(rows, path)
        else:
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or error}") from error


def _write_parquet(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    try:
        import pyarrow as pa  # noqa: PLC0415 - not a dependency: used where it is installed
        from pyarrow import parquet  # noqa: PLC0415 - as above
    except ImportError as missing:
        raise WriteError("a .parquet file takes pyarrow: pip install pyarrow, or write a .jsonl file") from missing
    parquet.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
