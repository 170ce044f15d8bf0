"""/_local: what only a local workspace has. Takes the workspace's token like any other route."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from local_workspace import recorder
from local_workspace.call import Call, route
from local_workspace.errors import invalid
from local_workspace.faults import parse_arming
from local_workspace.resources.arrangements import OUTCOMES, Arrangement

if TYPE_CHECKING:
    from collections.abc import Mapping


def health(_call: Call) -> Mapping[str, Any]:
    """Say that it answers."""
    return {"status": "ok"}


def list_requests(call: Call) -> Mapping[str, Any]:
    """Return the requests that were answered, oldest first."""
    return recorder.view(call.workspace.requests)


def clear_requests(call: Call) -> Mapping[str, Any]:
    """Forget them."""
    call.workspace.requests.clear()
    return {}


def count_traffic(call: Call) -> Mapping[str, Any]:
    """Return how many calls each endpoint got, and how many of them came to nothing."""
    return {"endpoints": recorder.traffic(call.workspace.requests)}


def arm_faults(call: Call) -> Mapping[str, Any]:
    """Arm faults, in addition to those armed already."""
    faults, seed = parse_arming(call.body)
    call.workspace.faults.arm(faults, seed=seed)
    return {"armed": len(faults)}


def list_faults(call: Call) -> Mapping[str, Any]:
    """Return the faults that are armed, and how often each one hit."""
    return {"armed": call.workspace.faults.view()}


def clear_faults(call: Call) -> Mapping[str, Any]:
    """Disarm all faults."""
    call.workspace.faults.clear()
    return {}


def unknown_routes(call: Call) -> Mapping[str, Any]:
    """Return the routes that clients called and this workspace does not know, with how often."""
    return {"unknown": dict(call.workspace.unknown)}


def advance_clock(call: Call) -> Mapping[str, Any]:
    """Let time pass at once."""
    try:
        call.workspace.clock.advance(_seconds(call, "advance") or 0)
    except ValueError as error:
        raise invalid(f"advance: {error}.") from error
    return read_clock(call)


def read_clock(call: Call) -> Mapping[str, Any]:
    """Return the workspace's time."""
    return {"now_ms": call.workspace.clock.now_ms()}


def arrange_deployments(call: Call) -> Mapping[str, Any]:
    """Say how deployments go: {"match", "outcome", "message", "seconds"}."""
    outcome = call.body.get("outcome", "ready")
    if outcome not in OUTCOMES:
        raise invalid(f"outcome must be one of {', '.join(OUTCOMES)}.")
    call.workspace.endpoints.arrange(
        Arrangement(call.required("match"), outcome, call.optional("message") or "", _seconds(call, "seconds"))
    )
    return {}


def clear_deployments(call: Call) -> Mapping[str, Any]:
    """Let later deployments go well again."""
    call.workspace.endpoints.arrangements.clear()
    return {}


def _seconds(call: Call, field: str) -> float | None:
    value = call.body.get(field)
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or value < 0):
        raise invalid(f"{field} must be a number of seconds, 0 or more.")
    return value


def list_tables(call: Call) -> Mapping[str, Any]:
    """Return the names of the tables that calls have filled."""
    return {"tables": call.workspace.tables.names()}


def read_table(call: Call) -> Response:
    """Return a table's rows, oldest first, as JSON lines."""
    rows = call.workspace.tables.rows(call.path["name"])
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return Response(lines, media_type="application/x-ndjson")


routes = [
    route("GET", "/_local/health", health),
    route("GET", "/_local/requests", list_requests),
    route("DELETE", "/_local/requests", clear_requests),
    route("GET", "/_local/traffic", count_traffic),
    route("GET", "/_local/faults", list_faults),
    route("POST", "/_local/faults", arm_faults),
    route("DELETE", "/_local/faults", clear_faults),
    route("GET", "/_local/unknown", unknown_routes),
    route("GET", "/_local/tables", list_tables),
    route("GET", "/_local/tables/{name}", read_table),
    route("GET", "/_local/clock", read_clock),
    route("POST", "/_local/clock", advance_clock),
    route("POST", "/_local/deployments", arrange_deployments),
    route("DELETE", "/_local/deployments", clear_deployments),
]
