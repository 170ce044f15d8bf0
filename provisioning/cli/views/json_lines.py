"""`--format jsonl`: for programs that follow: a JSON object for each thing that happens."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import click

from provisioning.cli.views import text
from provisioning.errors import ConfigError, UnfinishedError
from provisioning.model.events import Report
from provisioning.reporters.jsonl import JsonLines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.errors import Diagnostic, Position, ProvisioningError
    from provisioning.model.events import Event
    from provisioning.model.plan import Plan
    from provisioning.model.target_run import TargetRun


class OneTarget(text.OneTarget):
    """A line for each thing that happens.

    Args:
        lines: makes them; several targets share what is said once.
    """

    def __init__(self, lines: JsonLines | None = None) -> None:
        super().__init__()
        self._lines = lines or _lines()

    def notes(self, found: Sequence[Diagnostic]) -> None:
        """Write a line for each."""
        _write(self._lines.diagnostics(found))

    def valid(self, sentence: str, found: Sequence[Diagnostic]) -> None:
        """Write who says so; the notes are there already."""
        del sentence, found
        _write(self._lines.opening())

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Write a line for each object."""
        del hint
        _write(self._lines.plan(made, positions=positions))

    def event(self, event: Event) -> None:
        """Write it."""
        with contextlib.suppress(OSError):
            _write(self._lines.event(event))

    def report(self, report: Report) -> None:
        """Write how it ended."""
        if report.outcome is not None:
            _write(self._lines.outcome(report.outcome))

    def failed(self, error: ProvisioningError) -> None:
        """Write what is wrong."""
        if isinstance(error, ConfigError):
            _write(self._lines.diagnostics(error.diagnostics))
            return
        if isinstance(error, UnfinishedError) and isinstance(error.report, Report):
            self.report(error.report)
        _write(self._lines.error(str(error), remedy=error.remedy))


class SeveralTargets:
    """The lines of all targets, each with its target, and one at the end that sums them up."""

    def __init__(self) -> None:
        self._lines = _lines()

    def of(self, target: str) -> OneTarget:
        """Return the view of one target's run."""
        _write(self._lines.opening())
        return OneTarget(self._lines.of(target))

    def finish(self, runs: Sequence[TargetRun]) -> None:
        """Write the last line."""
        _write(self._lines.targets(runs))


def _lines() -> JsonLines:
    return JsonLines(tool_version=version("gatewright"), now=lambda: datetime.now(UTC).isoformat())


def _write(lines: str) -> None:
    if lines:
        click.echo(lines)
