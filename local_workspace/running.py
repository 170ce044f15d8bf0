"""The wiring: a database, the workspaces in it, the application and a server thread, put together and taken apart."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_workspace.app import build
from local_workspace.clock import Clock
from local_workspace.server import ServerThread
from local_workspace.state_folder import Address
from local_workspace.store import Store
from local_workspace.workspace import Workspaces

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from local_workspace.settings import Settings


@dataclass(frozen=True)
class Running:
    """A server that answers.

    Attributes:
        address: where, and the default workspace's token.
        workspaces: what it serves.
        clock: its time.
    """

    address: Address
    workspaces: Workspaces
    clock: Clock


@contextlib.contextmanager
def running(
    listening: socket.socket, *, database: Path | None, settings: Settings, clock: Clock | None = None
) -> Iterator[Running]:
    """Serve from a daemon thread for as long as the block runs.

    Args:
        listening: from `server.listen`; closed at the end.
        database: the file that keeps everything; None keeps it in memory.
        settings: how the workspaces are run.
        clock: their time; None: the machine's.

    Raises:
        UnusableStateError: the database cannot be used.
    """
    clock = clock or Clock()
    with contextlib.ExitStack() as stack:
        stack.callback(listening.close)
        store = Store(database)
        stack.callback(store.close)
        ahead = float(store.meta("clock_ahead", "0"))
        stack.enter_context(clock.kept(ahead, keep=lambda seconds: store.set_meta("clock_ahead", str(seconds))))
        workspaces = Workspaces(store, clock=clock, settings=settings)
        name, port = listening.getsockname()[:2]
        host = f"[{name}]" if ":" in name else name
        server = ServerThread(build(workspaces, store=store, latency_ms=settings.latency_ms), listening)
        stack.callback(server.stop)
        yield Running(Address(f"http://{host}:{port}", workspaces.default.token), workspaces, clock)
