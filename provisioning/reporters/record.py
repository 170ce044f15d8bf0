"""The lines of `--record FILE`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from provisioning.model.events import ChangeDone, ChangeFailed, ChangeSkipped
from provisioning.model.origin import origin_of
from provisioning.model.record import (
    AnyEntry,
    BeginEntry,
    CallEntry,
    ChangeEntry,
    EndEntry,
    Entry,
    PlannedChange,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioning.model.api_call import ApiCall
    from provisioning.model.events import Event
    from provisioning.model.plan import Plan
    from provisioning.model.provenance import Provenance


class RecordLines:
    """One run's lines.

    Args:
        run: what all of them have in common.
        now: tells the time, in ISO 8601.
        target: the target, if it was named; the plan tells it otherwise.
    """

    def __init__(self, *, run: str, now: Callable[[], str], target: str | None = None) -> None:
        self._run = run
        self._target = target
        self._now = now

    def begin(self, plan: Plan, *, provenance: Provenance, tool_version: str) -> str:
        """Return what is about to be carried out."""
        self._target = plan.target
        return _dumped(
            BeginEntry(
                run=self._run,
                ts=self._now(),
                tool_version=tool_version,
                **origin_of(plan),
                provenance=provenance,
                changes=tuple(PlannedChange(address=each.address, action=each.action) for each in plan.changes),
            )
        )

    def call(self, made: ApiCall) -> str:
        """Return a call."""
        return _dumped(CallEntry(**self._common(), call=made))

    def event(self, event: Event) -> str | None:
        """Return how a change ended; None for every other event."""
        common = self._common()
        match event:
            case ChangeDone(address=address, action=action):
                entry = ChangeEntry(**common, address=address, action=action, result="done")
            case ChangeFailed(address=address, action=action, message=message):
                entry = ChangeEntry(**common, address=address, action=action, result="failed", message=message)
            case ChangeSkipped(address=address, action=action, because=because):
                entry = ChangeEntry(**common, address=address, action=action, result="skipped", message=because)
            case _:
                return None
        return _dumped(entry)

    def end(self, *, exit_code: int, error: str | None) -> str:
        """Return how the run ended."""
        return _dumped(EndEntry(**self._common(), exit_code=exit_code, error=error))

    def _common(self) -> dict[str, Any]:
        return {"run": self._run, "ts": self._now(), "target": self._target}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a line of gatewright's record of what was written",
        **TypeAdapter(AnyEntry).json_schema(mode="serialization"),
    }


def _dumped(entry: Entry) -> str:
    fields = entry.model_dump(mode="json")
    return json.dumps({"type": fields.pop("type"), **fields}, ensure_ascii=True)
