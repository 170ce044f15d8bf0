"""`scripts/quickstart` as a new user runs it: in a clone of their own, twice."""

from __future__ import annotations

import hashlib
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


def set_up_by_the_script() -> bool:
    """Tell whether `scripts/setup` made this environment as it would now: else the script would install into it."""
    stamp = ENVIRONMENT / ".installed-requirements-dev"
    inputs = ["requirements-build.lock", "requirements-dev.lock", "pyproject.toml"]
    now = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in inputs)).hexdigest()
    return stamp.exists() and stamp.read_text(encoding="utf-8").strip() == now


@pytest.mark.skipif(not set_up_by_the_script(), reason="needs an environment that scripts/setup --dev made just so")
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
