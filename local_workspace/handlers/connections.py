"""/api/2.0/external-function: HTTP requests through Unity Catalog connections, of which there are none here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.call import Call, route
from local_workspace.errors import invalid, missing
from local_workspace.handlers.schemas import TEXT, record

if TYPE_CHECKING:
    from collections.abc import Mapping

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
_FIELDS = ("connection_name", "method", "path")


def external_function(call: Call) -> Mapping[str, Any]:
    """Send a request through a connection; the local workspace has no connections."""
    connection, method, _path = (call.required(field) for field in _FIELDS)
    if method not in _METHODS:
        raise invalid(f"method must be one of {', '.join(_METHODS)}.")
    for field in ("headers", "json", "params"):
        call.optional(field)
    raise missing(f"Connection '{connection}' does not exist.")


routes = [
    route(
        "POST",
        "/api/2.0/external-function",
        external_function,
        takes=record(
            _FIELDS,
            connection_name=TEXT,
            method={"enum": list(_METHODS)},
            path=TEXT,
            headers=TEXT,
            json=TEXT,
            params=TEXT,
        ),
    )
]
