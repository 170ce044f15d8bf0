"""The lines of `--record FILE`: what was done to a workspace, and by whom. No value, no credential."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field

from provisioning.model.api_call import ApiCall
from provisioning.model.base import Model
from provisioning.model.origin import PlanOrigin
from provisioning.model.plan import Action
from provisioning.model.provenance import Provenance


class Entry(Model):
    """What every line has."""

    # the published schema is derived from here, and only a run that is recorded loads this module
    model_config = ConfigDict(use_attribute_docstrings=True)

    format: Literal[1] = 1
    """The version of this format."""
    run: str
    """The same for all lines of one run."""
    ts: str
    """When it was written: UTC, in ISO 8601."""


class TargetEntry(Entry):
    """A line that says which target it is about, besides the first."""

    target: str | None = None
    """The configs' target; null if the run ended before it was known."""


class PlannedChange(Model):
    """One object of the plan."""

    address: str
    action: Action


class BeginEntry(Entry, PlanOrigin):
    """A plan is about to be carried out: by whom, where, from which commit."""

    type: Literal["begin"] = "begin"
    tool_version: str
    """The tool's version."""
    provenance: Provenance
    """The commit and the job."""
    changes: tuple[PlannedChange, ...]
    """What is to happen."""


class CallEntry(TargetEntry):
    """A call that changes something was made."""

    type: Literal["call"] = "call"
    call: ApiCall
    """Which, and how it ended."""


class ChangeEntry(TargetEntry):
    """A change came to its end."""

    type: Literal["change"] = "change"
    address: str
    """Which object."""
    action: Action
    """What was to happen to it."""
    result: Literal["done", "failed", "skipped"]
    """What became of it."""
    message: str | None = None
    """Why, if it was not done."""


class EndEntry(TargetEntry):
    """The run is over."""

    type: Literal["end"] = "end"
    exit_code: int
    """The command's exit code."""
    error: str | None = None
    """What ended it, if it did not end well."""


AnyEntry: TypeAlias = Annotated[BeginEntry | CallEntry | ChangeEntry | EndEntry, Field(discriminator="type")]
"""Any line."""
