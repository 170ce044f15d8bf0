"""`--format json`: for programs that wait until the end: one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioning.cli.views import text
from provisioning.errors import ConfigError, UnfinishedError
from provisioning.model.events import Report
from provisioning.reporters import as_json, diagnostics
from provisioning.reporters.checkup import checkup_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.errors import Diagnostic, Position, ProvisioningError
    from provisioning.model.checkup import Check
    from provisioning.model.plan import Plan
    from provisioning.model.target_run import TargetRun
    from provisioning.model.workspace import Standing


class OneTarget(text.OneTarget):
    """One JSON object."""

    shows_plan_first = False

    def valid(self, sentence: str, found: Sequence[Diagnostic]) -> None:
        """Write the notes."""
        del sentence
        self._show(diagnostics.listed(found))

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Write the plan."""
        del positions, hint
        self._show(as_json.plan_object(made))

    def standings(self, found: Sequence[Standing]) -> None:
        """Write a list."""
        self._show(as_json.standings_object(found))

    def checkup(self, found: Sequence[Check]) -> None:
        """Write a list."""
        self._show(checkup_object(found))

    def report(self, report: Report) -> None:
        """Write the plan and how it ended."""
        self._show(as_json.outcome_object(report.plan, report.outcome))

    def failed(self, error: ProvisioningError) -> None:
        """Write what was found in the configs, or how far the apply came."""
        if isinstance(error, ConfigError):
            self._show(diagnostics.listed(error.diagnostics))
        elif isinstance(error, UnfinishedError) and isinstance(error.report, Report):
            self.report(error.report)

    def _show(self, result: Mapping[str, object]) -> None:
        click.echo(as_json.dumped(result))


class OneOfSeveral(OneTarget):
    """One target's object, kept until the others have theirs.

    Attributes:
        result: what one target alone would show; None before it is known.
    """

    result: Mapping[str, object] | None = None

    def _show(self, result: Mapping[str, object]) -> None:
        self.result = result


class SeveralTargets:
    """One JSON object with that of each target in it."""

    def __init__(self) -> None:
        self._views: dict[str, OneOfSeveral] = {}

    def of(self, target: str) -> OneTarget:
        """Return the view of one target's run."""
        return self._views.setdefault(target, OneOfSeveral(target))

    def finish(self, runs: Sequence[TargetRun]) -> None:
        """Write it."""
        reports = {name: view.result for name, view in self._views.items()}
        click.echo(as_json.dumped(as_json.targets_object(runs, reports)))
