"""Endpoints on hold: somebody works on one by hand, and said until when by a tag."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from provisioning.model.inert import inert
from provisioning.model.ownership import HOLD_TAG

if TYPE_CHECKING:
    from provisioning.model.workspace import LiveEndpoint

_DATE = len("2026-01-31")


def hold_on(live: LiveEndpoint, *, today: date) -> str | None:
    """Say why an endpoint is to be left alone; None if it isn't.

    Args:
        live: the endpoint.
        today: the day, in UTC; the tag's own day still counts as held.
    """
    value = next((tag.get("value") for tag in live.tags if tag.get("key") == HOLD_TAG), None)
    if value is None and not any(tag.get("key") == HOLD_TAG for tag in live.tags):
        return None
    text = str(value or "")
    try:
        until = date.fromisoformat(text[:_DATE])
    except ValueError:
        # whoever set it meant something: what cannot be read holds until it is taken away
        return f"on hold: its tag {HOLD_TAG}={inert(text)!r} does not begin with a day (YYYY-MM-DD)"
    ticket = inert(text[_DATE:].lstrip("-"))
    return f"on hold until {until}" + (f" ({ticket})" if ticket else "") if today <= until else None
