"""`--format github`: for the log of a GitHub Actions job, and for the steps that come after."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from provisioning.cli import github_actions
from provisioning.cli.views import text
from provisioning.errors import ConfigError, SourcesError
from provisioning.model.inert import inert
from provisioning.reporters import diagnostics
from provisioning.reporters.github import outputs, plan_annotations, plan_github, plan_log
from provisioning.reporters.markdown import plan_markdown, targets_markdown
from provisioning.reporters.targets import targets_text
from provisioning.reporters.text import summary_text
from provisioning.reporters.workflow_commands import Annotation, annotated, not_a_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import SecretStr

    from provisioning.errors import Diagnostic, Position, ProvisioningError
    from provisioning.model.plan import Plan
    from provisioning.model.target_run import TargetRun


class OneTarget(text.OneTarget):
    """Groups, annotations, masks, and what later steps ask for."""

    def notes(self, found: Sequence[Diagnostic]) -> None:
        """Pin each to its line."""
        self._annotate(diagnostics.pinned(found))

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
            github_actions.leave_for_later(plan_markdown(made, limit=github_actions.LONGEST_SUMMARY), outputs([made]))

    def failed(self, error: ProvisioningError) -> None:
        """Pin what is wrong to its line."""
        self._annotate(_annotations_of(error))

    def _annotate(self, found: Sequence[Annotation]) -> None:
        _echo(annotated(found))


class OneOfSeveral(OneTarget):
    """One target's part of a log.

    Attributes:
        made: its plan, once there is one.
        found: what is to be pinned to lines: GitHub counts what a step says, not what a target does.
    """

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.made: Plan | None = None
        self.found: list[Annotation] = []

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Write groups now, and the rest when all targets are through."""
        del hint
        self.made, self.said = made, summary_text(made)
        _echo(plan_log(made, of=made.target))
        self._annotate(plan_annotations(made, positions=positions))

    def _annotate(self, found: Sequence[Annotation]) -> None:
        self.found += found


class SeveralTargets:
    """The log of all targets, and one set of annotations, sums and outputs."""

    def __init__(self) -> None:
        self._views: dict[str, OneOfSeveral] = {}

    def of(self, target: str) -> OneOfSeveral:
        """Return the view of one target's run."""
        return self._views.setdefault(target, OneOfSeveral(target))

    def finish(self, runs: Sequence[TargetRun]) -> None:
        """Write annotations and a table, and leave the plans to the job's summary and to later steps."""
        found = [
            Annotation(each.level, f"{inert(name)}: {each.title}", each.message, each.position)
            for name, view in self._views.items()
            for each in view.found
        ]
        _echo(annotated(found))
        sums = {name: view.said for name, view in self._views.items()}
        _echo(map(not_a_command, targets_text(runs, sums).splitlines()))
        made = {name: view.made for name, view in self._views.items() if view.made is not None}
        if made and github_actions.is_runner(os.environ):
            summary = targets_markdown(runs, made, limit=github_actions.LONGEST_SUMMARY)
            github_actions.leave_for_later(summary, outputs(list(made.values())))


def _annotations_of(error: ProvisioningError) -> list[Annotation]:
    if isinstance(error, ConfigError):
        return diagnostics.pinned(error.diagnostics)
    problems = error.problems if isinstance(error, SourcesError) else (error,)
    return [
        Annotation("error", type(each).__name__.removesuffix("Error"), str(each), getattr(each, "position", None))
        for each in problems
    ]


def _echo(lines: Sequence[str] | map[str]) -> None:
    if listed := list(lines):
        click.echo("\n".join(listed))
