"""What the processes of a served entity print, kept to be read as its logs."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from local_workspace.upstreams.errors import without_secrets

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

_MOST_CHARACTERS = 4_000_000
_LONGEST_LINE = 65_536
"""In bytes; what is longer is cut there, and a secret that lies across a cut is not recognised."""
_TELLING_LENGTH = 6
"""Lines of a secret that are no longer are everybody's: a brace, a bracket."""


class Log:
    """The last lines of one served entity; it outlives the processes that wrote them."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._size = 0

    def text(self) -> str:
        """Return the lines."""
        return "".join(self._lines)

    def follow(self, process: subprocess.Popen[bytes], *, secrets: Sequence[str]) -> None:
        """Take what a process prints until it ends, line by line, and reap it.

        Args:
            process: its stdout is a pipe.
            secrets: values that are left out.
        """
        told = [*secrets, *(line.strip() for secret in secrets for line in secret.splitlines())]
        told = [secret for secret in told if secret in secrets or len(secret) > _TELLING_LENGTH]

        def take() -> None:
            with process:
                assert process.stdout is not None  # noqa: S101 - for mypy: started with a pipe
                while line := process.stdout.readline(_LONGEST_LINE):
                    self._keep(without_secrets(line.decode(errors="replace"), told))

        threading.Thread(target=take, name="model-log", daemon=True).start()

    def _keep(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line)
        while self._size > _MOST_CHARACTERS:
            self._size -= len(self._lines.popleft())
