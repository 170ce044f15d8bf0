"""A call to a workspace, as it is remembered."""

from __future__ import annotations

from provisioning.model.base import Model


class ApiCall(Model):
    """One call to a workspace, as it ended."""

    method: str
    """The HTTP method."""
    path: str
    """The path below the host, without its query."""
    subject: str
    """The object that it was about."""
    request_id: str | None = None
    """The id that Databricks support asks for; null if none was given."""
    error: str | None = None
    """The workspace's error code, or the kind of failure; null if the call succeeded."""
