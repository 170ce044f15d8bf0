"""What a run says in each `--format`: one class a format, all with the same few occasions to speak.

stdout carries the result alone, in the format that was asked for; what people follow meanwhile goes to stderr.
"""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

import click

from provisioning.cli import github_actions
from provisioning.cli.terminal import painter
from provisioning.errors import ConfigError, SourcesError, UnfinishedError
from provisioning.model.events import Report
from provisioning.reporters import as_json, diagnostics
from provisioning.reporters.checkup import checkup_json, checkup_text
from provisioning.reporters.github import plan_github
from provisioning.reporters.markdown import plan_markdown
from provisioning.reporters.progress import Progress, outcome_text
from provisioning.reporters.standings import standings_text
from provisioning.reporters.text import plan_text
from provisioning.reporters.workflow_commands import Annotation, annotated, not_a_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import SecretStr

    from provisioning.errors import Diagnostic, Position, ProvisioningError
    from provisioning.model.checkup import Check
    from provisioning.model.events import Event
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Standing


class View(Protocol):
    """How a run is shown.

    Attributes:
        shows_plan_first: whether an apply shows its plan before it is carried out.
    """

    shows_plan_first: bool

    def notes(self, found: Sequence[Diagnostic]) -> None:
        """Show what loading the configs found, errors apart."""

    def valid(self, sentence: str, found: Sequence[Diagnostic]) -> None:
        """Say that the configs are valid."""

    def mask(self, value: SecretStr) -> None:
        """Have a secret's value concealed by whoever keeps the log; called as soon as it was read."""

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Show a plan."""

    def standings(self, found: Sequence[Standing]) -> None:
        """Show what is live."""

    def checkup(self, found: Sequence[Check]) -> None:
        """Show what `doctor` found."""

    def event(self, event: Event) -> None:
        """Show something that happened in an apply."""

    def report(self, report: Report) -> None:
        """Show how an apply ended."""

    def failed(self, error: ProvisioningError) -> None:
        """Put an error into the result, for programs that read it there; people see it on stderr in any case."""


class TextView:
    """For people."""

    shows_plan_first = True

    def __init__(self) -> None:
        self._progress = Progress(paint=painter(sys.stderr))

    def notes(self, found: Sequence[Diagnostic]) -> None:
        """Show notes on stderr."""
        if found:
            click.echo(diagnostics.text(found), err=True)

    def valid(self, sentence: str, found: Sequence[Diagnostic]) -> None:
        """Say it."""
        del found
        click.echo(sentence)

    def mask(self, value: SecretStr) -> None:
        """Conceal nothing: values are never shown."""

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Show fields and reasons."""
        del positions
        click.echo(plan_text(made, paint=painter(sys.stdout), hint=hint))

    def standings(self, found: Sequence[Standing]) -> None:
        """Show a table."""
        click.echo(standings_text(found))

    def checkup(self, found: Sequence[Check]) -> None:
        """Show a list with remedies."""
        click.echo(checkup_text(found, paint=painter(sys.stdout)))

    def event(self, event: Event) -> None:
        """Write a line to stderr, if it is worth one."""
        # whoever read it may be gone (`| head`), and an apply must not stop in the middle for that
        with contextlib.suppress(OSError):
            if line := self._progress.line(event):
                click.echo(self.harmless(line), err=True)

    def harmless(self, line: str) -> str:
        """Return a line that does nothing but be read."""
        return line

    def report(self, report: Report) -> None:
        """Write the last line: the rest was seen."""
        if report.outcome is not None:
            click.echo(outcome_text(report.outcome), err=True)

    def failed(self, error: ProvisioningError) -> None:
        """Say nothing here: stderr has it."""


