"""Which files make up the configs, and their text."""

from __future__ import annotations

import codecs
import stat
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Final

from provisioning.config.nodes import Node, Span
from provisioning.config.parser import parse
from provisioning.config.patterns import OutsideError, TooMuchToSearchError, files_matching, has_wildcards, is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioning.config.problems import Problems

ROOT_NAMES: Final = ("databricks.yml", "databricks.yaml", "bundle.yml", "bundle.yaml")
"""The names that a bundle's root file may have, as the databricks CLI looks for them."""

_SUFFIXES: Final = frozenset({".yml", ".yaml"})
_READABLE: Final = _SUFFIXES | {".json"}
"""What a config may be called. Anything else, a `.env` or a key, is not opened: diagnostics quote what they read."""
_SIDE_SUFFIXES: Final = (".secrets.yml", ".secrets.yaml")
_LARGEST: Final = 1024 * 1024


def read(path: Path, problems: Problems, *, inside: Path | None = None, asked_at: Span | None = None) -> Node | None:
    """Read and parse one file.

    Args:
        path: the file, as the user named it.
        problems: where everything wrong is reported.
        inside: the folder that the file may not leave, by its path or by a link; None for a file that the
            user named.
        asked_at: the place in the configs that asked for the file.

    Returns:
        The document, or None if it is empty or was reported.
    """
    at = asked_at or Span(str(path))
    try:
        if inside is not None and not Path(realpath(path)).is_relative_to(realpath(inside)):
            problems.add("P108", f"{path} lies outside of {inside}", at, remedy="copy the file into the folder")
            return None
        if path.suffix not in _READABLE and path.exists():
            remedy = "configs are called *.yml, *.yaml or *.json"
            problems.add("P107", f"{path} is not a config, by its name", at, remedy=remedy)
            return None
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            problems.add("P107", f"{path} is not a file", at)
            return None
        if state.st_size > _LARGEST:
            problems.add("P104", f"{path} is larger than {_LARGEST // 1024**2} MiB", at, remedy="split it")
            return None
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)  # the size is only what it was a moment ago
    except OSError as error:
        problems.add("P107", f"{path} cannot be read: {error.strerror or 'no such file'}", at)
        return None
    text = _decode(content, path, problems)
    if text is None:
        return None
    problems.remember(str(path), text)
    return parse(text, str(path), problems)


def root_file(folder: Path, problems: Problems) -> Path | None:
    """Return the folder's root file, or None if it has none."""
    found = [folder / name for name in ROOT_NAMES if (folder / name).is_file()]
    if len(found) > 1:
        message = f"{folder} has several root files: {', '.join(each.name for each in found)}"
        problems.add("P406", message, Span(str(found[1])), remedy="keep one of them")
    return found[0] if found else None


def yaml_files(folder: Path, problems: Problems) -> list[Path]:
    """List every YAML file directly in a folder, hidden ones left out, by name."""
    try:
        return sorted(each for each in folder.iterdir() if each.suffix in _SUFFIXES and not each.name.startswith("."))
    except OSError as error:
        problems.add("P107", f"{folder} cannot be read: {error.strerror}", Span(str(folder)))
        return []


def side_files(folders: set[Path], problems: Problems) -> list[Path]:
    """List the files with our additions (`*.secrets.yml`) in some folders, by name."""
    return sorted(each for folder in folders for each in yaml_files(folder, problems) if is_side_file(each))


def is_side_file(path: Path) -> bool:
    """Say whether a file holds our additions, by its name."""
    return path.name.endswith(_SIDE_SUFFIXES)


def included(include: Node, folder: Path, problems: Problems) -> Iterator[tuple[Path, Span]]:
    """Yield the files that a root file's `include` names, each once, and the place that names it.

    Args:
        include: the node under `include`.
        folder: the root file's folder, which globs are relative to.
        problems: where everything wrong is reported.
    """
    if not isinstance(include.value, list):
        if include.value is not None:
            problems.add("P203", "`include` must be a list", include)
        return
    seen: set[Path] = set()
    for entry in include.value:
        for match in _matches(entry, folder, problems):
            if match not in seen:
                seen.add(match)
                yield match, entry.span


def _matches(entry: Node, folder: Path, problems: Problems) -> list[Path]:
    pattern = entry.value
    if not isinstance(pattern, str) or not is_pattern(pattern):
        problems.add("P203", "an entry of `include` is a file pattern", entry, remedy="write it as in `parts/*.yml`")
        return []
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        remedy = "keep included files in the folder of the root file"
        problems.add("P108", f"the pattern {pattern!r} leaves the configs' folder", entry, remedy=remedy)
        return []
    try:
        matches = files_matching(pattern, folder)
    except OutsideError:
        remedy = "copy the folder, in place of the link"
        problems.add("P108", f"{pattern!r} leads out of {folder} by a link", entry, remedy=remedy)
        return []
    except TooMuchToSearchError:
        problems.add("P104", f"{pattern!r} leads through too many files", entry, remedy="name the folders in it")
        return []
    if not matches:
        # A bundle may hold a pattern for files to come; a file that is named must be there.
        code = "P110" if has_wildcards(pattern) else "P107"
        problems.add(code, f"{pattern!r} matches no file in {folder}", entry, remedy="correct it, or remove it")
    return matches


def _decode(content: bytes, path: Path, problems: Problems) -> str | None:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", errors="replace")) + 1
        span = Span(str(path), line, column)
        problems.add("P103", f"{path} is not UTF-8 text", span, remedy="save the file as UTF-8")
        return None
