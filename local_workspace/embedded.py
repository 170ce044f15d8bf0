"""The workspace behind `--local`: no server to start, shared by every command that uses the same folder.

The first process takes the folder's lock and serves from a daemon thread; later ones read there where it answers,
and connect. When the serving process ends while others still run, one of them gets the lock and serves on the same
port with the same token, so that a client's retry lands.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_workspace.errors import ListenError
from local_workspace.settings import Settings
from local_workspace.state_folder import Address, StateFolder, find_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POLL = 0.05
_PATIENCE = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Embedded:
    """A workspace to talk to.

    Attributes:
        host: `http://127.0.0.1:PORT`.
        token: of the workspace's admin.
        state: the folder that keeps it.
    """

    host: str
    token: str = field(repr=False)
    state: Path


@contextlib.contextmanager
def open_embedded(state: Path | None = None, *, settings: Settings | None = None) -> Iterator[Embedded]:
    """Serve the workspace of a folder, or connect to the process that does.

    Args:
        state: the folder; None: the nearest `.local_workspace/`, made here if there is none.
        settings: how it is run, if this process serves.

    Raises:
        UnusableStateError: the folder cannot be made or written, or its database cannot be used.
        TimeoutError: another process holds the lock and did not say where it serves.
    """
    member = _Member(StateFolder(state or find_state()), settings or Settings())
    try:
        address = member.join()
        yield Embedded(address.host, address.token, member.folder.path)
    finally:
        member.leave()


class _Member:
    """One process's part: it serves, or stands by to take over."""

    def __init__(self, folder: StateFolder, settings: Settings) -> None:
        self.folder = folder
        self._settings = settings
        self._leaving = threading.Event()
        self._standby: threading.Thread | None = None
        self._serving = contextlib.ExitStack()

    def join(self) -> Address:
        """Return where the workspace answers."""
        deadline = time.monotonic() + _PATIENCE
        while not self.folder.take():
            address = self.folder.address()
            if address is not None and _answers(address):
                self._standby = threading.Thread(target=self._stand_by, name="local-workspace-standby", daemon=True)
                self._standby.start()
                return address
            if time.monotonic() >= deadline:
                raise TimeoutError(
                    f"another process holds {self.folder.path} but does not answer; end it, or use another folder"
                )
            # It has the lock and is about to write where it serves.
            self._leaving.wait(_POLL)
        return self._serve()

    def leave(self) -> None:
        """Stop serving, or standing by."""
        self._leaving.set()
        if self._standby is not None:
            self._standby.join()
        self._serving.close()
        self.folder.close()

    def _stand_by(self) -> None:
        while not self._leaving.wait(_POLL):
            if self.folder.take():
                try:
                    self._serve()
                except OSError as error:
                    _log.warning("cannot take over the local workspace: %s", error)
                return

    def _serve(self) -> Address:
        # Imported by the one that serves; the others only connect.
        from local_workspace.running import running  # noqa: PLC0415

        served = self._serving.enter_context(
            running(self._listen(), database=self.folder.database, settings=self._settings)
        )
        self.folder.announce(served.address)
        return served.address

    def _listen(self) -> socket.socket:
        """Listen where the last server did, so that its clients find this one; elsewhere if that port is taken."""
        from local_workspace.server import listen  # noqa: PLC0415 - see _serve

        last = self.folder.last_address()
        if last is not None:
            host, port = last.socket
            with contextlib.suppress(ListenError, ValueError):
                return listen(port, host=host)
        return listen()


def _answers(address: Address) -> bool:
    try:
        socket.create_connection(address.socket, timeout=_PATIENCE).close()
    except OSError:
        return False
    return True
