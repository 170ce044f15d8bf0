"""What is taken of the SDK: the only module that imports it.

The package's `__init__` imports the client of every Databricks service, which is four fifths of what importing the SDK
costs (over a second), and none of them is used here. So it is left until somebody else in the process asks for it.
"""

from __future__ import annotations

from provisioning.workspace.deferral import defer_body

defer_body("databricks.sdk")

from databricks.sdk import config, oauth  # noqa: E402 - after what keeps it small
from databricks.sdk._base_client import _BaseClient as BaseClient  # noqa: E402 - as above
from databricks.sdk.clock import Clock  # noqa: E402 - as above
from databricks.sdk.core import ApiClient, Config  # noqa: E402 - as above
from databricks.sdk.errors import platform  # noqa: E402 - as above
from databricks.sdk.errors.base import DatabricksError  # noqa: E402 - as above
from databricks.sdk.errors.private_link import PrivateLinkValidationError  # noqa: E402 - as above

__all__ = [
    "ApiClient",
    "BaseClient",
    "Clock",
    "Config",
    "DatabricksError",
    "PrivateLinkValidationError",
    "config",
    "oauth",
    "platform",
]
