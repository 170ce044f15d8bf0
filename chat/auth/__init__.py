"""Which workspace, and as whom: from arguments, from the environment, or by the SDK's unified auth.

What belongs here: finding credentials, fetching tokens with them, and keeping a token as long as it holds. Access is
asked for synchronously; `Credentials.blocks` says when that may take a while, so that an event loop hands it to a
thread.

What may never happen here:

- a credential goes to another host than the one it came with;
- the SDK, which costs over a second, is loaded for what it is not needed for: a token, or DATABRICKS_CLIENT_ID with
  DATABRICKS_CLIENT_SECRET;
- the tokens of an application's users are collected.
"""

from chat.auth.credentials import Credentials
from chat.auth.hosts import origin_of
from chat.auth.unified import FRESH_FOR, Config, WorkspaceClient

__all__ = ["FRESH_FOR", "Config", "Credentials", "WorkspaceClient", "origin_of"]
