"""Calls to what endpoints serve: the smallest one that proves that a provider takes the key."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING

from provisioning.errors import WorkspaceError
from provisioning.model.address import endpoint_address
from provisioning.model.inert import LONGEST_MESSAGE, inert
from provisioning.workspace.client import Connection, segment
from provisioning.workspace.concealment import CONCEALED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue
    from requests import Response

    from provisioning.workspace.concealment import Concealment

MOST_TOKENS = 16
"""Tokens that an answer may have; some models take no fewer."""

_WORD = "ping"
_BODIES: Mapping[str, Mapping[str, JsonValue]] = {
    "llm/v1/chat": {"messages": [{"role": "user", "content": _WORD}], "max_tokens": MOST_TOKENS},
    "llm/v1/completions": {"prompt": _WORD, "max_tokens": MOST_TOKENS},
    "llm/v1/embeddings": {"input": [_WORD]},
}
_BAD_REQUEST = 400
_MASKED = re.compile(r"\S*\*{3,}\S*")

_AS_ANY_CALL = "check the provider's key and settings, then run again"
_REMEDIES = (
    (400, 400, "check external_model: its name, its task and the provider's settings, then run again"),
    (401, 401, "the provider refuses the key: put a valid one into the secret's source, then run again"),
    (403, 403, "the provider's key lacks a right, to this model or at all: check its account, then run again"),
    (404, 404, "the provider knows no such model or address: check external_model.name and its *_api_base"),
    (422, 422, "check external_model: its name, its task and the provider's settings, then run again"),
    (429, 429, "the provider's quota or rate is used up: check its account, then run again later"),
    (500, 599, "the provider fails, or cannot be reached: check its *_api_base and its status, then run again"),
)
"""What to do about a provider's answer: its first status, its last, the advice."""


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
    answers: list[Response] = []
    try:
        connection.call("POST", path, subject=endpoint_address(name), body=body, hear=answers.append)
    except WorkspaceError as error:
        if not answers:
            raise
        raise explain(error, answers[-1], connection.conceal) from error


def explain(error: WorkspaceError, answer: Response, conceal: Concealment) -> WorkspaceError:
    """Return an error with the status, with what the provider said, and with what to do next.

    Args:
        error: what the SDK makes of the answer.
        answer: the answer itself.
        conceal: takes the secrets that were sent out of what the provider says.
    """
    status = answer.status_code
    words = _provider_words(answer.content)
    if words is None:
        return error.restated(f"HTTP {status}: {error.said}", remedy=error.remedy or _AS_ANY_CALL)
    # OpenAI shows the ends of a key that it refuses: `sk-ab****yz`
    shown = inert(_MASKED.sub(CONCEALED, conceal(words)).strip(), limit=LONGEST_MESSAGE)
    remedy = next((text for first, last, text in _REMEDIES if first <= status <= last), _AS_ANY_CALL)
    return error.restated(f"HTTP {status}: {error.said}: {shown}", remedy=remedy)


def _provider_words(body: bytes) -> str | None:
    """Return what a provider said, as a workspace passes it on; None if the answer is the workspace's own.

    Args:
        body: the answer's: `{"error": "Received error from openai", "external_model_message": {...}}`.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    passed_on = parsed.get("external_model_message") if isinstance(parsed, dict) else None
    return None if passed_on is None else _sentence(passed_on) or json.dumps(passed_on)


def _sentence(said: object) -> str | None:
    """Find the sentence: each provider has a shape of its own, and all of them call it one of these."""
    if isinstance(said, str):
        return said
    if not isinstance(said, dict):
        return None
    found = (_sentence(said.get(name)) for name in ("message", "error", "detail", "Message"))
    return next((each for each in found if each), None)
