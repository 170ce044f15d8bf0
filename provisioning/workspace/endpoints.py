"""Serving endpoints: read, create, change block by block, delete. Each function is one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import JsonValue, SecretStr

from provisioning.errors import NotFoundError
from provisioning.model.address import endpoint_address
from provisioning.workspace.client import Connection, segment
from provisioning.workspace.shapes import objects_in

_ROUTE = "/api/2.0/serving-endpoints"

Body = Mapping[str, JsonValue]


def list_endpoints(connection: Connection) -> list[Body]:
    """List the endpoints that this identity may see, tags included."""
    return objects_in(connection.call("GET", _ROUTE, subject="model_serving_endpoints"), "endpoints")


def get_endpoint(connection: Connection, name: str) -> dict[str, JsonValue] | None:
    """Read an endpoint; None if there is none.

    Raises:
        NotPermittedError: there is one, and this identity may not see it.
    """
    try:
        return connection.call("GET", _path(name), subject=endpoint_address(name))
    except NotFoundError:
        return None


def create_endpoint(connection: Connection, name: str, *, body: Body) -> dict[str, JsonValue]:
    """Create an endpoint; it deploys by itself. Returns it as the workspace describes it.

    Raises:
        AlreadyExistsError: the name is taken.
    """
    return connection.call("POST", _ROUTE, subject=endpoint_address(name), body={"name": name, **body})


def update_config(connection: Connection, name: str, *, body: Body) -> dict[str, JsonValue]:
    """Replace what the endpoint serves; the old config serves until the new one is ready.

    Returns:
        The endpoint, as the workspace describes it.

    Raises:
        BusyError: another update is running.
    """
    return connection.call("PUT", _path(name, "config"), subject=endpoint_address(name), body=body)


def update_ai_gateway(connection: Connection, name: str, *, body: Body) -> None:
    """Replace the AI gateway's settings, all five of them: what is left out is cleared."""
    connection.call("PUT", _path(name, "ai-gateway"), subject=endpoint_address(name), body=body)


def update_rate_limits(connection: Connection, name: str, *, body: Body) -> None:
    """Replace the rate limits of the API's older form."""
    connection.call("PUT", _path(name, "rate-limits"), subject=endpoint_address(name), body=body)


def update_notifications(connection: Connection, name: str, *, body: Body) -> None:
    """Replace who hears of config updates."""
    connection.call("PATCH", _path(name, "notifications"), subject=endpoint_address(name), body=body)


def update_telemetry(connection: Connection, name: str, *, body: Body) -> None:
    """Replace what is collected; left out means removed.

    Raises:
        BusyError: an update is running.
    """
    connection.call("PATCH", _path(name, "telemetry-config"), subject=endpoint_address(name), body=body)


def update_tags(connection: Connection, name: str, *, body: Body) -> None:
    """Set the tags in `add_tags` by key, and delete the keys in `delete_tags`."""
    connection.call("PATCH", _path(name, "tags"), subject=endpoint_address(name), body=body)


def delete_endpoint(connection: Connection, name: str) -> None:
    """Delete an endpoint; calls to it fail from then on.

    Raises:
        NotFoundError: there is none.
    """
    connection.call("DELETE", _path(name), subject=endpoint_address(name))


def _path(name: str, block: str = "") -> str:
    return "/".join(filter(None, (_ROUTE, segment(name), block)))


def plaintext_in(value: object) -> Iterator[SecretStr]:
    """Find the credentials that a body carries in the clear."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name.endswith("_plaintext") and isinstance(each, str):
                yield SecretStr(each)
            else:
                yield from plaintext_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from plaintext_in(each)
