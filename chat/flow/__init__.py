"""What a call does, step by step, without doing it: the one place for retry, refresh, waiting and giving up.

A flow is a generator. It yields a step, the driver carries it out and sends the result back (or throws the error that
came of it); what the flow returns is the call's result. `chat.client` and `chat.aio` are the two drivers. Time and
chance are arguments, so a test plays a flow through without waiting.

    AwaitReady?  ─>  Authorize  ─>  Enter  ─>  Send  ─>  (Receive, Deliver)*  ─>  result
                         ^                      │
                         └────────  Pause  <────┘  throttled, away: within the deadline, before any text
"""

from chat.flow.attempt import Call
from chat.flow.call import complete
from chat.flow.caller import Caller, Endpoints, Options, Patience, endpoints_of
from chat.flow.readiness import awaiting, read_state
from chat.flow.steps import Authorize, AwaitReady, Deliver, Endpoint, Enter, Flow, Pause, Receive, Running, Send, Step

__all__ = [
    "Authorize",
    "AwaitReady",
    "Call",
    "Caller",
    "Deliver",
    "Endpoint",
    "Endpoints",
    "Enter",
    "Flow",
    "Options",
    "Patience",
    "Pause",
    "Receive",
    "Running",
    "Send",
    "Step",
    "awaiting",
    "complete",
    "endpoints_of",
    "read_state",
]
