"""Each case plans, sends and says what was recorded, and every apply leaves nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.golden.conftest import Stage, Step


@pytest.mark.local_workspace(deploy_seconds=0.0, custom_deploy_seconds=0.0)
def test_case(case: list[Step], stage: Stage, *, regenerating: bool) -> None:
    code = None
    for step in case:
        played = stage.play(step)
        if regenerating:
            step.record(played.recordings)
        recorded = {name: step.recorded(name) for name in played.recordings}
        assert recorded == played.recordings, "read the diff that `pytest tests/golden --regenerate` makes"
        code = played.code
        if step.command == "apply" and code == 0:
            assert stage.pending(step) is None

    assert (case[-1].command, code) == ("apply", 0), "a case ends with an apply that leaves nothing to do"


def test_recorded_text_holds_no_secret(case: list[Step], recordings: list[str]) -> None:
    texts = [step.recorded(name) or "" for step in case for name in recordings]
    assert "never-shown" not in "".join(texts)


def test_what_others_change_is_put_back_at_once_except_in_production(cases: Mapping[str, list[Step]]) -> None:
    ended = {
        name: (steps[1].recorded("output.txt") or "", steps[1]) for name, steps in cases.items() if "outside" in name
    }
    for name, (said, step) in ended.items():
        blocked = name.startswith("production")
        assert said.endswith("exit 3\n" if blocked else "exit 0\n"), name
        assert ("--overwrite-outside-changes" in said) is blocked, name
        assert not (blocked and step.recorded("requests.jsonl")), name
