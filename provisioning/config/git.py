"""The branch and commit that a folder is at, read from `.git` itself: no program is started to validate configs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_REFERENCE = re.compile(r"refs/[^\x00-\x20\x7f~^:?*\[\\]+")
"""What git takes for the name of a branch: whatever else `HEAD` says is not looked up, as a path, nor shown."""
_LONGEST_LINE = 4096


def git_facts(folder: Path) -> dict[str, str]:
    """Return what `${bundle.git.branch}` and `${bundle.git.commit}` mean in a folder; nothing outside of a checkout.

    Args:
        folder: the bundle's folder.
    """
    try:
        directory = _git_directory(folder.resolve())
        if directory is None:
            return {}
        head = _line(directory / "HEAD")
        if not head.startswith("ref: "):
            return {"bundle.git.commit": head} if _COMMIT.fullmatch(head) else {}
        reference = head.removeprefix("ref: ")
        if ".." in reference or not _REFERENCE.fullmatch(reference):
            return {}
        facts = {"bundle.git.branch": reference.removeprefix("refs/heads/")}
        commit = _commit(directory, reference)
    except (OSError, ValueError):
        return {}
    return facts | {"bundle.git.commit": commit} if commit and _COMMIT.fullmatch(commit) else facts


def _git_directory(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        found = parent / ".git"
        if found.is_dir():
            return found
        if found.is_file():  # a work tree or a submodule: the file names the directory
            return parent / _line(found).removeprefix("gitdir: ")
    return None


def _commit(directory: Path, reference: str) -> str | None:
    shared = directory / "commondir"
    common = directory / _line(shared) if shared.is_file() else directory
    loose = common / reference
    if loose.is_file():
        return _line(loose)
    packed = common / "packed-refs"
    if not packed.is_file():
        return None
    with packed.open(encoding="utf-8") as lines:
        return next((line.partition(" ")[0] for line in lines if line.rstrip("\n").endswith(f" {reference}")), None)


def _line(path: Path) -> str:
    """Read a file of one line; where a pipe or a device is put in its place, nothing is read for ever."""
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8") as file:
        return file.read(_LONGEST_LINE).strip()
