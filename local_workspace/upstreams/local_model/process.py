"""One llama.cpp server: started, listening, ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from local_workspace.upstreams.errors import without_secrets
from local_workspace.upstreams.local_model import keeper
from local_workspace.upstreams.local_model.installed import NAME

if TYPE_CHECKING:
    from local_workspace.upstreams.local_model.installed import Installed

LOAD_SECONDS = 120.0
"""How long the model may take to load; far longer than it does, for machines that are busy."""

_CONTEXT_TOKENS = 8192  # what the model was trained with
_MOST_TOKENS = 1024  # of an answer that sets no limit: this small a model may never end by itself
_PARALLEL_CALLS = 4
_LISTENING = re.compile(rb"listening on (http://127\.0\.0\.1:\d+)")
_LAST_LINES = 5
_PASSED = ("LANG", "LC_ALL", "PATH", "TMPDIR")


class ModelFailedError(Exception):
    """The server ended, or did not begin to listen; says what it last printed, without its key."""


class LlamaServer:
    """A llama.cpp server in a process of its own. It starts to load its model at once.

    Args:
        installed: what to run.
        key: what callers must show.
        port: where to listen on 127.0.0.1; 0: any that is free.

    Attributes:
        key: what callers must show.
        address: `http://127.0.0.1:PORT`, once it listens; or `ModelFailedError`.
        ended: set when it has ended.

    Raises:
        ModelFailedError: it cannot be started at all.
    """

    def __init__(self, installed: Installed, *, key: str, port: int = 0) -> None:
        self.key = key
        self.address: Future[str] = Future()
        self.ended = threading.Event()
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module, the installed server
                [sys.executable, "-I", "-S", str(keeper.__file__), *_command(installed, port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=_environment(installed, key),
                start_new_session=True,  # Ctrl-C is the workspace's business
            )
        except OSError as error:
            raise ModelFailedError(f"it could not be started: {error.strerror}") from error
        threading.Thread(target=self._follow, name="local-model-log", daemon=True).start()

    def stop(self) -> None:
        """End it, and wait until it has."""
        assert self._process.stdin is not None  # noqa: S101 - for mypy: started with a pipe
        self._process.stdin.close()
        self._process.wait()
        self.ended.set()

    def _follow(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - as above
        with self._process.stdout as printed:
            for line in printed:  # to the end: it would stop at a full pipe
                listening = _LISTENING.search(line)
                if listening is not None and not self.address.done():
                    self.address.set_result(listening[1].decode())
                self._last_lines.append(without_secrets(line.decode(errors="replace").strip(), [self.key]))
        if not self.address.done():
            self.address.set_exception(ModelFailedError("it ended: " + " / ".join(self._last_lines)))
        self.stop()


def _command(installed: Installed, port: int) -> list[str]:
    return [
        str(installed.server),
        *("--model", str(installed.weights), "--alias", NAME),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--ctx-size", str(_CONTEXT_TOKENS), "--kv-unified", "--parallel", str(_PARALLEL_CALLS)),
        *("--predict", str(_MOST_TOKENS)),
        # Its threads wait for each other by spinning: as many as there are cores would stall on a busy machine.
        *("--threads", str(min(4, (os.cpu_count() or 2) // 2 or 1))),
        # Looking for a GPU and a dry run take far longer than a model of this size needs to load.
        *("--device", "none", "--fit", "off", "--no-warmup"),
        *("--offline", "--no-ui", "--no-slots"),
    ]


def _environment(installed: Installed, key: str) -> dict[str, str]:
    """What the server sees; the key is not among its arguments, which every user of the machine can read."""
    return {
        **{name: os.environ[name] for name in _PASSED if name in os.environ},
        "HOME": str(Path(os.devnull)),
        "LD_LIBRARY_PATH": str(installed.server.parent),
        "LLAMA_API_KEY": key,
    }
