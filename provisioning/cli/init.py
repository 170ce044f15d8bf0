"""`init`: configs and workflows to start from."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioning.cli.new_files import write_new
from provisioning.scaffold.files import config_files, workflow_files

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_HOST = re.compile(r"https://[A-Za-z0-9.-]+")
_PATH = re.compile(r"[A-Za-z0-9._/-]+")
_EXAMPLE_HOST = "https://example.cloud.databricks.com"


@click.command()
@click.argument("configs", type=click.Path(path_type=Path, file_okay=False), default=Path("configs"))
@click.option("--name", default="llm-gateway", help="What the set is called, and what is in it after it.")
@click.option("--host", default=_EXAMPLE_HOST, metavar="URL", help="The workspace that target prod is.")
@click.option("--workflows/--no-workflows", default=True, help="Whether to write GitHub workflows as well.")
def init(configs: Path, *, name: str, host: str, workflows: bool) -> int:
    """Write a folder of configs to start from, and two GitHub workflows.

    One workflow plans on pull requests and applies on merge, signed in by OIDC federation; the other looks each
    day for changes made outside and keeps one issue about them. Nothing that exists is overwritten.
    """
    if not _NAME.fullmatch(name):
        raise click.UsageError("--name takes lower-case letters, digits and -, a letter first, at most 40")
    if not _HOST.fullmatch(host.rstrip("/")):
        raise click.UsageError("--host takes a workspace's address, such as https://adb-1.2.azuredatabricks.net")
    write_new(dict(_wanted(configs, name=name, host=host.rstrip("/"), workflows=workflows)))
    click.echo(f"next: python -m provisioning plan {configs} --local", err=True)
    return 0


def _wanted(configs: Path, *, name: str, host: str, workflows: bool) -> Iterator[tuple[Path, str]]:
    root = _repository(configs)
    inside = configs.resolve().relative_to(root).as_posix()
    if not _PATH.fullmatch(inside) or inside == ".":
        raise click.UsageError("name a folder in the repository by letters, digits, -, _ and .: workflows repeat it")
    for path, text in config_files(name=name, host=host, configs=inside).items():
        yield configs / path, text
    if workflows:
        for path, text in workflow_files(host=host, configs=inside, version=version("gatewright")).items():
            yield root / path, text


def _repository(configs: Path) -> Path:
    """Return the checkout that the folder is in, or else the folder that it is in."""
    folder = configs.resolve()
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder.parent)
