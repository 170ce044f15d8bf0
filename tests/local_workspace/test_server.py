from __future__ import annotations

import resource
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local_workspace import LocalWorkspace
from local_workspace.server import allow_connections

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


def test_as_many_files_are_allowed_as_the_system_lets_have() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[0], 512), before[1]))
    try:
        allow_connections()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert hard == before[1]
    assert soft == (65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536))
