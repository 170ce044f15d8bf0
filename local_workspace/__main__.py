"""`python -m local_workspace`, and the console script `gatewright-local-workspace`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from local_workspace.cli import cli  # noqa: PLC0415 - a Ctrl-C while it loads shows no traceback

        cli(prog_name="local_workspace")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
