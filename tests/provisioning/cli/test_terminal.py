"""What differs on a terminal: it asks, and it colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provisioning.cli.terminals import on_terminal

if TYPE_CHECKING:
    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs


@pytest.mark.parametrize(("answer", "applied"), [(b"n\n", False), (b"y\n", True)])
def test_terminal_is_asked_before_anything_is_written(
    workspace: WorkspaceHandle, configs: Configs, answer: bytes, *, applied: bool
) -> None:
    code, shown = on_terminal("apply", configs, answer=lambda _shown: answer)

    assert code == 0, shown
    assert "\x1b[32m" in shown
    assert any(each.method == "POST" for each in workspace.requests) is applied


@pytest.mark.usefixtures("workspace")
def test_no_color_is_respected(configs: Configs) -> None:
    _, shown = on_terminal("apply", configs, answer=lambda _shown: b"n\n", NO_COLOR="1")

    assert "\x1b[3" not in shown
