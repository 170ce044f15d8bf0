"""Calls to providers through their own clients, which any-llm-sdk drives: OpenAI's shape in, OpenAI's shape out.

The only file that knows any-llm, beside `bedrock`. Imported when a call first needs it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from any_llm.exceptions import InvalidRequestError, UnsupportedParameterError
from pydantic import ValidationError

from local_workspace.errors import ApiError, bad_request
from local_workspace.upstreams import errors, request_bodies
from local_workspace.upstreams.sender import UpstreamError
from local_workspace.upstreams.translated import answers, requests, vendors
from local_workspace.upstreams.translated.answers import BrokenOffError, Shell, Translated
from local_workspace.upstreams.translated.exchange import Exchange
from local_workspace.upstreams.translated.extra import missing_extra

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from local_workspace.upstreams.destinations import Destination
    from local_workspace.upstreams.sender import Resolve, Sender
    from local_workspace.upstreams.translated.vendors import Calls

_NOT_SAID = "the provider's answer cannot be read"


class Translator:
    """Calls providers; keeps one client for each.

    Args:
        sender: Sends what the clients write.
        now: The time in seconds since the epoch.
    """

    def __init__(self, sender: Sender, *, now: Callable[[], float]) -> None:
        logging.getLogger("any_llm").setLevel(logging.ERROR)  # it warns that Bedrock's client blocks: known
        self._sender = sender
        self._now = now
        self._opened: dict[str, Calls] = {}
        self._opening = asyncio.Lock()

    async def call(
        self, where: Destination, body: Mapping[str, Any], *, path: str, resolve: Resolve, hops: int
    ) -> Translated | UpstreamError:
        """Call a provider.

        Args:
            where: Where its API begins, and the credential.
            body: What the caller sent, checked.
            path: The API's path: `chat/completions`, `completions` or `embeddings`.
            resolve: Reads a secret reference's value.
            hops: How many workspaces the call passes through, this one included.

        Raises:
            ApiError: 400: the request asks for what the provider does not know.
            AddressRefusedError: The config's host may not be called.
            UnresolvedSecretError: The key cannot be read.
        """
        exchange = Exchange(where, sender=self._sender, resolve=resolve, hops=hops)
        fields = request_bodies.upstream_fields(body)
        try:
            with exchange.under_way():  # a stream's request leaves with its first chunk
                return await self._answer(where, fields, path, exchange)
        except ApiError:
            raise
        except Exception as error:  # noqa: BLE001 - the vendors' boundary: any-llm's errors, pydantic's, a KeyError
            if exchange.failure is not None:
                raise exchange.failure from None
            if exchange.refusal is not None:
                return exchange.refusal
            if not exchange.is_sent:
                raise bad_request(f"Bad request: {_said(error, provider=where.provider)}") from None
            return UpstreamError(502, errors.wrapped(where.provider, {"message": _NOT_SAID}))

    async def aclose(self) -> None:
        """Let go of the clients."""
        for calls in self._opened.values():
            await calls.aclose()
        self._opened.clear()

    async def _answer(self, where: Destination, fields: Mapping[str, Any], path: str, exchange: Exchange) -> Translated:
        calls = await self._calls(where.provider)
        shell = Shell(id=uuid4().hex, model=where.model.rpartition("/")[2], created=int(self._now()))
        if path == "embeddings":
            made = await calls.embed({"model": where.model, **requests.embedding(fields)}, exchange)
            return Translated(answers.embeddings(_plain(made), shell))
        as_text = path == "completions"
        asked = requests.completion_as_chat(fields) if as_text else requests.chat(fields)
        asked = requests.ADJUSTED.get(where.provider, dict)(asked)
        made = await calls.complete({"model": where.model, **asked}, exchange)
        if not asked.get("stream"):
            return Translated((answers.text if as_text else answers.chat)(_plain(made), shell))
        chunks = _plain_chunks(await _begun(made))
        return Translated(events=(answers.text_stream if as_text else answers.stream)(chunks, shell))

    async def _calls(self, provider: str) -> Calls:
        async with self._opening:
            if provider not in self._opened:
                try:
                    self._opened[provider] = await asyncio.to_thread(vendors.opened, provider)
                except ImportError as missing:
                    raise missing_extra(missing) from missing
            return self._opened[provider]


async def _begun(chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Wait for a stream's first chunk that says anything: until then, a refusal can still be answered as one."""
    opening = []
    async for chunk in chunks:
        opening.append(chunk)
        if any(answers.says_something(choice) for choice in _plain(chunk)["choices"]):
            break
    else:
        raise BrokenOffError

    async def from_the_first() -> AsyncIterator[Any]:
        for chunk in opening:
            yield chunk
        try:
            async for chunk in chunks:
                yield chunk
        except Exception:  # noqa: BLE001 - as in `call`
            raise BrokenOffError from None

    return from_the_first()


def _said(error: Exception, *, provider: str) -> str:
    """Say why a request was not even written."""
    if isinstance(error, InvalidRequestError | UnsupportedParameterError):
        return str(error.message)
    if isinstance(error, ValidationError):
        (first, *_) = error.errors(include_input=False, include_url=False)
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"it cannot be put as {provider} takes it ({error})"


async def _plain_chunks(chunks: AsyncIterator[Any]) -> AsyncIterator[Mapping[str, Any]]:
    async for chunk in chunks:
        yield _plain(chunk)


def _plain(model: Any) -> dict[str, Any]:  # noqa: ANN401 - any-llm's types
    written: dict[str, Any] = model.model_dump(mode="json")
    return written
