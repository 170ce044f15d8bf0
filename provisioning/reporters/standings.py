"""What is live, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.inert import inert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioning.model.workspace import Standing


def standings_text(standings: Sequence[Standing]) -> str:
    """Return a table with a row for each object."""
    rows = [("OBJECT", "STATE", "DETAIL"), *((each.address, each.state, each.detail) for each in standings)]
    shown = [tuple(map(inert, row)) for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(2)]
    return "\n".join(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip() for row in shown)
