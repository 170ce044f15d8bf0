"""What a model's process sees of the machine: enough to run Python, no credential, and what its entity names."""

from __future__ import annotations

import os
import site
from pathlib import Path
from typing import TYPE_CHECKING

import local_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

_PASSED = (
    "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE",
    "TMPDIR", "TZ", "VIRTUAL_ENV",
)  # fmt: skip


def of_worker(*, home: Path, registry: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a model's process.

    Args:
        home: its home and working folder, empty: profiles and caches of the person who runs it are out of sight.
        registry: the MLflow registry's URI.
        variables: the entity's `environment_vars`, resolved.
    """
    root = str(Path(local_workspace.__file__).resolve().parents[1])
    paths = [root, variables.get("PYTHONPATH"), os.environ.get("PYTHONPATH")]
    return {
        **{name: os.environ[name] for name in _PASSED if name in os.environ},
        "PYTHONUSERBASE": site.getuserbase(),
        "PYTHONUNBUFFERED": "1",
        **variables,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HOME": str(home),
        "MLFLOW_TRACKING_URI": registry,
        "MLFLOW_REGISTRY_URI": registry,
        # MLflow 3.17 refuses a registry that is a folder, until it is told that it may be.
        "MLFLOW_ALLOW_FILE_STORE": "true",
        # MLflow reports its use to its makers unless it is told not to.
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
