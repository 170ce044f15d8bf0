"""The two ways to ask an endpoint: its own invocations path, and the Responses API."""

from __future__ import annotations

from chat.wire.exchange import Dialect
from chat.wire.requests import invocation_path
from chat.wire.responses import RESPONSES_PATH, responses_body

INVOCATIONS = Dialect(path=invocation_path, write=lambda _name, body: body)
"""The endpoint's own path; the body goes as it is."""

RESPONSES = Dialect(path=lambda _name: RESPONSES_PATH, write=responses_body)
"""The Responses API, for models that reason between tool calls, and for agents."""
