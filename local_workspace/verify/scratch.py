"""What a run makes in the workspace, and how all of it goes away again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from local_workspace.verify.caller import SpentError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.verify.caller import Caller, Reply

PREFIX = "gatewright-verify-"

_GONE = frozenset({200, 404})
_TRIES = 5
_PAUSE = 3.0
_SECONDS = 180.0


class Scratch:
    """The scopes and endpoints of one run. Each is noted before it is created: its answer may get lost.

    Args:
        call: sends a request.
        run: what tells this run's names from any other's.
        sleep: waits so many seconds.
    """

    def __init__(self, call: Caller, *, run: str, sleep: Callable[[float], None]) -> None:
        self._call = call
        self._sleep = sleep
        self.prefix = f"{PREFIX}{run}"
        self._made: list[tuple[str, str]] = []

    def create_scope(self, name: str, **body: object) -> Reply:
        """Create a scope of this run, and return the answer."""
        self._note("scope", self.named(name))
        return self._call("POST", "/api/2.0/secrets/scopes/create", {"scope": self.named(name), **body})

    def create_endpoint(self, name: str, **body: object) -> Reply:
        """Create an endpoint of this run, and return the answer."""
        self._note("endpoint", self.named(name))
        return self._call("POST", "/api/2.0/serving-endpoints", {"name": self.named(name), **body})

    def named(self, name: str) -> str:
        """Return a name as this run writes it in the workspace."""
        return f"{self.prefix}-{name}"

    def clear(self) -> list[str]:
        """Remove all that was made, the last first, and return what could not be removed."""
        self._call.extend(calls=_TRIES * len(self._made), seconds=_SECONDS)
        left = [each for each in reversed(self._made) if not self._removed(*each)]
        self._made = list(reversed(left))
        return [f"{kind} {name}" for kind, name in left]

    def _note(self, kind: str, name: str) -> None:
        if (kind, name) not in self._made:
            self._made.append((kind, name))

    def _removed(self, kind: str, name: str) -> bool:
        for attempt in range(_TRIES):
            try:
                if attempt:
                    # An endpoint that is updating, or a limit of writes: both pass.
                    self._sleep(_PAUSE * attempt)
                reply = self._remove(kind, name)
            except (UnreachableError, KeyboardInterrupt):
                # Who breaks a run off wants it to end, and what it made to be gone.
                continue
            except SpentError:
                return False
            if reply.status in _GONE:
                return True
        return False

    def _remove(self, kind: str, name: str) -> Reply:
        if kind == "scope":
            return self._call("POST", "/api/2.0/secrets/scopes/delete", {"scope": name})
        return self._call("DELETE", f"/api/2.0/serving-endpoints/{quote(name)}")
