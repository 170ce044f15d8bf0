"""The workspace behind `--local`: no server to start, shared by every command that uses the same folder.

The first process takes a lock in the folder and serves from a daemon thread; later ones read host and token there
and connect. When the serving process ends while others still run, one of them gets the lock and serves on the same
port with the same token, so that a client's retry lands. Whoever holds the lock owns the database.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local_workspace.clock import Clock
from local_workspace.settings import Settings

FOLDER = ".local_workspace"

_DATABASE = "workspace.sqlite"
_ADDRESS = "address.json"
_LOCK = "lock"
_POLL = 0.05
_PATIENCE = 30.0


@dataclass(frozen=True)
class Embedded:
    """A workspace to talk to.

    Attributes:
        host: `http://127.0.0.1:PORT`.
        token: of the workspace's admin.
        state: the folder that keeps it.
    """

    host: str
    token: str
    state: Path

    def __repr__(self) -> str:
        return f"Embedded(host={self.host!r}, state={str(self.state)!r})"


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


def prepare_state(state: Path) -> Path:
    """Make a state folder that its owner alone can enter and that git ignores."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return state


@contextlib.contextmanager
def open_embedded(state: Path | None = None, *, settings: Settings | None = None) -> Iterator[Embedded]:
    """Serve the workspace of a folder, or connect to the process that does.

    Args:
        state: the folder; None: the nearest `.local_workspace/`, made here if there is none.
        settings: how it is run, if this process serves.

    Raises:
        OSError: the folder cannot be made or written.
        TimeoutError: another process holds the lock and did not say where it serves.
    """
    folder = prepare_state(state or find_state())
    member = _Member(folder, settings or Settings())
    try:
        yield member.join()
    finally:
        member.leave()


@contextlib.contextmanager
def exclusive(state: Path | None) -> Iterator[Path | None]:
    """Hold a state folder for this process alone, and give its database's path; None stands for none.

    Raises:
        BlockingIOError: another process serves this folder.
    """
    if state is None:
        yield None
        return
    folder = prepare_state(state)
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder / _DATABASE
    finally:
        os.close(lock)


class _Member:
    """One process's part: it serves, or stands by to take over."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._leaving = threading.Event()
        self._standby: threading.Thread | None = None
        self._close_server: contextlib.ExitStack = contextlib.ExitStack()

    def join(self) -> Embedded:
        """Return where the workspace answers."""
        deadline = time.monotonic() + _PATIENCE
        while not self._take_lock():
            found = self._connect()
            if found is not None:
                self._standby = threading.Thread(target=self._stand_by, name="local-workspace-standby", daemon=True)
                self._standby.start()
                return found
            if time.monotonic() >= deadline:
                raise TimeoutError(
                    f"another process holds {self._folder / _LOCK} but does not answer; end it, or use another --state"
                )
            # The other process has the lock and is about to write where it serves.
            self._leaving.wait(_POLL)
        return self._serve()

    def leave(self) -> None:
        """Stop serving, or standing by."""
        self._leaving.set()
        if self._standby is not None:
            self._standby.join()
        self._close_server.close()
        os.close(self._lock)

    def _stand_by(self) -> None:
        while not self._leaving.wait(_POLL):
            if self._take_lock():
                self._serve()
                return

    def _take_lock(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _serve(self) -> Embedded:
        # Imported by the one that serves: the others only talk to it.
        from local_workspace.app import build  # noqa: PLC0415
        from local_workspace.server import ServerThread  # noqa: PLC0415
        from local_workspace.store import Store  # noqa: PLC0415
        from local_workspace.workspace import Workspaces  # noqa: PLC0415

        listening = self._listen()
        store = Store(self._folder / _DATABASE)
        self._close_server.callback(store.close)
        workspaces = Workspaces(store, clock=Clock(), settings=self._settings)
        app = build(workspaces, store=store, latency_ms=self._settings.latency_ms)
        server = ServerThread(app, listening)
        self._close_server.callback(server.stop)
        host = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = Embedded(host, workspaces.default.token, self._folder)
        _write_private(self._folder / _ADDRESS, json.dumps({"host": serving.host, "token": serving.token}))
        return serving

    def _listen(self) -> socket.socket:
        """Listen where the last server did, so that its clients find this one; elsewhere if that port is taken."""
        from local_workspace.server import listen  # noqa: PLC0415 - see _serve

        last = self._address()
        if last is not None:
            with contextlib.suppress(OSError):
                return listen(int(last.host.rpartition(":")[2]))
        return listen()

    def _connect(self) -> Embedded | None:
        """Return the serving process's address, if something answers there."""
        found = self._address()
        if found is None:
            return None
        name, _, port = found.host.removeprefix("http://").rpartition(":")
        try:
            socket.create_connection((name, int(port)), timeout=_PATIENCE).close()
        except OSError:
            return None
        return found

    def _address(self) -> Embedded | None:
        try:
            written = json.loads((self._folder / _ADDRESS).read_text())
            return Embedded(str(written["host"]), str(written["token"]), self._folder)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _write_private(path: Path, text: str) -> None:
    """Replace a file that its owner alone can read; a reader sees the old text or the new, never half."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
