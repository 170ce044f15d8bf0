"""Runs a program for as long as whoever started this lives, and no longer.

Started as `python -I -S keeper.py PROGRAM ARGUMENT…`, with a pipe as its standard input. The pipe closes when its other
end is closed or its process is gone, SIGKILL included; the program cannot see that itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading


def main() -> int:
    """Run the program that the command line names, and return its exit code."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - it is what this is for

    def watch() -> None:
        os.read(0, 1)  # not by `sys.stdin`, whose lock Python would want back when it ends
        program.kill()

    threading.Thread(target=watch, daemon=True).start()
    return program.wait()


if __name__ == "__main__":
    sys.exit(main())
