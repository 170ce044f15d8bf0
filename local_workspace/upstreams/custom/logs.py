"""What the processes of a served entity print, kept to be read as its logs."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from local_workspace.upstreams.errors import without_secrets

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

_MOST_LINES = 2000
_LONGEST_LINE = 4096


class Log:
    """The last lines of one served entity; it outlives the processes that wrote them."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)

    def text(self) -> str:
        """Return the lines."""
        return "".join(self._lines)

    def follow(self, process: subprocess.Popen[bytes], *, secrets: Sequence[str]) -> None:
        """Take what a process prints until it ends, and reap it.

        Args:
            process: its stdout is a pipe.
            secrets: values that are left out.
        """

        def take() -> None:
            with process:
                assert process.stdout is not None  # noqa: S101 - for mypy: started with a pipe
                while line := process.stdout.readline(_LONGEST_LINE):
                    self._lines.append(without_secrets(line.decode(errors="replace"), secrets))

        threading.Thread(target=take, name="model-log", daemon=True).start()
