from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from local_workspace import Behaviour
from local_workspace.faults import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "local_workspace.md").read_text(encoding="utf-8")


def test_every_switch_is_documented_with_its_default_first() -> None:
    for switch in fields(Behaviour):
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{switch.name}` |"))
        first = row.split("|")[2].split(",")[0].strip()
        assert first == str(switch.default).lower()


def test_every_kind_of_fault_is_documented() -> None:
    assert [kind for kind in KINDS if f"| `{kind}` |" not in PAGE] == []


def test_switches_are_read_as_the_command_line_gives_them() -> None:
    switches = ["busy_status=400", "ready_during_update=False", "key_freshness=per_config"]
    expected = Behaviour(busy_status=400, ready_during_update=False, key_freshness="per_config")
    assert Behaviour.parse(switches) == expected
