"""What differs on a terminal: it asks, and it colours."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs


def on_terminal(configs: Configs, answer: bytes, **environment: str) -> tuple[int, str]:
    """Run an apply on a terminal of its own, answer what it asks, and return the exit code and all it showed."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "provisioning", "apply", str(configs)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    shown = b""
    answered = False
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if b"Carry it out?" in shown and not answered:
            answered = bool(os.write(ours, answer))
    os.close(ours)
    return child.wait(timeout=30), shown.decode()


@pytest.mark.parametrize(("answer", "applied"), [(b"n\n", False), (b"y\n", True)])
def test_terminal_is_asked_before_anything_is_written(
    workspace: WorkspaceHandle, configs: Configs, answer: bytes, *, applied: bool
) -> None:
    code, shown = on_terminal(configs, answer)

    assert code == 0, shown
    assert "\x1b[32m" in shown
    assert any(each.method == "POST" for each in workspace.requests) is applied


@pytest.mark.usefixtures("workspace")
def test_no_color_is_respected(configs: Configs) -> None:
    _, shown = on_terminal(configs, b"n\n", NO_COLOR="1")

    assert "\x1b[3" not in shown
