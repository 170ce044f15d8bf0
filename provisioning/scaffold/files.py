"""The templates, filled in."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PINNED: Final[Mapping[str, str]] = {
    "CHECKOUT": "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0",
    "SETUP_PYTHON": "actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0",
    "UPLOAD_ARTIFACT": "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2",
}
"""The actions that workflows use: a tag can be moved to other code, a commit cannot."""

_PLACE = re.compile("@([A-Z_]+)@")


def config_files(*, name: str, host: str, configs: str) -> Mapping[str, str]:
    """Return the configs to start from, by their paths in the folder.

    Args:
        name: the set's name; the scope and the endpoint are called after it.
        host: the address of the workspace that target `prod` is.
        configs: the folder's path, as commands name it.
    """
    facts = {"NAME": name, "HOST": host, "CONFIGS": configs}
    return {
        "databricks.yml": _filled("databricks.yml", facts),
        "resources/scopes.yml": _filled("scopes.yml", facts),
        "resources/endpoints.yml": _filled("endpoints.yml", facts),
        f"{name}.secrets.yml": _filled("secrets.yml", facts),
    }


def workflow_files(*, host: str, configs: str, version: str) -> Mapping[str, str]:
    """Return the workflows for GitHub, by their paths in the repository.

    Args:
        host: the address of the workspace that target `prod` is.
        configs: the configs' path in the repository.
        version: the version of this tool that they are to install.
    """
    facts = {"HOST": host, "CONFIGS": configs, "VERSION": version, **PINNED}
    return {
        ".github/workflows/gatewright.yml": _filled("deploy.yml", facts),
        ".github/workflows/gatewright-drift.yml": _filled("drift.yml", facts),
    }


def _filled(template: str, facts: Mapping[str, str]) -> str:
    text = files("provisioning.scaffold").joinpath("templates", template).read_text(encoding="utf-8")
    return _PLACE.sub(lambda found: facts[found[1]], text)
