"""What a GitHub Actions runner listens to besides a job's log: masks, the job's summary, values for later steps."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioning.reporters.workflow_commands import masks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

LONGEST_SUMMARY = 250_000
"""Characters of a step's summary: GitHub takes 1 MiB, and a character takes four bytes at most."""


def is_runner(environ: Mapping[str, str]) -> bool:
    """Tell whether a GitHub Actions runner reads our output."""
    return environ.get("GITHUB_ACTIONS") == "true"


def mask(value: SecretStr) -> None:
    """Tell the runner to conceal a value in the job's log.

    The command carries the value itself: it must reach nobody but a runner, which takes it out of the log. It goes
    to stderr, which the runner reads as well, since a workflow may well keep stdout in a file.
    """
    for command in masks(value.get_secret_value()):
        click.echo(command, err=True)


def leave_for_later(summary: str, counts: Mapping[str, str]) -> None:
    """Write a plan into the job's summary, and its counts where later steps find them.

    Args:
        summary: Markdown, of at most `LONGEST_SUMMARY` characters.
        counts: what later steps may ask for, by name.
    """
    listed = "".join(f"{name}={value}\n" for name, value in counts.items())
    for variable, text in (("GITHUB_STEP_SUMMARY", summary), ("GITHUB_OUTPUT", listed)):
        _append(os.environ.get(variable), text)


def _append(path: str | None, text: str) -> None:
    if not path:
        return
    # a plan that was made is not to fail for a summary that cannot be kept
    with contextlib.suppress(OSError), Path(path).open("a", encoding="utf-8") as file:
        file.write(text)
