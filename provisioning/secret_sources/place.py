"""What a source is read with: the environment, the folder, and what the user allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.errors import Position


@dataclass(frozen=True)
class Place:
    """Where and with what a source is read.

    Attributes:
        environ: the environment.
        stdin: the standard input, as bytes.
        position: where the config declares the source; its folder is where relative paths start.
        allowed: the programs that a `command` source may run, besides those that the environment lists.
        hidden: environment variables that a started program must not see: those that hold other secrets.
    """

    environ: Mapping[str, str] = field(repr=False)
    stdin: BinaryIO = field(repr=False)
    position: Position | None = None
    allowed: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    @property
    def folder(self) -> Path:
        """The folder of the config file that declares the source, or else the current one."""
        return Path(self.position.file).parent if self.position is not None else Path()

    def path(self, written: str) -> Path:
        """Return a path as the config means it: relative to its own file, `~` for the home folder."""
        return self.folder / Path(written).expanduser()
