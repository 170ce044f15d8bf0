"""`--record FILE`: a line for each thing that was done, appended as it happens: a crash leaves what came before."""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, TextIO

from provisioning.cli.places import provenance_here
from provisioning.errors import ProvisioningError
from provisioning.reporters.record import RecordLines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from provisioning.cli.flags import Place
    from provisioning.model.api_call import ApiCall
    from provisioning.model.events import Event
    from provisioning.model.plan import Plan

_READS = "GET"
_INTERNAL = 1


class Record:
    """What is told of a run. Without a stream nothing is kept.

    Args:
        stream: the file.
        run: what all lines of one run have in common; several targets are one run.
        target: the target, if it was named.
    """

    def __init__(self, stream: TextIO | None = None, *, run: str | None = None, target: str | None = None) -> None:
        self._stream = stream
        self._lines = RecordLines(
            run=run or str(uuid.uuid4()), target=target, now=lambda: datetime.now(UTC).isoformat()
        )
        self._door = threading.Lock()

    def begun(self, plan: Plan) -> Plan:
        """Keep what is about to be carried out, and where it comes from. Returns the plan."""
        self._write(self._lines.begin(plan, provenance=provenance_here(), tool_version=version("gatewright")))
        return plan

    def call(self, made: ApiCall) -> None:
        """Keep a call that may have changed something."""
        if made.method != _READS:
            self._write(self._lines.call(made))

    def and_then(self, tell: Callable[[Event], None]) -> Callable[[Event], None]:
        """Return what keeps how a change ended, and then tells of the event."""

        def told(event: Event) -> None:
            self._write(self._lines.event(event))
            tell(event)

        return told

    def end(self, *, exit_code: int, error: str | None = None) -> None:
        """Keep how the run ended."""
        self._write(self._lines.end(exit_code=exit_code, error=error))

    def _write(self, line: str | None) -> None:
        if self._stream is None or line is None:
            return
        with self._door:
            self._stream.write(f"{line}\n")
            self._stream.flush()


@contextlib.contextmanager
def recorded(path: Path | None, *, of: Place) -> Iterator[Record]:
    """Keep a record of what happens within, to its end, whichever that is.

    Args:
        path: the file, which is appended to; None keeps nothing.
        of: what is applied where.

    Raises:
        ProvisioningError: it cannot be written; nothing was done.
    """
    if path is None:
        yield Record()
        return
    try:
        # an account of who has which right: for this user's eyes
        stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8")
    except OSError as error:
        raise ProvisioningError(
            f"{path} cannot be written: {error.strerror}; nothing was written", remedy="choose another --record"
        ) from error
    with stream:
        record = Record(stream, run=of.turn.run if of.turn else None, target=of.target)
        try:
            yield record
        except ProvisioningError as error:
            record.end(exit_code=error.exit_code, error=str(error))
            raise
        except BaseException as error:
            record.end(exit_code=_INTERNAL, error=type(error).__name__)
            raise
        record.end(exit_code=0)
