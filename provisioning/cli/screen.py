"""A terminal on stderr that somebody looks at: lines that stay, above those that show what is at work.

The lines below are drawn anew several times a second, and gone when nothing is at work any more. Whoever writes to the
terminal meanwhile does so `above` them. Nothing is drawn for pipes, in CI and on terminals that cannot move a cursor.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.live import Live
    from rich.text import Text

    from provisioning.model.events import Event
    from provisioning.reporters.in_flight import InFlight

_REFRESHES = 4
"""Times a second that the lines are drawn."""


class Screen:
    """The lines at the bottom of stderr's terminal. One for a process, as there is one stderr."""

    def __init__(self) -> None:
        self._door = threading.RLock()
        self._in_flight: InFlight | None = None
        self._live: Live | None = None

    def note(self, event: Event, *, target: str | None = None) -> bool:
        """Take an event in, and show what is at work.

        Args:
            event: what happened.
            target: in which target, where there are several.

        Returns:
            Whether nobody has to be told of it in a line of its own.
        """
        if not _is_watched():
            return False
        from provisioning.reporters.in_flight import InFlight, is_passing  # noqa: PLC0415 - `validate` has no events

        with self._door:
            if self._in_flight is None:
                self._in_flight = InFlight()
            self._in_flight.note(event, now=time.monotonic(), target=target)
            if not self._in_flight.any:
                self.close()
            elif self._live is None:
                self._live = self._opened()
        return is_passing(event)

    @contextlib.contextmanager
    def above(self) -> Iterator[None]:
        """Take the lines away while something that stays is written."""
        with self._door:
            was_open = self._live is not None
            self.close()
            try:
                yield
            finally:
                if was_open:
                    # a `Live` that is started again takes what was written meanwhile for its own lines
                    self._live = self._opened()

    def close(self) -> None:
        """Take the lines away, and leave the terminal as it was."""
        with self._door:
            live, self._live = self._live, None
            if live is not None:
                live.stop()

    def _opened(self) -> Live:
        from rich.console import Console  # noqa: PLC0415 - only for a terminal that is looked at
        from rich.live import Live  # noqa: PLC0415 - as above

        live = Live(
            console=Console(file=sys.stderr),
            get_renderable=self._drawn,
            refresh_per_second=_REFRESHES,
            transient=True,
            # stdout may be a file, and what goes to stderr is written above
            redirect_stdout=False,
            redirect_stderr=False,
        )
        live.start(refresh=True)
        return live

    def _drawn(self) -> Text:
        from rich.text import Text  # noqa: PLC0415 - as above

        lines = self._in_flight.lines(now=time.monotonic()) if self._in_flight is not None else ()
        return Text("\n".join(lines), style="dim", no_wrap=True, overflow="ellipsis")


STDERR = Screen()
"""This process's."""


def _is_watched() -> bool:
    return (
        sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}
    )
