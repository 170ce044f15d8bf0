"""The OpenAPI document of what this workspace answers, from the routes themselves: `GET /_local/openapi`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_workspace.call import Handled
from local_workspace.upstreams.request_schemas import BODIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.routing import Route

_ERRORS = {
    "400": "The request breaks a rule.",
    "401": "No credential.",
    "403": "A bad token, or a right is missing.",
    "404": "No such object.",
    "409": "It exists already, or is busy.",
    "413": "The request is too large.",
}
_CALL_ERRORS = {
    "429": "A rate limit, of the endpoint or of its provider.",
    "500": "The provider failed.",
    "501": "The endpoint serves what only the real workspace can run.",
    "502": "The provider could not be reached.",
    "503": "The endpoint is not ready.",
    "504": "The provider took too long.",
}
_ERROR = {
    "type": "object",
    "required": ["error_code", "message"],
    "properties": {"error_code": {"type": ["string", "integer"]}, "message": {"type": "string"}},
}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document.

    Args:
        routes: the application's; those made by `call.route` say what they take, the others take any object.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.path.startswith(("/api/", "/serving-endpoints/", "/ai-gateway/")):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                paths.setdefault(route.path, {})[method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "gatewright local workspace", "version": "1"},
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR},
        },
        "paths": paths,
    }


def _operation(route: Route) -> dict[str, Any]:
    handled = route.endpoint if isinstance(route.endpoint, Handled) else None
    errors = _ERRORS if route.path.startswith("/api/") else _ERRORS | _CALL_ERRORS
    operation: dict[str, Any] = {
        "responses": {"200": {"description": "Done."}, **{code: _error(text) for code, text in errors.items()}},
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in re.findall(r"{(\w+)}", route.path)
        ],
    }
    if handled is None:
        operation["requestBody"] = _body(_call_body(route.path))
        return operation
    operation["summary"] = handled.summary
    operation["parameters"] += [
        {"name": name, "in": "query", "required": True, "schema": {"type": "string"}} for name in handled.asks
    ]
    if handled.takes is not None:
        operation["requestBody"] = _body(handled.takes)
    return operation


def _call_body(path: str) -> Mapping[str, Any]:
    return next((schema for end, schema in BODIES.items() if path.endswith(end)), {"type": "object"})


def _body(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _error(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
