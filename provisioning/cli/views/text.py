"""`--format text`: for people."""

from __future__ import annotations

import contextlib
import sys
from functools import cached_property
from typing import TYPE_CHECKING

import click

from provisioning.cli.screen import STDERR
from provisioning.cli.terminal import painter
from provisioning.model.inert import inert
from provisioning.reporters import diagnostics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import SecretStr

    from provisioning.errors import Diagnostic, Position, ProvisioningError
    from provisioning.model.checkup import Check
    from provisioning.model.events import Event, Report
    from provisioning.model.plan import Plan
    from provisioning.model.target_run import TargetRun
    from provisioning.model.workspace import Standing
    from provisioning.reporters.progress import Progress


class OneTarget:
    """What people see of a run.

    Args:
        target: what each line begins with that would not tell whose it is; None where there is only one.

    Attributes:
        said: the last sum that was shown: of the plan, or of how it ended.
    """

    shows_plan_first = True

    def __init__(self, target: str | None = None) -> None:
        self._target = target
        self.said = ""

    def notes(self, found: Sequence[Diagnostic]) -> None:
        """Show notes on stderr."""
        if found:
            _say(diagnostics.text(found))

    def valid(self, sentence: str, found: Sequence[Diagnostic]) -> None:
        """Say it."""
        del found
        _show(sentence)

    def mask(self, value: SecretStr) -> None:
        """Conceal nothing: values are never shown."""

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Show fields and reasons."""
        from provisioning.reporters.text import plan_text, summary_text  # noqa: PLC0415 - `validate` needs no plan

        del positions
        self.said = summary_text(made)
        shown = plan_text(made, paint=painter(sys.stdout), hint=None if self._target else hint)
        _show(f"{shown}\n" if self._target else shown)

    def standings(self, found: Sequence[Standing]) -> None:
        """Show a table."""
        from provisioning.reporters.standings import standings_text  # noqa: PLC0415 - as above

        shown = standings_text(found)
        if self._target:
            heading = painter(sys.stdout)(f"target {inert(self._target)}", style="strong")
            shown = f"{heading}\n{shown}\n"
        _show(shown)

    def checkup(self, found: Sequence[Check]) -> None:
        """Show a list with remedies."""
        from provisioning.reporters.checkup import checkup_text  # noqa: PLC0415 - as above

        _show(checkup_text(found, paint=painter(sys.stdout)))

    def event(self, event: Event) -> None:
        """Write a line to stderr, if it is worth one."""
        # whoever read it may be gone (`| head`), and an apply must not stop in the middle for that
        with contextlib.suppress(OSError):
            if not STDERR.note(event, target=self._target) and (line := self._progress.line(event)):
                _say(self.harmless(self._labelled(line)))

    def harmless(self, line: str) -> str:
        """Return a line that does nothing but be read."""
        return line

    def report(self, report: Report) -> None:
        """Write the last line: the rest was seen."""
        from provisioning.reporters.progress import outcome_text  # noqa: PLC0415 - as above

        if report.outcome is not None:
            self.said = outcome_text(report.outcome)
            _say(self._labelled(self.said))

    def failed(self, error: ProvisioningError) -> None:
        """Say nothing here: stderr has it."""

    @cached_property
    def _progress(self) -> Progress:
        from provisioning.reporters.progress import Progress  # noqa: PLC0415 - as above

        return Progress(paint=painter(sys.stderr))

    def _labelled(self, line: str) -> str:
        return f"{inert(self._target)}: {line}" if self._target else line


class SeveralTargets:
    """What people see of several targets: each as it comes, and a table at the end."""

    def __init__(self) -> None:
        self._views: dict[str, OneTarget] = {}

    def of(self, target: str) -> OneTarget:
        """Return the view of one target's run."""
        return self._views.setdefault(target, OneTarget(target))

    def finish(self, runs: Sequence[TargetRun]) -> None:
        """Show the table."""
        from provisioning.reporters.targets import targets_text  # noqa: PLC0415 - one target needs none

        sums = {name: view.said for name, view in self._views.items()}
        _show(targets_text(runs, sums, paint=painter(sys.stdout)))


def _show(result: str) -> None:
    # stdout may be the same terminal
    with STDERR.above():
        click.echo(result)


def _say(line: str) -> None:
    with STDERR.above():
        click.echo(line, err=True)
