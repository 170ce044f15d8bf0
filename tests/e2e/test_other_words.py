"""The same configs in other words are the same configs: once applied, none of them leaves anything to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provisioning.cli import run

if TYPE_CHECKING:
    from local_workspace.local import LocalWorkspace

WORDINGS = Path(__file__).parent / "wordings"
AS_APPLIED = WORDINGS / "as-applied"
OTHERS = sorted(each for each in WORDINGS.iterdir() if each != AS_APPLIED)


@pytest.mark.local_workspace(deploy_seconds=0.0, custom_deploy_seconds=0.0)
@pytest.mark.parametrize("other", OTHERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("turned", [False, True], ids=["", "applied so"])
def test_other_words_leave_nothing_to_do(
    other: Path,
    *,
    turned: bool,
    databricks_env: LocalWorkspace,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORDS_KEY", "sk-in-other-words")
    before, after = (other, AS_APPLIED) if turned else (AS_APPLIED, other)
    assert run(["apply", str(before), "--yes"]) == 0, capsys.readouterr().err
    databricks_env.requests.clear()
    capsys.readouterr()

    code = run(["apply", str(after), "--yes"])

    out, err = capsys.readouterr()
    assert code == 0, err
    assert [each for each in databricks_env.requests if each.method != "GET"] == [], out
