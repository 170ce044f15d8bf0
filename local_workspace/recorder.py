"""What clients asked: the request log, with every key and value masked before it is kept."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from local_workspace.resources.external_models import SECRET_FIELDS
from local_workspace.resources.secrets import is_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MASK = "[MASKED]"

_KEPT = 10_000
_KEPT_BYTES = 32 << 20
"""Of bodies, in all: a load of large calls must not fill the memory."""

_LARGEST_BODY = 1 << 20
_SECRETS = frozenset({"string_value", "bytes_value", "client_secret"})
_OWN_ROUTE = re.compile(r"(/\d+)?/serving-endpoints/(?P<endpoint>[^/]+)/(served-models/[^/]+/)?invocations/?")
_REFERENCES = frozenset(path for paths in SECRET_FIELDS.values() for path in paths)
"""Where a reference belongs: a field, or a field and the block around it where its name alone says too little."""


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request that was answered.

    Attributes:
        method: upper case.
        path: without the query string.
        status: of the answer; 0 if none was sent.
        identity: the principal that called; None if no valid token came.
        raw: the body, where it can hold no key; else the masked one.
        endpoint: the serving endpoint that was called; None for other requests.
    """

    method: str
    path: str
    status: int
    identity: str | None
    raw: bytes = field(default=b"", repr=False)
    endpoint: str | None = None

    @property
    def body(self) -> Any:  # noqa: ANN401 - any JSON value
        """The JSON body, keys masked; None if there was none or it was no JSON."""
        return _parse(self.raw)

    def summary(self) -> dict[str, Any]:
        """Return what `GET /_local/requests` shows."""
        return {"method": self.method, "path": self.path, "status": self.status, "identity": self.identity}


class RequestLog:
    """The last requests of one workspace, oldest first: 10,000, or as many as have 32 MB of bodies. A sequence."""

    def __init__(self) -> None:
        self._requests: deque[RecordedRequest] = deque()
        self._bytes = 0
        self._lock = threading.Lock()  # the server adds, and a test clears

    def add(self, request: RecordedRequest) -> None:
        """Remember a request, and forget the oldest if there are too many."""
        with self._lock:
            self._requests.append(request)
            self._bytes += len(request.raw)
            while len(self._requests) > _KEPT or self._bytes > _KEPT_BYTES:
                self._bytes -= len(self._requests.popleft().raw)

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._requests.clear()
            self._bytes = 0

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(list(self._requests))

    @overload
    def __getitem__(self, index: int) -> RecordedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[RecordedRequest]: ...
    def __getitem__(self, index: int | slice) -> RecordedRequest | list[RecordedRequest]:
        return list(self._requests)[index]

    def __repr__(self) -> str:
        return f"RequestLog({list(self._requests)!r})"


class Recorder:
    """Middleware that writes each request into its workspace's log, before the answer's last byte is sent.

    What ends a request otherwise calls `record`, which it puts into the request's state, before it does so.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and record it; `_local` routes observe, and are not observed."""
        if scope["type"] != "http" or scope["path"].startswith("/_local/"):
            await self._app(scope, receive, send)
            return
        heard: list[bytes] = []
        size = 0
        status = 0
        recorded = False

        async def listen() -> Message:
            nonlocal size
            message = await receive()
            chunk = message.get("body", b"")
            size += len(chunk)
            if chunk and size <= _LARGEST_BODY:
                heard.append(chunk)
            return message

        def record() -> None:
            nonlocal recorded
            if recorded:
                return
            recorded = True
            state = scope["state"]
            identity = state["identity"]
            body = b"".join(heard) if size <= _LARGEST_BODY else b""
            state["workspace"].requests.add(
                RecordedRequest(
                    scope["method"],
                    scope["path"],
                    status,
                    None if identity is None else identity.name,
                    body if _holds_no_key(scope["path"], status) else masked(body),
                    state.get("endpoint") or _named_in(scope["path"]),
                )
            )

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body"):
                # A client that has read the answer finds the request in the log.
                record()
            await send(message)

        scope["state"]["record"] = record
        try:
            await self._app(scope, listen, tell)
        finally:
            record()
            # It holds the scope that holds it: left there, each request would wait for the garbage collector.
            del scope["state"]["record"]


def masked(body: bytes) -> bytes:
    """Return a JSON body with every secret replaced; nothing at all if it is no JSON."""
    parsed = _parse(body)
    try:
        return b"" if parsed is None else json.dumps(_mask(parsed)).encode()
    except RecursionError:
        return b""


def _mask(value: Any, *, within: str = "") -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return [_mask(each, within=within) for each in value]
    if isinstance(value, dict):
        return {
            key: MASK if _is_secret(key, each, within=within) else _mask(each, within=key)
            for key, each in value.items()
        }
    return value


def _is_secret(key: str, value: object, *, within: str) -> bool:
    if key in _SECRETS or key.endswith("_plaintext"):
        return True
    # People paste a key where a reference belongs.
    if _REFERENCES.isdisjoint({(key,), (within, key)}) or value is None:
        return False
    return not (isinstance(value, str) and is_reference(value))


def _holds_no_key(path: str, status: int) -> bool:
    """Whether a body can be kept unread: a call that was answered. Anything may be sent to a route by mistake."""
    return status < 400 and path.startswith(("/serving-endpoints/", "/ai-gateway/"))  # noqa: PLR2004 - no error


def _parse(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


def _named_in(path: str) -> str | None:
    """The endpoint of a call that broke before the workspace looked for it."""
    call = _OWN_ROUTE.fullmatch(path)
    return call and call["endpoint"]


def traffic(log: RequestLog) -> Mapping[str, Mapping[str, int]]:
    """Return what `GET /_local/traffic` answers: each endpoint's calls, and how many of them came to nothing."""
    calls, errors = Counter[str](), Counter[str]()
    for each in log:
        if each.endpoint is not None:
            calls[each.endpoint] += 1
            errors[each.endpoint] += each.status == 0 or each.status >= 400  # noqa: PLR2004 - HTTP's errors
    return {name: {"calls": number, "errors": errors[name]} for name, number in calls.items()}


def view(log: RequestLog) -> Mapping[str, Any]:
    """Return what `GET /_local/requests` answers."""
    return {"requests": [each.summary() for each in log]}
