"""Which MLflow registry custom models are loaded from, told by its URI."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

_VARIABLES = ("MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI")
_ON_DISK = frozenset({"sqlite", "file", ""})
_SERVED = frozenset({"http", "https"})
_DATABRICKS = frozenset({"databricks", "databricks-uc", "uc"})
_SQLITE = "sqlite:///"


def of_environment() -> str | None:
    """Return the first registry on this machine's disk that MLflow's variables name, or None."""
    for variable in _VARIABLES:
        uri = os.environ.get(variable, "").strip()
        if uri and uri not in _DATABRICKS and urlsplit(uri).scheme in _ON_DISK:
            return uri
    return None


def checked(uri: str) -> str:
    """Return a registry's URI as it means the same in any folder.

    Args:
        uri: of a database (`sqlite:///mlflow.db`), a folder, or an MLflow server.

    Raises:
        ValueError: it is none of these, or holds a password, which would end up in the workspace's state.
    """
    parts = urlsplit(uri)
    if parts.scheme == "sqlite" and Path(uri.removeprefix(_SQLITE)).name in {"", ":memory:", "sqlite:"}:
        raise ValueError("registry must be a database in a file: sqlite:///mlflow.db")
    if not uri or uri in _DATABRICKS or parts.scheme not in _ON_DISK | _SERVED:
        raise ValueError("registry must be a folder, a sqlite:/// URI, or the http URL of an MLflow server")
    if parts.username or parts.password:
        raise ValueError("registry must not hold a user or a password: the workspace's state would keep them")
    if parts.scheme in _SERVED:
        return uri
    if parts.scheme == "sqlite":
        return _SQLITE + str(Path(uri.removeprefix(_SQLITE)).absolute())
    path = unquote(parts.path) if parts.scheme == "file" else uri
    return Path(path).absolute().as_uri()


def is_there(uri: str) -> bool:
    """Return whether a registry, if it is on this machine's disk, exists.

    Args:
        uri: as `checked` returns it.
    """
    parts = urlsplit(uri)
    if parts.scheme == "sqlite":
        return Path(uri.removeprefix(_SQLITE)).is_file()
    return parts.scheme in _SERVED or Path(unquote(parts.path)).is_dir()
