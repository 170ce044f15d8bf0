from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from provisioning.config import load
from provisioning.errors import ConfigError, Diagnostic

if TYPE_CHECKING:
    from provisioning.model.workspace import Desired

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files, by name, into a folder called `set`, and return it."""

    def make(files: Mapping[str, str]) -> Path:
        folder = tmp_path / "set"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def loaded(write: Write) -> Callable[..., Desired]:
    """Load one file's text."""

    def run(text: str, **options: object) -> Desired:
        return load([write({"databricks.yml": text})], **({"environ": {}} | options))  # type: ignore[arg-type] # options are load's

    return run


@pytest.fixture
def found(write: Write) -> Callable[..., tuple[Diagnostic, ...]]:
    """Load files, or one file's text, and return everything reported, whether or not it stopped the load."""

    def run(files: Mapping[str, str] | str, **options: object) -> tuple[Diagnostic, ...]:
        folder = write({"databricks.yml": files} if isinstance(files, str) else files)
        try:
            return load([folder], **({"environ": {}} | options)).notes  # type: ignore[arg-type] # options are load's
        except ConfigError as error:
            return error.diagnostics

    return run
