"""The one way out: requests to the named host, counted, timed, and kept for the fixtures."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_workspace.verify.target import Target

_SECONDS_A_CALL = 60.0
_LARGEST_ANSWER = 4 << 20


class SpentError(Exception):
    """The run's bound of calls or of time is reached."""


class UnreachableError(Exception):
    """The workspace gave no answer to a request.

    Args:
        message: which request, and what went wrong.
    """


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: the HTTP status.
        body: the JSON value, or the text if it is none.
        headers: by lower-case name.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether it is a 200."""
        return self.status == HTTPStatus.OK

    @property
    def code(self) -> object:
        """The error's code, or None."""
        return self.body.get("error_code") if isinstance(self.body, dict) else None

    @property
    def message(self) -> str:
        """The error's text, or what there is of one."""
        said = self.body.get("message", self.body.get("error", "")) if isinstance(self.body, dict) else self.body
        return str(said)

    def refuses(self, status: int, code: str | None = None, *, saying: str = "") -> bool:
        """Return whether it is such an error: a status, a code if one is given, words of its text."""
        return self.status == status and code in {None, self.code} and saying in self.message

    def summary(self) -> str:
        """Return the answer in a line."""
        told = "" if self.ok else " ".join(f"{self.code or ''} {self.message}".split())
        return f"{self.status} {told}".strip()[:300]


@dataclass(frozen=True)
class Exchange:
    """A request and its answer.

    Attributes:
        method: upper case.
        path: with its query.
        sent: the body, or None.
        reply: the answer.
    """

    method: str
    path: str
    sent: Any
    reply: Reply


class Caller:
    """Calls one workspace.

    Args:
        target: which, and by which token.
        calls: how many requests at most.
        seconds: for how long at most.
        now: seconds on a clock that only goes forward.
    """

    def __init__(self, target: Target, *, calls: int, seconds: float, now: Callable[[], float]) -> None:
        self._target = target
        self._left = calls
        self._now = now
        self._until = now() + seconds
        # No redirects: a token goes nowhere else. No retries: what is asked twice answers otherwise.
        self._pool = urllib3.PoolManager(retries=False, timeout=_SECONDS_A_CALL)
        self.exchanges: list[Exchange] = []
        self.made = 0

    def __call__(self, method: str, path: str, body: object = None) -> Reply:
        """Send a request.

        Args:
            method: upper case.
            path: with its query, encoded.
            body: a JSON value, or None for no body.

        Raises:
            SpentError: no more may be sent.
            UnreachableError: no answer came.
        """
        if self._left <= 0 or self._now() >= self._until:
            raise SpentError("the bound of calls or time is reached")
        self._left -= 1
        self.made += 1
        headers = {"Authorization": f"Bearer {self._target.token}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        try:
            answer = self._pool.request(
                method,
                self._target.host + path,
                body=sent,
                headers=headers,
                redirect=False,
                preload_content=False,
                timeout=max(1.0, min(_SECONDS_A_CALL, self._until - self._now())),
            )
            try:
                data = self._read(answer)
            finally:
                answer.close()
        except HTTPError as error:
            raise UnreachableError(f"{method} {path}: {type(error).__name__}") from error
        reply = Reply(answer.status, _value(data), {key.lower(): value for key, value in answer.headers.items()})
        self.exchanges.append(Exchange(method, path, body, reply))
        return reply

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        data = b""
        while len(data) < _LARGEST_ANSWER and (piece := answer.read1(1 << 16, decode_content=True)):
            data += piece
            if self._now() >= self._until:
                raise SpentError("the bound of time is reached")
        return data

    def extend(self, *, calls: int, seconds: float) -> None:
        """Allow so much more, whatever is spent: what was made must be removed."""
        self._left = calls
        self._until = self._now() + seconds

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def _value(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode(errors="replace")
