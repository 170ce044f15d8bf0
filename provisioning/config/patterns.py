"""The files that a pattern of `include` matches. A config's own words: so the search is bounded, and stays inside."""

from __future__ import annotations

import os
import re
from fnmatch import translate
from os.path import isdir, isfile, realpath
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANY_DEPTH: Final = "**"
_WILDCARDS: Final = frozenset("*?[")
_LONGEST: Final = 1_000
_MOST_LOOKED_AT: Final = 50_000


class TooMuchToSearchError(Exception):
    """A pattern leads through more files and folders than any bundle has."""


class OutsideError(Exception):
    """A pattern names a link that leaves the folder."""


def is_pattern(text: str) -> bool:
    """Say whether a text is a pattern at all.

    Python 3.13 takes `**x` for `*x`, older ones refuse it: a config must not mean two things.
    """
    parts = Path(text).parts if len(text) <= _LONGEST and "\0" not in text else ()
    deep = [part for part in parts if _ANY_DEPTH in part]
    return bool(parts) and deep in ([], [_ANY_DEPTH])  # with two, each folder would be searched for each above it


def has_wildcards(pattern: str) -> bool:
    """Say whether a pattern may match several files, or none yet."""
    return bool(_WILDCARDS & set(pattern))


def files_matching(pattern: str, folder: Path) -> list[Path]:
    """Return the files that a pattern matches, by name.

    Args:
        pattern: relative to the folder, without `..`; `**` stands for folders in any depth.
        folder: what is searched. Links to folders are followed inside of it alone; a link to a file is returned.

    Raises:
        OutsideError: it names a link that leads elsewhere.
        TooMuchToSearchError: the search was given up.
    """
    search = _Search(folder)
    places = [folder]
    *above, last = Path(pattern).parts
    for part in above:
        # two ways to one folder are one: links in a circle would multiply with each part of the pattern
        found = {realpath(each): each for place in places for each in search.children(place, part)}
        inside = {where: each for where, each in found.items() if search.holds(where)}
        if inside != found and not has_wildcards(part):
            raise OutsideError
        places = [each for where, each in inside.items() if isdir(where)]  # noqa: PTH112 - a name too long raises there
    return sorted(
        each
        for place in places
        for each in search.children(place, last)
        if isfile(each)  # noqa: PTH113 - as above
    )


class _Search:
    def __init__(self, folder: Path) -> None:
        self._root = realpath(folder)
        self._left = _MOST_LOOKED_AT

    def holds(self, where: str) -> bool:
        """Say whether a path without links in it is inside of the folder."""
        return where == self._root or where.startswith(f"{self._root}{os.sep}")

    def children(self, place: Path, part: str) -> Iterator[Path]:
        """Yield what one part of a pattern matches in a folder."""
        if part == _ANY_DEPTH:
            yield from self._folders_below(place)
        elif not has_wildcards(part):
            yield place / part
        else:
            matches = re.compile(translate(part)).match
            yield from (Path(each.path) for each in self._entries(place) if matches(each.name))

    def _folders_below(self, place: Path) -> Iterator[Path]:
        waiting = [place]
        while waiting:
            yield (at := waiting.pop())
            waiting += [Path(each.path) for each in self._entries(at) if each.is_dir(follow_symlinks=False)]

    def _entries(self, place: Path) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(place) as entries:
                for each in entries:
                    self._left -= 1
                    if self._left < 0:
                        raise TooMuchToSearchError
                    yield each
        except OSError:  # as a pattern that matches nothing there
            return
