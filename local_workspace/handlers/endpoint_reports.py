"""What an endpoint says of itself beside its state: metrics, its OpenAPI document, logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, Response

from local_workspace.call import Call, route
from local_workspace.errors import bad_request, missing
from local_workspace.resources import endpoint_configs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.resources.endpoint_record import Endpoint

_OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def metrics(call: Call) -> Response:
    """Return how often the endpoint was called, by answer, in OpenMetrics text."""
    endpoint = _endpoint(call, "CAN_VIEW")
    path = f"/serving-endpoints/{endpoint.name}/invocations"
    statuses = [request.status for request in call.workspace.requests if request.path == path]
    lines = []
    for name, kind in (("request_count", None), ("request_4xx_count", 4), ("request_5xx_count", 5)):
        count = sum(kind is None or status // 100 == kind for status in statuses)
        lines.append(f"# TYPE {name} counter")
        lines.append(f'{name}_total{{endpoint_name="{endpoint.name}"}} {count}')
    return PlainTextResponse("\n".join([*lines, "# EOF", ""]), media_type=_OPENMETRICS)


def open_api(call: Call) -> Response:
    """Return the OpenAPI document of the endpoint's own route, as text, which is what clients accept."""
    endpoint = _endpoint(call, "CAN_VIEW")
    if endpoint.current is None:
        raise bad_request(f"Endpoint {endpoint.name} has no config.")
    document = {
        "openapi": "3.1.0",
        "info": {"title": endpoint.name, "version": str(endpoint.current.version)},
        "paths": {
            f"/serving-endpoints/{endpoint.name}/invocations": {
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                    "responses": {"200": {"description": "Successful operation"}},
                }
            }
        },
    }
    return PlainTextResponse(json.dumps(document))


def logs(call: Call) -> Mapping[str, Any]:
    """Return a served entity's logs: custom models have some, external models have nothing that could log."""
    endpoint = _endpoint(call, "CAN_MANAGE")
    config = {} if endpoint.current is None else endpoint.current.config
    names = {entity["name"] for entity in config.get("served_entities", [])}
    if call.path["model"] not in names:
        raise missing(f"Served model '{call.path['model']}' does not exist on endpoint '{endpoint.name}'.")
    if endpoint.foundation or endpoint_configs.is_external(config):
        raise bad_request(f"Logs are not available for served entity '{call.path['model']}' of this endpoint type.")
    return {"logs": call.custom_models.logs(call.workspace, endpoint, call.path["model"])}


def build_logs(call: Call) -> Mapping[str, Any]:
    """Return how a served entity's container was built: nothing is, so there is nothing to tell."""
    return {**logs(call), "logs": ""}


def _endpoint(call: Call, level: str) -> Endpoint:
    return call.workspace.endpoints.require(call.path["name"], level, identity=call.identity)


_ENDPOINT = "/api/2.0/serving-endpoints/{name}"

routes = [
    route("GET", f"{_ENDPOINT}/metrics", metrics),
    route("GET", f"{_ENDPOINT}/openapi", open_api),
    route("GET", f"{_ENDPOINT}/served-models/{{model}}/build-logs", build_logs),
    route("GET", f"{_ENDPOINT}/served-models/{{model}}/logs", logs),
]