class JsonView(TextView):
    """For programs that wait until the end: one JSON object."""

    shows_plan_first = False

    def valid(self, sentence: str, found: Sequence[Diagnostic]) -> None:
        """Write the notes."""
        del sentence
        click.echo(diagnostics.as_json(found))

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Write the plan."""
        del positions, hint
        click.echo(as_json.plan_json(made))

    def standings(self, found: Sequence[Standing]) -> None:
        """Write a list."""
        click.echo(as_json.standings_json(found))

    def checkup(self, found: Sequence[Check]) -> None:
        """Write a list."""
        click.echo(checkup_json(found))

    def report(self, report: Report) -> None:
        """Write the plan and how it ended."""
        click.echo(as_json.outcome_json(report.plan, report.outcome))

    def failed(self, error: ProvisioningError) -> None:
        """Write what was found in the configs, or how far the apply came."""
        if isinstance(error, ConfigError):
            click.echo(diagnostics.as_json(error.diagnostics))
        elif isinstance(error, UnfinishedError) and isinstance(error.report, Report):
            self.report(error.report)


class JsonLinesView(TextView):
    """For programs that follow: a JSON object for each thing that happens."""

    def __init__(self) -> None:
        from provisioning.reporters.jsonl import JsonLines  # noqa: PLC0415 - its models cost only who asks for them

        super().__init__()
        self._lines = JsonLines(tool_version=version("gatewright"), now=lambda: datetime.now(UTC).isoformat())

    def notes(self, found: Sequence[Diagnostic]) -> None:
        """Write a line for each."""
        self._write(self._lines.diagnostics(found))

    def valid(self, sentence: str, found: Sequence[Diagnostic]) -> None:
        """Write who says so; the notes are there already."""
        del sentence, found
        self._write(self._lines.opening())

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Write a line for each object."""
        del hint
        self._write(self._lines.plan(made, positions=positions))

    def event(self, event: Event) -> None:
        """Write it."""
        with contextlib.suppress(OSError):
            self._write(self._lines.event(event))

    def report(self, report: Report) -> None:
        """Write how it ended."""
        if report.outcome is not None:
            self._write(self._lines.outcome(report.outcome))

    def failed(self, error: ProvisioningError) -> None:
        """Write what is wrong."""
        if isinstance(error, ConfigError):
            self._write(self._lines.diagnostics(error.diagnostics))
            return
        if isinstance(error, UnfinishedError) and isinstance(error.report, Report):
            self.report(error.report)
        self._write(self._lines.error(str(error), remedy=error.remedy))

    def _write(self, lines: str) -> None:
        if lines:
            click.echo(lines)


class MarkdownView(TextView):
    """For a comment on a pull request."""

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Write the comment."""
        del positions, hint
        click.echo(plan_markdown(made), nl=False)


class GithubView(TextView):
    """For the log of a GitHub Actions job, and for the steps that come after."""

    def notes(self, found: Sequence[Diagnostic]) -> None:
        """Pin each to its line."""
        if found:
            click.echo(diagnostics.github(found))

    def mask(self, value: SecretStr) -> None:
        """Tell the runner, and nobody else: outside of a runner the command would show what it is to hide."""
        if github_actions.is_runner(os.environ):
            github_actions.mask(value)

    def harmless(self, line: str) -> str:
        """Keep what a server wrote from being taken for a command."""
        return not_a_command(line)

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Write groups and annotations, and leave the plan to the job's summary and to later steps."""
        del hint
        click.echo(plan_github(made, positions=positions))
        if github_actions.is_runner(os.environ):
            github_actions.leave_for_later(made, os.environ)

    def failed(self, error: ProvisioningError) -> None:
        """Pin what is wrong to its line."""
        if isinstance(error, ConfigError):
            click.echo(diagnostics.github(error.diagnostics))
            return
        problems = error.problems if isinstance(error, SourcesError) else (error,)
        found = [
            Annotation("error", type(each).__name__.removesuffix("Error"), str(each), getattr(each, "position", None))
            for each in problems
        ]
        click.echo("\n".join(annotated(found)))


VIEWS: Mapping[str, Callable[[], View]] = {
    "text": TextView,
    "json": JsonView,
    "jsonl": JsonLinesView,
    "markdown": MarkdownView,
    "github": GithubView,
}
"""Each format's view, by the name that `--format` takes."""
