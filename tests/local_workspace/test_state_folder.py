from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local_workspace.embedded import open_embedded
from local_workspace.state_folder import Address, StateFolder, find_state

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = Address("http://127.0.0.1:4711", "dapi0")


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_the_nearest_folder_upward_is_used_and_else_one_is_made_here(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_state(below) == below / ".local_workspace"
    (tmp_path / ".local_workspace").mkdir()
    assert find_state(below) == tmp_path / ".local_workspace"
    (tmp_path / "a" / ".local_workspace").touch()
    assert find_state(below) == tmp_path / ".local_workspace"


def test_without_a_folder_the_embedded_workspace_takes_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".local_workspace").mkdir()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    with open_embedded() as embedded:
        assert embedded.state == tmp_path / ".local_workspace"


def test_an_address_counts_while_the_process_that_announced_it_runs(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as folder:
        assert folder.address() is None
        folder.announce(ADDRESS)
        assert (folder.address(), folder.last_address()) == (ADDRESS, ADDRESS)
        file = tmp_path / "address.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "pid": ended_process()}))
        assert (folder.address(), folder.last_address()) == (None, ADDRESS)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "\xff", '{"host": "x", "token": "y", "pid": 1}', '{"host": "http://127.0.0.1:1", "token": "y"}'],
)
def test_an_address_that_makes_no_sense_is_none_and_does_no_harm(tmp_path: Path, text: str) -> None:
    (tmp_path / "address.json").write_bytes(text.encode("latin-1"))
    with StateFolder(tmp_path) as folder:
        assert (folder.address(), folder.last_address()) == (None, None)
    with open_embedded(tmp_path) as embedded:
        assert json.loads((tmp_path / "address.json").read_text())["host"] == embedded.host


def test_nobody_is_sent_to_the_address_of_a_process_that_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_workspace.embedded._PATIENCE", 0.2)
    with open_embedded(tmp_path / "other") as another_program, StateFolder(tmp_path) as holder:
        assert holder.take()
        stale = {"host": another_program.host, "token": "dapi0", "pid": ended_process()}
        (tmp_path / "address.json").write_text(json.dumps(stale))
        with pytest.raises(TimeoutError, match="does not answer"), open_embedded(tmp_path):
            pass
        (tmp_path / "address.json").write_text(json.dumps({**stale, "pid": os.getpid()}))
        with open_embedded(tmp_path) as embedded:
            assert embedded.host == another_program.host
