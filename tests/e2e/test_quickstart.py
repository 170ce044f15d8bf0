"""`scripts/quickstart` as a new user runs it: in a clone of their own, twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = Path(sys.prefix)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what git tracks, without a virtual environment or a state folder."""
    copy = tmp_path / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


def quickstart(clone: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "VENV": str(ENVIRONMENT)}
    return subprocess.run(
        ["bash", "scripts/quickstart"], cwd=clone, env=env, capture_output=True, text=True, timeout=180, check=False
    )


# The script would install into the environment that runs this test, if scripts/setup had not made it.
@pytest.mark.skipif(
    not list(ENVIRONMENT.glob(".installed-requirements-dev")), reason="needs an environment made by scripts/setup"
)
def test_quickstart_applies_waits_and_streams_and_a_second_run_changes_nothing(clone: Path) -> None:
    first = quickstart(clone)
    assert first.returncode == 0, first.stderr
    assert "model_serving_endpoints.my-chat" in first.stdout
    assert "READY" in first.stdout + first.stderr
    assert first.stdout.rstrip().splitlines()[-1]
    assert "sk-quickstart-stand-in" not in first.stdout + first.stderr

    second = quickstart(clone)
    assert second.returncode == 0, second.stderr
    assert "Nothing to do" in second.stdout
    assert second.stdout.splitlines()[-1] == first.stdout.splitlines()[-1]
