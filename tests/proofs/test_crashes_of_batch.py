"""`chat batch` killed again and again: in the end each row stands in the output once."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from pathlib import Path

    from proving.sizes import Proof

ROWS = 60


def test_a_batch_killed_at_any_row_ends_with_each_row_once(proof: Proof, tmp_path: Path) -> None:
    dice = proof.dice()
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps({"custom_id": f"row-{n}", "prompt": f"Say {n}"}) + "\n" for n in range(ROWS)))
    with LocalWorkspace(deploy_seconds=0.0, latency_ms=5.0) as workspace:
        environment = os.environ | {"DATABRICKS_HOST": workspace.host, "DATABRICKS_TOKEN": workspace.token}
        for _ in range(proof.size(quick=2, full=50)):
            target.unlink(missing_ok=True)
            kept, ended = 0, None
            while ended is None:
                concurrency = str(dice.choice((1, 2, 8)))
                command = [sys.executable, "-m", "chat", "batch", "databricks-gpt-oss-120b", str(source), str(target)]
                command += ["--concurrency", concurrency, *(["--resume"] if target.exists() else [])]
                asked = len(workspace.requests) + dice.randrange(1, ROWS // 2)
                with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as child:
                    while ended is None and len(workspace.requests) < asked:
                        with contextlib.suppress(subprocess.TimeoutExpired):
                            ended = child.wait(0.005)
                    child.kill()
                    assert ended in {None, 0}, child.stderr and child.stderr.read()
                assert target.read_bytes().count(b"\n") >= kept if target.exists() else kept == 0
                kept = target.read_bytes().count(b"\n") if target.exists() else 0
                proof.tried("kills", ended is None)
            answered = [json.loads(line) for line in target.read_text().splitlines()]
            assert sorted(each["custom_id"] for each in answered) == sorted(f"row-{n}" for n in range(ROWS))
            assert {each["response"]["status_code"] for each in answered} == {200}
            proof.tried("batches")
