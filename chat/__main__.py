"""`python -m chat`, and the console script `gatewright-chat`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    from chat.cli import run  # noqa: PLC0415 - the console script's start stays cheap

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
