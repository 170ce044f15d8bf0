"""Custom models from the registry to the chat: the documentation's example."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "local_workspace.md"
EXAMPLE = ROOT / "docs" / "examples" / "custom_model"
PATIENCE = 180


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """What a reader's shell has: this interpreter as `python`, and nothing of the developer's."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    path = f"{Path(sys.executable).parent}:{tmp_path / 'bin'}:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}


def test_the_example_registers_deploys_and_answers(tmp_path: Path, shell: dict[str, str]) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "example")
    block = re.search(r"```sh\n(export MLFLOW_TRACKING_URI.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    done = subprocess.run(
        ["bash", "-euc", block[1]],
        cwd=tmp_path / "example",
        env=shell,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "models:/main.default.parrot/1" in done.stdout
    assert "model_serving_endpoints.parrot: READY after" in done.stderr
    assert "You said: How are you?" in done.stdout
    assert "You |said: |One |word |after |the |other ||" in done.stdout
