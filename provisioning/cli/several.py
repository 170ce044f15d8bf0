"""A command for several targets: in their order or all at once, and one report of all of them."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from provisioning.cli import terminal
from provisioning.cli.places import configs_of, embedded_of
from provisioning.cli.screen import STDERR
from provisioning.cli.turns import Turn
from provisioning.cli.views import report_view_of
from provisioning.errors import AbandonedApplyError, ConfigError, ProvisioningError
from provisioning.model.events import Interrupted
from provisioning.model.secret import StdinSource
from provisioning.model.target_run import Result, TargetRun, ended, worst_exit_code
from provisioning.reporters.progress import event_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from provisioning.cli.flags import Place

_UNKNOWN_TARGET = "P401"
_INTERRUPTED = 130
_AT_ONCE = 8
"""Targets at work at the same time; each has workers of its own."""
_SIGNAL_SECONDS = 0.2
"""How long to wait before looking for signals: one that arrives as a thread begins to wait does not end the wait."""


@dataclass(frozen=True)
class Manner:
    """How a command goes through its targets.

    Attributes:
        keep_going: whether the next one's turn comes after one that failed.
        parallel: whether all are at work at the same time.
        writes: whether the command changes something: Ctrl-C then lets the calls in flight finish.
        asks: whether somebody is asked before it does.
        reads_values: whether it reads the secrets' sources.
    """

    keep_going: bool = False
    parallel: bool = False
    writes: bool = False
    asks: bool = False
    reads_values: bool = False


def run_each(
    command: Callable[[Place], int], place: Place, *, targets: Sequence[str], form: str, manner: Manner
) -> int:
    """Run a command for each of several targets.

    The configs of all of them are read first: nothing is contacted if a target is unknown or its configs are wrong.
    On a terminal all plans are then shown and agreed to before the first target is written.

    Args:
        command: what is run for one target; returns its exit code.
        place: the flags, but for the target.
        targets: their names, in the order in which they go.
        form: what stdout carries.
        manner: how to go through them.

    Returns:
        The worst of the targets' exit codes.
    """
    view = report_view_of(form)
    round_ = _Round(command, manner)
    stop, run = threading.Event(), str(uuid.uuid4())
    places = {name: replace(place, target=name, view=view.of(name), turn=Turn(run=run, stop=stop)) for name in targets}
    if round_.load(places):
        with embedded_of(place) as embedded:
            round_.places = {name: replace(each, embedded=embedded) for name, each in round_.places.items()}
            if manner.asks and terminal.somebody_answers():
                round_.rehearse()
            if manner.parallel:
                round_.all_at_once(stop)
            else:
                round_.one_by_one()
    runs = [round_.runs.get(name, TargetRun(target=name, result=Result.NOT_BEGUN)) for name in targets]
    view.finish(runs)
    return worst_exit_code(runs)


class _Round:
    """The targets whose turn is still to come, and how the others ended."""

    def __init__(self, command: Callable[[Place], int], manner: Manner) -> None:
        self._command = command
        self._manner = manner
        self.places: dict[str, Place] = {}
        self.runs: dict[str, TargetRun] = {}

    def load(self, places: Mapping[str, Place]) -> bool:
        """Read the configs of every target; False if none of them may be begun."""
        unknown = False
        for name, place in places.items():
            try:
                self.places[name] = replace(place, desired=configs_of(place))
            except ConfigError as error:
                self.runs[name] = self._failed(place, error)
                unknown |= any(each.code == _UNKNOWN_TARGET for each in error.diagnostics)
        if self._manner.reads_values:
            self._refuse_shared_stdin()
        return bool(self.places) and not unknown and (self._manner.keep_going or not self.runs)

    def rehearse(self) -> None:
        """Show each target's plan and have it agreed to; what was not agreed to is left out."""
        agreed: dict[str, Place] = {}
        for name, place in self.places.items():
            turn = replace(place.turn, rehearsing=True) if place.turn else None
            run = self._run(replace(place, turn=turn))
            if run.went_well and turn is not None:
                agreed[name] = replace(place, turn=replace(turn, rehearsing=False))
                continue
            self.runs[name] = run
            if self._ends_all(run):
                if run.exit_code:  # nothing is written yet, so nothing is begun
                    agreed.clear()
                break
        self.places = agreed

    def one_by_one(self) -> None:
        """Run the command for one target after the other."""
        for name, place in self.places.items():
            self.runs[name] = self._run(place)
            if self._ends_all(self.runs[name]):
                return

    def all_at_once(self, stop: threading.Event) -> None:
        """Run the command for all targets at the same time.

        Args:
            stop: what they look at before they begin anything.
        """
        pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="target")
        running = {pool.submit(self._run, place): name for name, place in self.places.items()}
        abandoned = True
        try:
            self._await(running, stop)
            abandoned = False
        finally:
            pool.shutdown(wait=not abandoned, cancel_futures=True)
        self.runs |= {name: future.result() for future, name in running.items()}

    def _await(self, running: Iterable[Future[TargetRun]], stop: threading.Event) -> None:
        while True:
            try:
                while wait(running, timeout=_SIGNAL_SECONDS).not_done:
                    pass
            except KeyboardInterrupt:
                if not self._manner.writes:
                    raise
                if stop.is_set():
                    raise AbandonedApplyError(
                        "interrupted twice: calls in flight were given up, and whether they took effect is unknown",
                        remedy="run it again: it finds out",
                    ) from None
                stop.set()
                with STDERR.above():
                    click.echo(event_text(Interrupted()), err=True)
            else:
                return

    def _ends_all(self, run: TargetRun) -> bool:
        """Tell whether no other target's turn comes any more."""
        return run.exit_code == _INTERRUPTED or not (run.went_well or self._manner.keep_going)

    def _run(self, place: Place) -> TargetRun:
        target = str(place.target)
        try:
            code = self._command(place)
        except ProvisioningError as error:
            return self._failed(place, error)
        except (KeyboardInterrupt, click.Abort):
            return ended(target, _INTERRUPTED, message="interrupted before anything was written")
        if place.turn is not None and place.turn.declined:
            return TargetRun(target=target, result=Result.DECLINED, exit_code=code)
        return ended(target, code)

    def _failed(self, place: Place, error: ProvisioningError) -> TargetRun:
        place.view.failed(error)
        terminal.show_error(error, of=place.target)
        return ended(str(place.target), error.exit_code, message=str(error))

    def _refuse_shared_stdin(self) -> None:
        """The standard input can be read once: the second target would find it empty."""
        using = [name for name, place in self.places.items() if _reads_stdin(place)]
        if len(using) > 1:
            raise ProvisioningError(
                f"{' and '.join(using)} both read a secret from the standard input, which holds it once",
                remedy="name one --target, or take the value from env, file or command",
            )


def _reads_stdin(place: Place) -> bool:
    scopes = place.desired.scopes if place.desired is not None else ()
    return any(isinstance(each, StdinSource) for scope in scopes for each in (scope.secrets or {}).values())
