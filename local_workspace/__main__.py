"""`python -m local_workspace`, and the console script `gatewright-local-workspace`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from local_workspace.cli import cli  # noqa: PLC0415 - the console script's start stays cheap

    cli(prog_name="local_workspace")


if __name__ == "__main__":
    main()
