"""`--format markdown`: for a comment on a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioning.cli.views import text
from provisioning.reporters.markdown import plan_markdown, targets_markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.errors import Position
    from provisioning.model.plan import Plan
    from provisioning.model.target_run import TargetRun


class OneTarget(text.OneTarget):
    """A comment."""

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Write the comment."""
        del positions, hint
        click.echo(plan_markdown(made), nl=False)


class OneOfSeveral(text.OneTarget):
    """One target's part of a comment.

    Args:
        plans: where its plan is kept until the others have theirs.
    """

    def __init__(self, target: str, plans: dict[str, Plan]) -> None:
        super().__init__(target)
        self._plans = plans

    def plan(self, made: Plan, *, positions: Mapping[str, Position], hint: str | None = None) -> None:
        """Keep it."""
        del positions, hint
        self._plans[made.target] = made


class SeveralTargets:
    """One comment with the plans of all targets."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}

    def of(self, target: str) -> OneOfSeveral:
        """Return the view of one target's run."""
        return OneOfSeveral(target, self._plans)

    def finish(self, runs: Sequence[TargetRun]) -> None:
        """Write the comment."""
        click.echo(targets_markdown(runs, self._plans), nl=False)
