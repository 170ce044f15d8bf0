"""The folder that keeps a workspace between runs: its database, its lock, and where it answers now.

Whoever holds the lock owns the database. The lock is the operating system's, so it is free again the moment its
process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from local_workspace.errors import UnusableStateError

FOLDER = ".local_workspace"


@dataclass(frozen=True)
class Address:
    """Where a workspace answers.

    Attributes:
        host: `http://127.0.0.1:PORT`.
        token: of the workspace's admin.
        socket: the host's address and port.

    Raises:
        ValueError: the host is no URL with a port.
    """

    host: str
    token: str = field(repr=False)
    socket: tuple[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find out where to connect."""
        url = urlsplit(self.host)
        if url.hostname is None or url.port is None:
            raise ValueError(f"no URL with a port: {self.host}")
        object.__setattr__(self, "socket", (url.hostname, url.port))

    def to_json(self) -> str:
        """Return the line that `serve` prints."""
        return json.dumps({"host": self.host, "token": self.token})


class StateFolder:
    """A folder that its owner alone can enter and that git ignores; made if it does not exist.

    Args:
        path: the folder.

    Raises:
        UnusableStateError: it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            ignore = path / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UnusableStateError(f"cannot use {path}: {error.strerror}") from error
        self.path = path

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.path / "workspace.sqlite"

    def take(self) -> bool:
        """Take the lock; False if another process, or another holder in this one, has it."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def require(self) -> None:
        """Take the lock.

        Raises:
            UnusableStateError: another process, or another holder in this one, has it.
        """
        if not self.take():
            raise UnusableStateError(f"{self.path} is in use: another process serves it")

    def announce(self, address: Address) -> None:
        """Write where the workspace answers; a reader sees the old address or the new, never half of one."""
        draft = self.path / f"address.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"host": address.host, "token": address.token, "pid": os.getpid()}, file)
        draft.replace(self.path / "address.json")

    def last_address(self) -> Address | None:
        """Return where the workspace answered last, or None if it never did."""
        announced = self._announced()
        return None if announced is None else announced[0]

    def address(self) -> Address | None:
        """Return where the workspace answers, or None while nobody that still runs has said so."""
        announced = self._announced()
        if announced is None:
            return None
        address, process = announced
        # Its port may be another program's by now, which must not be sent the token.
        return address if _runs(process) else None

    def _announced(self) -> tuple[Address, int] | None:
        try:
            written = json.loads((self.path / "address.json").read_text())
            address = Address(str(written["host"]), str(written["token"]))
            return address, int(written["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def close(self) -> None:
        """Give the lock back."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def find_state(start: Path | None = None) -> Path:
    """Return the nearest `.local_workspace/` from a folder upward, or where it would be made.

    Args:
        start: the folder to begin at; None: the current one.
    """
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    return here / FOLDER
