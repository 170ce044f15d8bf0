"""Calls to what endpoints serve: the smallest one that proves that a provider takes the key."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from provisioning.errors import WorkspaceError
from provisioning.model.address import endpoint_address
from provisioning.workspace.client import Connection, segment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

MOST_TOKENS = 16
"""Tokens that an answer may have; some models take no fewer."""

_WORD = "ping"
_BODIES: Mapping[str, Mapping[str, JsonValue]] = {
    "llm/v1/chat": {"messages": [{"role": "user", "content": _WORD}], "max_tokens": MOST_TOKENS},
    "llm/v1/completions": {"prompt": _WORD, "max_tokens": MOST_TOKENS},
    "llm/v1/embeddings": {"input": [_WORD]},
}
_BAD_REQUEST = 400


def is_known(task: str) -> bool:
    """Tell whether there is a smallest call for a task: a custom model's input is its own affair."""
    return task in _BODIES


def call_once(connection: Connection, name: str, *, task: str) -> None:
    """Call an endpoint once, for at most `MOST_TOKENS` tokens.

    Args:
        connection: the workspace.
        name: the endpoint's name.
        task: what it does (`llm/v1/chat`).

    Raises:
        WorkspaceError: it did not answer, in its own words or its provider's.
    """
    body = dict(_BODIES[task])
    try:
        _call(connection, name, body)
    except WorkspaceError as error:
        limit = body.pop("max_tokens", None)
        if error.status != _BAD_REQUEST or limit is None:
            raise
        # reasoning models refuse this limit, and know it by another name; the workspace may not pass on their words
        with contextlib.suppress(WorkspaceError):
            _call(connection, name, {**body, "max_completion_tokens": limit})
            return
        raise


def _call(connection: Connection, name: str, body: Mapping[str, JsonValue]) -> None:
    path = f"/serving-endpoints/{segment(name)}/invocations"
    connection.call("POST", path, subject=endpoint_address(name), body=body)
