"""The rows that a call leaves in the tables, with the columns that Databricks' own have."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local_workspace.gateway.bodies import written
from local_workspace.gateway.watched import KEPT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.gateway.measure import Tokens
    from local_workspace.gateway.watched import Seen


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, as the tables tell it.

    Attributes:
        request_id: The call's id, which its answer carries too.
        workspace: The workspace's id.
        endpoint: The endpoint's id.
        requester: Who called.
        began: When, in seconds since the epoch.
        body: What was sent on, as the gateway let it pass.
    """

    request_id: str
    workspace: str
    endpoint: str
    requester: str
    began: float
    body: Mapping[str, Any]

    @property
    def written(self) -> bytes:
        """The body's bytes."""
        return written(self.body)


def usage(asked: Asked, seen: Seen, tokens: Tokens) -> dict[str, Any]:
    """Return the row of `system.serving.endpoint_usage`."""
    request = asked.written
    return {
        "workspace_id": asked.workspace,
        "client_request_id": asked.body.get("client_request_id"),
        "databricks_request_id": asked.request_id,
        "requester": asked.requester,
        "status_code": seen.status,
        "request_time": _time(asked.began),
        "input_token_count": tokens.given,
        "output_token_count": tokens.made,
        "input_character_count": len(request.decode(errors="replace")),
        "output_character_count": len(seen.body.decode(errors="replace")),
        "usage_context": asked.body.get("usage_context"),
        "request_streaming": seen.is_stream,
        "served_entity_id": _entity_id(asked, seen),
    }


def payload(asked: Asked, seen: Seen, *, ended: float) -> dict[str, Any]:
    """Return the row of an inference table; what is larger than a table takes is left out, and that is said."""
    request = asked.written
    errors = [
        f"MAX_{side}_SIZE_EXCEEDED"
        for side, body in (("REQUEST", request), ("RESPONSE", seen.body))
        if len(body) > KEPT_BYTES
    ]
    return {
        "databricks_request_id": asked.request_id,
        "request_date": _time(asked.began)[:10],
        "client_request_id": asked.body.get("client_request_id"),
        "request_time": _time(asked.began),
        "status_code": seen.status,
        "sampling_fraction": 1.0,
        "execution_duration_ms": max(0, round((ended - asked.began) * 1000)),
        "request": request.decode() if len(request) <= KEPT_BYTES else None,
        "response": seen.body.decode(errors="replace") if len(seen.body) <= KEPT_BYTES else None,
        "logging_error_codes": errors,
        "served_entity_id": _entity_id(asked, seen),
        "requester": asked.requester,
    }


def _entity_id(asked: Asked, seen: Seen) -> str | None:
    """Served entities have ids of their own, which no other route shows."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{asked.endpoint}/{seen.served_by}").hex if seen.served_by else None


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
