"""The branch and commit that a folder is at, read from `.git` itself: no program is started to validate configs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def git_facts(folder: Path) -> dict[str, str]:
    """Return what `${bundle.git.branch}` and `${bundle.git.commit}` mean in a folder; nothing outside of a checkout.

    Args:
        folder: the bundle's folder.
    """
    try:
        directory = _git_directory(folder.resolve())
        if directory is None:
            return {}
        head = (directory / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return {"bundle.git.commit": head}
        reference = head.removeprefix("ref: ")
        facts = {"bundle.git.branch": reference.removeprefix("refs/heads/")}
        commit = _commit(directory, reference)
    except (OSError, ValueError):
        return {}
    return facts if commit is None else facts | {"bundle.git.commit": commit}


def _git_directory(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        found = parent / ".git"
        if found.is_dir():
            return found
        if found.is_file():  # a work tree or a submodule: the file names the directory
            return parent / found.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
    return None


def _commit(directory: Path, reference: str) -> str | None:
    shared = directory / "commondir"
    common = directory / shared.read_text(encoding="utf-8").strip() if shared.is_file() else directory
    loose = common / reference
    if loose.is_file():
        return loose.read_text(encoding="utf-8").strip()
    packed = common / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {reference}")), None)
