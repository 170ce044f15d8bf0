"""Calls to pay-per-token chat endpoints, asked of the local model.

Its answers pass as they come. They name the model that gave them, not the one that the endpoint is named for.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from starlette.responses import Response

from local_workspace.errors import ApiError, bad_request
from local_workspace.upstreams import request_bodies
from local_workspace.upstreams.addresses import AddressPolicy
from local_workspace.upstreams.dial import Dialer
from local_workspace.upstreams.local_model.installed import NAME, NotInstalledError, find
from local_workspace.upstreams.local_model.process import LOAD_SECONDS, LlamaServer, ModelFailedError
from local_workspace.upstreams.relay import ClientGoneError, Relayed, unless_gone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aiohttp import ClientResponse
    from starlette.types import Receive

_CLIENT_CLOSED = 499
_LARGEST_ERROR = 64 * 1024
_GONE = "The local model's process ended while it was asked; the next call starts another."


class LocalModel:
    """The local model of one workspace server: started by the first call, and again if it has ended."""

    def __init__(self) -> None:
        self._dialer = Dialer(AddressPolicy(allowed_hosts=frozenset(), is_live=False))
        self._server: LlamaServer | None = None

    async def answer(
        self,
        body: Mapping[str, Any],
        *,
        path: str,
        headers: Mapping[str, str],
        data_lines_only: bool,
        receive: Receive,
    ) -> Response:
        """Answer a call.

        Args:
            body: What the caller sent, checked.
            path: The API's path: `chat/completions`, `responses` or `messages`.
            headers: More headers for the caller.
            data_lines_only: Whether an event stream may hold `data:` lines alone.
            receive: The request's ASGI channel, its body already read.

        Raises:
            ApiError: 501: it is not installed; 500: it cannot be started, or ended; what it refuses, in its words.
        """
        try:
            answer = await unless_gone(receive, self._asked(path, _payload(body, path)))
        except ClientGoneError:
            return Response(status_code=_CLIENT_CLOSED)
        return Relayed(answer, headers=headers, data_lines_only=data_lines_only)

    async def aclose(self) -> None:
        """End it."""
        await self._dialer.aclose()
        if self._server is not None:
            self._server.stop()
            self._server = None

    async def _asked(self, path: str, payload: bytes) -> ClientResponse:
        server, address = await self._loaded()
        headers = {
            "Authorization": f"Bearer {server.key}",
            "Content-Type": "application/json",
            "Connection": "close",  # so that a broken connection tells of a process that ended, and of nothing else
        }
        try:
            answer = await self._dialer.post(f"{address}/v1/{path}", headers=headers, body=payload)
        except TimeoutError:
            raise ApiError(504, "DEADLINE_EXCEEDED", "The local model did not answer in time.") from None
        except aiohttp.ClientError:
            await asyncio.to_thread(server.stop)
            raise ApiError(500, "INTERNAL_ERROR", _GONE) from None
        if answer.ok:
            return answer
        async with answer:
            raise _refusal(answer.status, await answer.content.read(_LARGEST_ERROR))

    async def _loaded(self) -> tuple[LlamaServer, str]:
        """The server, and where it listens. Calls that come while it loads wait for the same one."""
        try:
            server = self._server
            if server is None or server.ended.is_set():
                server = self._server = LlamaServer(find(), key=secrets.token_urlsafe(32))
            async with asyncio.timeout(LOAD_SECONDS):
                # Shielded: who waits may go away, and the others must still be told.
                return server, await asyncio.shield(asyncio.wrap_future(server.address))
        except NotInstalledError as missing:
            raise ApiError(501, "NOT_IMPLEMENTED", str(missing)) from None
        except ModelFailedError as failed:
            raise ApiError(500, "INTERNAL_ERROR", f"The local model cannot be loaded: {failed}") from None
        except TimeoutError:
            raise ApiError(
                504, "DEADLINE_EXCEEDED", f"The local model was not loaded within {LOAD_SECONDS:.0f} s."
            ) from None


@asynccontextmanager
async def opened_local_model() -> AsyncIterator[LocalModel]:
    """Keep the model for as long as its server runs."""
    model = LocalModel()
    try:
        yield model
    finally:
        await model.aclose()


def _payload(body: Mapping[str, Any], path: str) -> bytes:
    if path == "chat/completions" and body.get("stream"):
        # Databricks' own models report usage on streams unasked.
        body = {**body, "stream_options": {"include_usage": True}}
    return request_bodies.for_upstream(body, model=NAME)


def _refusal(status: int, payload: bytes) -> ApiError:
    try:
        message = str(json.loads(payload)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        message = payload.decode(errors="replace")
    # It calls what it cannot read (an image) a failure of its own; a client would only repeat that.
    if status < 500 or "not supported" in message:  # noqa: PLR2004 - HTTP's
        return bad_request(f"Bad request: {message}")
    return ApiError(status, "INTERNAL_ERROR", message)
