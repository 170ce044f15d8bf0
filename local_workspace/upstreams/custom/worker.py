"""The process of one served model: loads it, answers calls, and ends with the workspace that started it.

Started as `python -P -m local_workspace.upstreams.custom.worker FD`, where FD is one end of a socket pair, as the
leader of a session, in a scratch folder of its own.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from local_workspace.upstreams.custom.loaded import LoadedModel

if TYPE_CHECKING:
    from io import BufferedReader

PARALLEL_CALLS = 4
"""What a `Small` workload answers at a time."""

_OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""While a model is loaded: MLflow brings two thousand modules, and Python looked through them hundreds of times."""


class Worker:
    """Answers what comes over a socket.

    Args:
        channel: this end of the pair.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._home = Path.cwd()  # asked for now: a model may go anywhere, and what is there is not ours to remove
        self._writing = threading.Lock()
        self._asked: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._canceled: set[int] = set()

    def run(self) -> None:
        """Load the model and answer until the workspace is gone."""
        lines = self._channel.makefile("rb")
        launch = json.loads(lines.readline())
        resource.setrlimit(resource.RLIMIT_DATA, (launch["memory_bytes"],) * 2)
        # Before the model is loaded: that takes long, and must not outlive the workspace either.
        threading.Thread(target=self._listen, args=(lines,), daemon=True).start()
        usual = gc.get_threshold()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        try:
            model = LoadedModel.load(launch["uri"])
        except BaseException as error:  # noqa: BLE001 - the process's boundary: a model's code may raise anything, SystemExit too
            self._tell({"failed": _named(error)})
            return
        gc.freeze()
        gc.set_threshold(*usual)
        self._tell({"loaded": {"task": model.task}})
        with ThreadPoolExecutor(PARALLEL_CALLS) as pool:
            while True:
                pool.submit(self._answer, model, self._asked.get())

    def _listen(self, lines: BufferedReader) -> None:
        for line in lines:
            asked = json.loads(line)
            if "cancel" in asked:
                self._canceled.add(asked["cancel"])
            else:
                self._asked.put(asked)
        shutil.rmtree(self._home, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)  # whatever the model started, and this process, even if a call never returns

    def _answer(self, model: LoadedModel, asked: dict[str, Any]) -> None:
        call = asked["call"]
        if asked["stream"]:
            for frame in model.stream(asked["body"]):
                if call in self._canceled:
                    break
                self._tell({"call": call, **frame})
        else:
            self._tell({"call": call, **model.answer(asked["body"])})
        self._canceled.discard(call)

    def _tell(self, frame: dict[str, Any]) -> None:
        line = json.dumps(frame, separators=(",", ":")).encode() + b"\n"
        with self._writing:
            self._channel.sendall(line)


def _named(error: BaseException) -> str:
    said = str(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def main() -> None:
    """Serve the socket that the command line names."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)  # else what the model starts would keep it open
    Worker(channel).run()


if __name__ == "__main__":
    main()
