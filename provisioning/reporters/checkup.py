"""What `doctor` found, as a table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.checkup import Health
from provisioning.model.inert import inert
from provisioning.reporters.values import Paint, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioning.model.checkup import Check

_STYLES: Mapping[Health, str] = {
    Health.OK: "good",
    Health.WARNING: "change",
    Health.UNKNOWN: "change",
    Health.PROBLEM: "bad",
}
_WIDTH = max(len(each) for each in Health)


def checkup_text(checks: Sequence[Check], *, paint: Paint = plain) -> str:
    """Return a line for each check, with its remedy below."""
    return "\n".join(_lines(checks, paint))


def checkup_object(checks: Sequence[Check]) -> dict[str, object]:
    """Return the checks for programs."""
    return {"format": 1, "checks": [each.model_dump(mode="json") for each in checks]}


def _lines(checks: Sequence[Check], paint: Paint) -> Iterator[str]:
    for each in checks:
        health = paint(f"{each.health.value:<{_WIDTH}}", style=_STYLES[each.health])
        yield f"{health}  {inert(each.subject)}: {inert(each.message)}"
        if each.remedy:
            yield paint(f"{'':<{_WIDTH}}    help: {inert(each.remedy)}", style="faint")
