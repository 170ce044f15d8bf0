"""Configs, key and answer through the caller's own OpenAI-compatible server: what it sees is exactly what was put."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from chat import ChatClient
from local_workspace import LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """\
bundle:
  name: own-upstream
resources:
  secret_scopes:
    llm:
      name: llm
      secrets:
        key: {{env: UPSTREAM_KEY}}
  model_serving_endpoints:
    relay:
      name: relay
      config:
        served_entities:
          - name: mine
            external_model:
              name: my-model
              provider: openai
              task: llm/v1/chat
              openai_config:
                openai_api_base: {base}
                openai_api_key: "{{{{secrets/llm/key}}}}"
"""


class Upstream(ThreadingHTTPServer):
    """An OpenAI-compatible server that remembers each request's credential, path and body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), UpstreamHandler)
        self.seen: list[tuple[str, str, dict[str, object]]] = []

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class UpstreamHandler(BaseHTTPRequestHandler):
    """Answers every chat completion with one word, streamed if asked to."""

    server: Upstream
    pieces: ClassVar = ["from ", "my ", "server"]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.headers["Authorization"], self.path, body))
        if body.get("stream"):
            self._stream()
            return
        message = {"role": "assistant", "content": "".join(self.pieces)}
        self._send(
            "application/json",
            json.dumps(
                {
                    "id": "x",
                    "object": "chat.completion",
                    "created": 1,
                    "model": "my-model",
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6},
                }
            ).encode(),
        )

    def _stream(self) -> None:
        chunks = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in self.pieces]
        chunks.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        lines = [
            json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [chunk]})
            for chunk in chunks
        ]
        self._send("text/event-stream", "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode())

    def _send(self, content_type: str, payload: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def workspace() -> Iterator[LocalWorkspace]:
    with LocalWorkspace() as running:
        yield running


def apply(config: Path, workspace: LocalWorkspace, key: str) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "PYTHONPATH": str(ROOT),
        "DATABRICKS_HOST": workspace.host,
        "DATABRICKS_TOKEN": workspace.token,
        "UPSTREAM_KEY": key,
    }
    return subprocess.run(
        [sys.executable, "-m", "provisioning", "apply", str(config), "--yes"],
        env=env,
        cwd=config.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_upstream_sees_exactly_the_key_that_was_put_and_after_a_rotation_the_new_one(
    upstream: Upstream, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    config = tmp_path / "databricks.yml"
    config.write_text(CONFIG.format(base=upstream.base), encoding="utf-8")

    # Not of OpenAI's form, and with characters that an encoding on the way would change.
    first, second = 'own-key/+=%41~|"quoted"', "own-key-rotated"
    applied = apply(config, workspace, first)
    assert applied.returncode == 0, applied.stderr

    with ChatClient("relay", host=workspace.host, token=workspace.token, wait=60) as client:
        assert str(client.invoke("Where are you from?")) == "from my server"
        pieces = [str(chunk) for chunk in client.stream("And streamed?")]
        assert "".join(pieces) == "from my server"
        assert {authorization for authorization, _, _ in upstream.seen} == {f"Bearer {first}"}
        assert {path for _, path, _ in upstream.seen} == {"/v1/chat/completions"}
        assert {body["model"] for _, _, body in upstream.seen} == {"my-model"}

        rotated = apply(config, workspace, second)
        assert rotated.returncode == 0, rotated.stderr
        assert str(client.invoke("Once more?")) == "from my server"
        assert upstream.seen[-1][0] == f"Bearer {second}"

    output = applied.stdout + applied.stderr + rotated.stdout + rotated.stderr
    assert first not in output
    assert second not in output
