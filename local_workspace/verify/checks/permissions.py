"""What the permissions of endpoints do."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from local_workspace.verify.check import Answer, Check, UnansweredError

if TYPE_CHECKING:
    from local_workspace.verify.check import Probe

_PERMISSIONS = "/api/2.0/permissions/serving-endpoints"


def _by_id(probe: Probe) -> Answer:
    reply = probe.call("GET", f"{_PERMISSIONS}/{probe.endpoint}")
    return Answer(reply.refuses(400, saying="is not a valid Inference Endpoint ID"), reply.summary())


def _object_type(probe: Probe) -> Answer:
    shown = probe.need(probe.call("GET", f"{_PERMISSIONS}/{probe.endpoint_id}"))
    return Answer(shown.get("object_type") == "serving-endpoint", f"object_type {shown.get('object_type')}")


def _unknown_id(probe: Probe) -> Answer:
    reply = probe.call("GET", f"{_PERMISSIONS}/{secrets.token_hex(16)}")
    return Answer("empty" if reply.ok else "not_found" if reply.refuses(404) else None, reply.summary())


def _creator_stays(probe: Probe) -> Answer:
    if not probe.is_admin:
        raise UnansweredError("an admin alone can ask it and still remove the endpoint afterwards")
    path = f"{_PERMISSIONS}/{probe.endpoint_id}"
    grants = [{"group_name": "users", "permission_level": "CAN_VIEW"}]
    reply = probe.call("PUT", path, {"access_control_list": grants})
    listed = probe.need(reply).get("access_control_list") or []
    names = {each.get("user_name") or each.get("service_principal_name") for each in listed}
    stays = probe.me.casefold() in {str(each).casefold() for each in names}
    return Answer(stays, f"{len(listed)} entries, {'one' if stays else 'none'} of the creator's")


def _unknown_route(probe: Probe) -> Answer:
    reply = probe.call("GET", "/api/2.0/no-such-route")
    return Answer(reply.refuses(404, saying="No API found for"), reply.summary())


CHECKS = (
    Check("route-unknown", _unknown_route, calls=1),
    Check("permissions-by-id", _by_id, calls=1),
    Check("permissions-object-type", _object_type, calls=1),
    Check("permissions-unknown-id", _unknown_id, calls=1),
    Check("permissions-creator-stays", _creator_stays, calls=1),
)
