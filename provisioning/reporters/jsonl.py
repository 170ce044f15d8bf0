"""JSON objects, one a line, as things happen: for programs that follow a run. The lines are `model.stream`'s."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from provisioning.model.events import (
    ChangeDone,
    ChangeFailed,
    ChangeSkipped,
    EndpointNotReady,
    EndpointPolled,
    EndpointReady,
    Event,
    StepStarted,
)
from provisioning.model.origin import origin_of
from provisioning.model.ownership import TOOL
from provisioning.model.stream import (
    AnyLine,
    ApplyDoneLine,
    ApplyErrorLine,
    ApplyStartLine,
    DiagnosticLine,
    Level,
    Line,
    OutputsLine,
    ProgressLine,
    ResourcePlanLine,
    SummaryLine,
    TargetLine,
    TargetsLine,
    VersionLine,
)
from provisioning.model.target_run import worst_exit_code
from provisioning.reporters.progress import event_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from provisioning.errors import Diagnostic, Position
    from provisioning.model.events import Outcome
    from provisioning.model.plan import Guard, Plan
    from provisioning.model.target_run import TargetRun

_LEVELS: Mapping[str, Level] = {"error": "error", "warning": "warning", "note": "info"}


class JsonLines:
    """One run's lines. The first thing that is said is preceded by who says it.

    Args:
        tool_version: the tool's version.
        now: tells the time, in ISO 8601.
        target: whose lines they are, where there are several targets: who writes is said for all of them then.
    """

    def __init__(self, *, tool_version: str, now: Callable[[], str], target: str | None = None) -> None:
        self._tool_version = tool_version
        self._now = now
        self._target = target
        self._begun = target is not None

    def of(self, target: str) -> JsonLines:
        """Return the lines of one of several targets; see `opening`."""
        return JsonLines(tool_version=self._tool_version, now=self._now, target=target)

    def opening(self) -> str:
        """Return who writes, unless that was said."""
        return self._written([], anyway=True)

    def diagnostics(self, found: Sequence[Diagnostic]) -> str:
        """Return what loading the configs found."""
        return self._written(map(self._diagnostic, found))

    def plan(self, plan: Plan, *, positions: Mapping[str, Position]) -> str:
        """Return a plan.

        Args:
            plan: the plan.
            positions: where the configs declare each object, by address.
        """
        return self._written(self._plan(plan, positions))

    def event(self, event: Event) -> str:
        """Return something that happened."""
        return self._written([self._event(event)])

    def outcome(self, outcome: Outcome) -> str:
        """Return how an apply ended."""
        line = OutputsLine(
            ts=self._now(),
            level="error" if outcome.failed or outcome.skipped or outcome.not_ready else "info",
            done=outcome.done,
            failed=tuple(each.address for each in outcome.failed),
            skipped=tuple(each.address for each in outcome.skipped),
            ready=outcome.ready,
            not_ready=tuple(each.address for each in outcome.not_ready),
            interrupted=outcome.interrupted,
        )
        return self._written([line])

    def error(self, message: str, *, remedy: str | None) -> str:
        """Return what ended the run as a whole."""
        return self._written([ApplyErrorLine(ts=self._now(), level="error", message=message, remedy=remedy)])

    def targets(self, runs: Sequence[TargetRun]) -> str:
        """Return how each of several targets ended."""
        code = worst_exit_code(runs)
        level: Level = "info" if all(each.went_well for each in runs) else "error"
        return self._written([TargetsLine(ts=self._now(), level=level, exit_code=code, targets=tuple(runs))])

    def _plan(self, plan: Plan, positions: Mapping[str, Position]) -> Iterator[Line]:
        for change in plan.changes:
            yield ResourcePlanLine(
                ts=self._now(), address=change.address, action=change.action, fields=change.fields, notes=change.notes
            )
        for guard in plan.guards:
            yield self._guard(guard, positions.get(guard.address))
        yield SummaryLine(
            ts=self._now(),
            **origin_of(plan),
            counts=plan.summary,
            undecided=plan.undecided,
            not_ready=plan.not_ready,
            notes=plan.notes,
            blocked=len(plan.guards),
        )

    def _guard(self, guard: Guard, at: Position | None) -> Line:
        return DiagnosticLine(
            ts=self._now(),
            level="error",
            title="guard",
            address=guard.address,
            message=guard.message,
            remedy=guard.remedy,
            **_place(at),
        )

    def _diagnostic(self, each: Diagnostic) -> Line:
        return DiagnosticLine(
            ts=self._now(),
            level=_LEVELS[each.severity],
            code=each.code,
            title=each.title,
            message=each.message,
            remedy=each.remedy,
            **_place(each.position),
        )

    def _event(self, event: Event) -> Line:
        ts = self._now()
        match event:
            case StepStarted(change=change, step=step):
                return ApplyStartLine(ts=ts, address=change.address, action=change.action, operation=step.operation)
            case EndpointPolled(address=address, state=state, elapsed=elapsed):
                return ProgressLine(ts=ts, address=address, state=state, elapsed=elapsed)
            case EndpointReady(address=address, elapsed=elapsed):
                return ProgressLine(ts=ts, address=address, state="READY", elapsed=elapsed)
            case EndpointNotReady(address=address, state=state, failed=failed):
                return ApplyErrorLine(
                    ts=ts, level="error" if failed else "warning", address=address, message=f"not ready: {state}"
                )
            case ChangeDone(address=address, action=action, elapsed=elapsed):
                return ApplyDoneLine(ts=ts, address=address, action=action, elapsed=elapsed)
            case ChangeFailed(address=address, action=action, message=message, remedy=remedy):
                return ApplyErrorLine(
                    ts=ts, level="error", address=address, action=action, message=message, remedy=remedy
                )
            case ChangeSkipped(address=address, action=action, because=because):
                return ApplyErrorLine(
                    ts=ts, level="warning", address=address, action=action, message=f"skipped: {because}"
                )
            case _:
                return ProgressLine(ts=ts, state=event_text(event) or "")

    def _written(self, lines: Iterable[Line], *, anyway: bool = False) -> str:
        listed = list(map(self._addressed, lines))
        if not self._begun and (listed or anyway):
            self._begun = True
            listed.insert(0, VersionLine(ts=self._now(), tool=TOOL, tool_version=self._tool_version))
        return "\n".join(map(_dumped, listed))

    def _addressed(self, line: Line) -> Line:
        if self._target is None or not isinstance(line, TargetLine):
            return line
        return line.model_copy(update={"target": self._target})


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a line of gatewright's jsonl output",
        **TypeAdapter(AnyLine).json_schema(mode="serialization"),
    }


def _place(at: Position | None) -> dict[str, Any]:
    return {"file": at.file, "line": at.line, "column": at.column} if at else {}


def _dumped(line: Line) -> str:
    fields = line.model_dump(mode="json")
    # ASCII alone: JSON's own escapes make what a server wrote inert
    return json.dumps({"type": fields.pop("type"), **fields}, ensure_ascii=True)
