"""What to do after an attempt has failed: renew, take another route, leave something out, wait, or give up."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from chat.errors import (
    BadRequestError,
    ChatError,
    ChatWarning,
    NotFoundError,
    PermissionDeniedError,
    RefusedError,
    UnauthenticatedError,
)
from chat.flow.own_route import renewed, rerouted
from chat.flow.retry import PASSING, Attempts, Memory
from chat.flow.steps import Endpoint, Flow, Pause, T
from chat.wire import Access, refused_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chat.flow.attempt import Call
    from chat.flow.resumption import Unfinished


class Recovery:
    """What is left to be tried for one call at one endpoint.

    Args:
        endpoint: which.
        call: what is asked.
        memory: what is known of the endpoint; it learns.
        attempts: how often, and how long.
        unfinished: what has come of the answer.
    """

    def __init__(
        self, endpoint: Endpoint, call: Call[T], *, memory: Memory, attempts: Attempts, unfinished: Unfinished
    ) -> None:
        self._endpoint = endpoint
        self._dialect = call.dialect
        self._retry_for, self._max_retries = call.retry_for, call.max_retries
        self._memory = memory
        self._attempts = attempts
        self._unfinished = unfinished
        self._renewed = False

    def after(self, error: ChatError, access: Access | None, body: Mapping[str, object]) -> Flow[Access | None]:
        """Do what lets the next attempt succeed.

        Args:
            error: how the last one failed.
            access: the access that it had.
            body: what it sent.

        Returns:
            The access of the next attempt; None if it has to be got.

        Raises:
            ChatError: the same error; there is nothing left to try. It carries what earlier attempts brought.
        """
        try:
            return (yield from self._next(error, access, body))
        except ChatError as last:
            last.partial = last.partial or self._unfinished.partial
            raise

    def _next(self, error: ChatError, access: Access | None, body: Mapping[str, object]) -> Flow[Access | None]:
        if isinstance(error, UnauthenticatedError):
            return (yield from self._renew(error, access))
        if isinstance(error, (BadRequestError, NotFoundError, PermissionDeniedError)):
            if (yield from rerouted(self._endpoint, self._memory, error)):
                return None
            self._drop(refused_parameters(error, body), error)
            return access
        passing = self._passing(error)
        pause = None if passing is None else self._attempts.pause_after(passing, self._memory)
        if pause is None:
            raise error
        yield Pause(pause, error.message)
        return access

    def _passing(self, error: ChatError) -> ChatError | None:
        """Say what passes, so that it is worth waiting; after the first text that is so only where it is resumed."""
        if error.partial is None:
            return error if isinstance(error, PASSING) else None
        reason = self._unfinished.passing(error)
        if reason is not None and self._unfinished.resume(reason):
            self._attempts = self._attempts.anew(retry_for=self._retry_for, limit=self._max_retries)
        return reason

    def _renew(self, error: UnauthenticatedError, access: Access | None) -> Flow[Access]:
        """Get a fresh access, once, for one that the server does not take."""
        if self._renewed or access is None:
            raise error
        self._renewed = True
        fresh = yield from renewed(self._endpoint, self._memory, dialect=self._dialect, refused=access)
        if fresh is None:
            raise error
        return fresh

    def _drop(self, names: tuple[str, ...], error: RefusedError) -> None:
        """Leave out what the model refuses, from now on; raise the refusal if it names nothing to leave out."""
        if not names:
            raise error
        fresh = [name for name in names if name not in self._memory.refused]
        if not fresh:
            return  # a call at the same time has learnt it first
        self._memory.refused.update(fresh)
        left_out = f"Endpoint {self._endpoint.name!r} refuses {', '.join(fresh)}"
        warnings.warn(f"{left_out}; calls to it go without from now on. ({error.message})", ChatWarning, stacklevel=2)
