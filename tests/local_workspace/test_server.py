from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    import pytest


def test_the_end_of_a_server_cuts_off_what_waits_and_is_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    with LocalWorkspace() as workspace:
        workspace.faults.arm([{"kind": "latency", "ms": 600_000}])
        where = urlsplit(workspace.host)
        head = f"GET /x HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {workspace.token}\r\n\r\n"
        with socket.create_connection((where.hostname, where.port)) as waiting:
            waiting.sendall(head.encode())
            while not workspace.faults.view()[0]["hit"]:
                time.sleep(0.001)
            workspace.close()
            assert not _rest(waiting)
    assert not caplog.records


def _rest(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1000)
    except ConnectionResetError:
        return b""
