"""Files that a command writes for its user: new ones, or none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_new(wanted: Mapping[Path, str]) -> None:
    """Write files, and name each on stdout.

    Raises:
        ProvisioningError: one exists already, so that none was written; or one cannot be written.
    """
    if taken := [str(path) for path in wanted if path.exists()]:
        raise ProvisioningError(
            f"nothing is ever overwritten, and these exist: {', '.join(taken)}", remedy="name a new folder"
        )
    try:
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(str(path))
    except OSError as error:
        raise ProvisioningError(f"{error.filename} cannot be written: {error.strerror}") from error
