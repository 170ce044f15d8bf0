"""One call from first to last: its attempts, and the endpoints to fall back to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chat.errors import CallTimeoutError, ChatError, NotFoundError
from chat.flow.attempt import Call, attempt
from chat.flow.own_route import authorized
from chat.flow.recovery import Recovery
from chat.flow.resumption import Unfinished
from chat.flow.retry import FIRST_CONTACT, PASSING, Attempts, Memory
from chat.flow.steps import AwaitReady, Endpoint, Flow, Pause, T
from chat.wire import Access, without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What makes a call try the next endpoint: this one is away, missing, throttled, or does not answer.
_PASSED_OVER = (*PASSING, NotFoundError, CallTimeoutError)


def complete(
    call: Call[T],
    remember: Callable[[Endpoint], Memory],
    *,
    clock: Callable[[], float],
    jitter: Callable[[], float],
) -> Flow[T]:
    """Make the call at the first of its endpoints that takes it.

    Args:
        call: what to call.
        remember: what is known of an endpoint.
        clock: a monotonic clock, in seconds.
        jitter: a random number from 0 to 1.
    """
    passed_over: dict[str, str] = {}
    *preferred, final = call.endpoints
    for endpoint in preferred:
        try:
            # With another endpoint at hand, an unavailable one is left at once instead of waited for: `wait` is for
            # the last, when no other is left.
            at_once = Attempts(deadline=clock(), contact_by=clock(), limit=0, clock=clock, jitter=jitter)
            return (yield from _on(endpoint, replace(call, wait=0.0), remember(endpoint), at_once, passed_over))
        except _PASSED_OVER as error:
            if error.partial is not None:
                raise
            passed_over[endpoint.name] = error.message
    # An endpoint scaled to zero is "ready" and answers 503 until it has started: `wait` covers that as well.
    patient = Attempts(
        deadline=clock() + max(call.retry_for, call.wait),
        contact_by=clock() + max(min(call.retry_for, FIRST_CONTACT), call.wait),
        limit=call.max_retries,
        clock=clock,
        jitter=jitter,
        cold_until=clock() + call.wait,
    )
    return (yield from _on(final, call, remember(final), patient, passed_over))


def _on(
    endpoint: Endpoint, call: Call[T], memory: Memory, attempts: Attempts, passed_over: Mapping[str, str]
) -> Flow[T]:
    """Attempt the call at one endpoint until it succeeds or has to be given up."""
    if call.wait and not memory.ready:
        yield AwaitReady(endpoint, call.wait, memory.learn)
        memory.ready = True
        attempts.extend(call.retry_for)  # what fails now is not to be given up because the wait took so long
    origin = {"endpoint": endpoint.name, **({"fallback_from": dict(passed_over)} if passed_over else {})}
    unfinished = Unfinished(call)
    recovery = Recovery(endpoint, call, memory=memory, attempts=attempts, unfinished=unfinished)
    access: Access | None = None
    while True:
        if hold := attempts.pause_before(memory):
            yield Pause(hold, "another call was asked to wait")
        body = without(unfinished.body, memory.refused)
        asked = call if body is call.body else replace(call, body=body)
        try:
            access = access or (yield from authorized(endpoint, memory, dialect=call.dialect))
            return (
                yield from attempt(
                    endpoint,
                    asked,
                    access,
                    memory=memory,
                    attempts=attempts,
                    unfinished=unfinished,
                    origin={**origin, **unfinished.origin},
                )
            )
        except ChatError as error:
            access = yield from recovery.after(error, access, body)
