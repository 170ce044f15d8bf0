"""What a run says in each `--format`: a module a format, all with the same few occasions to speak.

stdout carries the result alone, in the format that was asked for; what people follow meanwhile goes to stderr.
A module has two classes: `OneTarget`, for the run of a command, and `SeveralTargets`, which makes one report of the
runs of several targets. Each is imported when its format is asked for: `validate` is to stay fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import SecretStr

    from provisioning.errors import Diagnostic, Position, ProvisioningError
    from provisioning.model.checkup import Check
    from provisioning.model.events import Event, Report
    from provisioning.model.plan import Plan
    from provisioning.model.target_run import TargetRun
    from provisioning.model.workspace import Standing

_MODULES = {"text": "text", "json": "as_json", "jsonl": "json_lines", "markdown": "markdown", "github": "github"}
"""Each format's module, by the name that `--format` takes."""


class View(Protocol):
    """How the run of a command is shown.

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


class ReportView(Protocol):
    """How the runs of several targets are shown, as one report."""

    def of(self, target: str) -> View:
        """Return the view of one target's run."""

    def finish(self, runs: Sequence[TargetRun]) -> None:
        """Show how each target's run ended, and whatever waited for all of them."""


def view_of(form: str) -> View:
    """Return the view of a format.

    Args:
        form: what `--format` takes.
    """
    view: View = import_module(f"{__name__}.{_MODULES[form]}").OneTarget()
    return view


def report_view_of(form: str) -> ReportView:
    """Return the view of several targets in a format.

    Args:
        form: what `--format` takes.
    """
    view: ReportView = import_module(f"{__name__}.{_MODULES[form]}").SeveralTargets()
    return view
