from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from local_workspace import Behaviour, Settings
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


@pytest.mark.parametrize(
    "wrong",
    [
        {"deploy_seconds": -1},
        {"deploy_seconds": float("inf")},
        {"latency_ms": float("nan")},
        {"upstreams": "real"},
        {"upstream_urls": (("anthropic", "ftp://127.0.0.1"),)},
        {"upstream_urls": (("anthropic", "127.0.0.1:9000"),)},
        {"upstream_urls": (("antropic", "http://127.0.0.1:9000"),)},
        {"allow_upstream": ("http://upstream.example.com/v1",)},
        {"allow_upstream": ("",)},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)


def test_a_switch_has_no_other_values_in_a_program_either() -> None:
    with pytest.raises(ValueError, match="busy_status must be one of 400, 409"):
        Behaviour(busy_status=418)
