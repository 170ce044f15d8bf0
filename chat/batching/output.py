"""The output of a batch: a file to which each finished row is added at once, so that a kill loses none."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from chat.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import TextIOWrapper


class Output:
    """The lines of finished rows. Use it in a `with`.

    Args:
        target: the file.
        resume: whether it may exist: then its answered rows are kept, and those that failed are asked again.

    Raises:
        InvalidRequestError: it exists although this is no resumption, or it cannot be written.
    """

    def __init__(self, target: Path, *, resume: bool) -> None:
        self._target = target
        self.done = _kept(target) if resume and target.exists() else frozenset()
        try:
            # "x": of two batches that begin at once, one is told.
            self._file: TextIOWrapper = target.open("a" if resume else "x", encoding="utf-8")
        except FileExistsError as error:
            remedy = "Go on with it by --resume (resume=True), or name another file."
            raise InvalidRequestError(f"{target} exists already; nothing was sent.", remedy=remedy) from error
        except OSError as error:
            raise InvalidRequestError(f"{target} cannot be written: {error}.", remedy="Name another file.") from error

    def add(self, line: Mapping[str, object]) -> None:
        """Add a row's line; when this returns it outlives a kill of the process."""
        self._file.write(f"{json.dumps(line, ensure_ascii=False)}\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()


def _kept(target: Path) -> frozenset[str]:
    """Find the answered rows of an earlier run, and leave nothing else in the file."""
    answered: dict[str, bytes] = {}
    content = target.read_bytes()
    for line in content.splitlines(keepends=True):
        key = _answered(line)
        if key is not None:
            answered.setdefault(key, line)
    wanted = b"".join(answered.values())
    if wanted != content:
        _replace(target, wanted)
    return frozenset(answered)


def _answered(line: bytes) -> str | None:
    """Name the row that a line answers; None for one that failed, or that a kill has cut."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    if not line.endswith(b"\n") or not isinstance(told, dict) or told.get("error") is not None:
        return None
    return str(told["custom_id"]) if "custom_id" in told else None


def _replace(target: Path, content: bytes) -> None:
    """Replace a file in one step: a kill leaves the old one or the new one."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(target)
