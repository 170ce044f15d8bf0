"""The lines of `--format jsonl`: one JSON object each, as things happen.

A reader goes by `type`. Types and fields are added over time, never renamed; `version` counts what breaks that.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field

from provisioning.model.base import Model
from provisioning.model.origin import PlanOrigin
from provisioning.model.plan import Action, FieldChange, Operation, Summary
from provisioning.model.target_run import TargetRun

Level: TypeAlias = Literal["info", "warning", "error"]


class Line(Model):
    """What every line has."""

    # the published schema is derived from here, and only a run that writes lines loads this module
    model_config = ConfigDict(use_attribute_docstrings=True)

    version: Literal[1] = 1
    """The version of this format."""
    ts: str
    """When it was written: UTC, in ISO 8601."""
    level: Level = "info"
    """How bad it is."""


class TargetLine(Line):
    """A line of one target's run."""

    target: str | None = None
    """Which target, where there are several; null where there is only one."""


class VersionLine(Line):
    """The first line: who writes."""

    type: Literal["version"] = "version"
    tool: str
    """The tool's name."""
    tool_version: str
    """The tool's version."""


class DiagnosticLine(TargetLine):
    """Something is wrong, or worth knowing, before anything was written: in the configs, or a guard of a plan."""

    type: Literal["diagnostic"] = "diagnostic"
    code: str | None = None
    """A stable code (`P201`); null for what has none."""
    title: str | None = None
    """The code's name (`unknown-field`)."""
    address: str | None = None
    """The object that it is about."""
    message: str
    """What is wrong, in one sentence."""
    remedy: str | None = None
    """What to do next."""
    file: str | None = None
    """The config file, where there is one."""
    line: int | None = None
    """Counted from 1."""
    column: int | None = None
    """Counted from 1."""


class ResourcePlanLine(TargetLine):
    """What would happen to one object. Objects that stay as they are have no line."""

    type: Literal["resource_plan"] = "resource_plan"
    address: str
    """Which object."""
    action: Action
    """What happens to it."""
    fields: tuple[FieldChange, ...]
    """What differs. Never a secret's value."""
    notes: tuple[str, ...] = ()
    """What a reader has to know besides."""


class SummaryLine(Line, PlanOrigin):
    """The end of a plan."""

    type: Literal["summary"] = "summary"
    counts: Summary
    """How many objects meet which fate."""
    undecided: tuple[str, ...]
    """Secrets of which it cannot be told whether they differ."""
    not_ready: tuple[str, ...]
    """Endpoints that are as declared but not ready yet."""
    notes: tuple[str, ...]
    """What a reader has to know of the plan as a whole."""
    blocked: int
    """How many guards stop it; each has a `diagnostic` line of its own."""


class ApplyStartLine(TargetLine):
    """A call is about to be made."""

    type: Literal["apply_start"] = "apply_start"
    address: str
    """The object that it is about."""
    action: Action
    """The change that it is part of."""
    operation: Operation
    """What the call does."""


class ProgressLine(TargetLine):
    """An endpoint was looked at while it is waited for, or the run as a whole has something to say."""

    type: Literal["progress"] = "progress"
    address: str | None = None
    """Which endpoint; null for the run as a whole."""
    state: str
    """The endpoint's state in the API's own terms, `READY` at the end; or what the run has to say."""
    elapsed: float | None = None
    """Seconds since the wait began."""


class ApplyDoneLine(TargetLine):
    """A change was carried out."""

    type: Literal["apply_done"] = "apply_done"
    address: str
    """Which object."""
    action: Action
    """What happened to it."""
    elapsed: float
    """Seconds it took."""


class ApplyErrorLine(TargetLine):
    """A change was not carried out, an endpoint did not become ready, or the whole run failed."""

    type: Literal["apply_error"] = "apply_error"
    address: str | None = None
    """Which object; null if the run as a whole failed."""
    action: Action | None = None
    """What was to happen to it."""
    message: str
    """What went wrong."""
    remedy: str | None = None
    """What to do next."""


class OutputsLine(TargetLine):
    """The last line of an apply: how it ended."""

    type: Literal["outputs"] = "outputs"
    done: tuple[str, ...]
    """What was carried out."""
    failed: tuple[str, ...]
    """What failed."""
    skipped: tuple[str, ...]
    """What was not begun."""
    ready: tuple[str, ...]
    """The endpoints that became ready."""
    not_ready: tuple[str, ...]
    """The endpoints that did not."""
    interrupted: bool
    """Whether Ctrl-C ended it."""


class TargetsLine(Line):
    """The last line of a run for several targets: how each of them ended."""

    type: Literal["targets"] = "targets"
    exit_code: int
    """The command's exit code: the worst of the targets'."""
    targets: tuple[TargetRun, ...]
    """Each target, in the order of the run."""


AnyLine: TypeAlias = Annotated[
    VersionLine
    | DiagnosticLine
    | ResourcePlanLine
    | SummaryLine
    | ApplyStartLine
    | ProgressLine
    | ApplyDoneLine
    | ApplyErrorLine
    | OutputsLine
    | TargetsLine,
    Field(discriminator="type"),
]
"""Any line."""
