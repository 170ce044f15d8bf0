"""Plans on disk: what `plan --out` writes and `apply --plan` reads."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioning.errors import ProvisioningError
from provisioning.planning.circumstances import Options
from provisioning.planning.plan_file import PlanFile, plan_file_text, read_plan_file

if TYPE_CHECKING:
    from provisioning.cli.flags import Place
    from provisioning.model.plan import Plan

_LARGEST = 64 * 1024 * 1024


def write(path: Path, place: Place, *, options: Options, made: Plan) -> None:
    """Write a plan, readable for this user alone: it holds no secret, but every setting and who has which right.

    Raises:
        ProvisioningError: it cannot be written.
    """
    content = PlanFile(
        configs=tuple(map(str, place.configs)), target=place.target, select=place.select, options=options, plan=made
    )
    try:
        # beside it first: who reads it finds a whole plan or none, and mkstemp's files are 0600
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(plan_file_text(content))
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise ProvisioningError(f"{path} cannot be written: {error.strerror}", remedy="choose another file") from error


def read(path: Path, place: Place, *, options: Options) -> tuple[Place, Options, Plan]:
    """Read a plan back, and what it was made from.

    Returns:
        The flags as they were when it was made, and the plan.

    Raises:
        UsageError: other flags are given beside it, which the plan already settles.
        ProvisioningError: it cannot be read.
    """
    if place.configs or place.target or place.select or options != Options():
        raise click.UsageError("--plan holds CONFIGS, --target, --select and what the plan may contain: leave them out")
    try:
        with path.open(encoding="utf-8") as stream:
            text = stream.read(_LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ProvisioningError(f"{path} cannot be read: {reason}", remedy="make it with `plan --out`") from error
    held = read_plan_file(text, name=str(path))
    configs = tuple(map(Path, held.configs))
    return dataclasses.replace(place, configs=configs, target=held.target, select=held.select), held.options, held.plan
