"""The vendors' clients, each opened when a call first needs it: they are slow to load, and share nothing.

Every client gets a placeholder for its key and its host; the exchange adds the real ones (see there).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import httpx
from any_llm import AnyLLM

from local_workspace.upstreams.dial import EXECUTION_SECONDS
from local_workspace.upstreams.translated.exchange import PLACEHOLDER_HOST, PLACEHOLDER_KEY, WayOut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_workspace.upstreams.translated.exchange import Exchange

_COMMON: Mapping[str, Any] = {"unified_exceptions": True, "max_retries": 0}


class Calls(Protocol):
    """How a provider is called; answers are any-llm's pydantic models, or an iterator of them."""

    async def complete(self, request: Mapping[str, Any], exchange: Exchange) -> Any:  # noqa: ANN401 - as said
        """Return a completion, or an iterator of its chunks."""

    async def embed(self, request: Mapping[str, Any], exchange: Exchange) -> Any:  # noqa: ANN401 - as said
        """Return embeddings."""

    async def aclose(self) -> None:
        """Let go of the client."""


def opened(provider: str) -> Calls:
    """Load a provider's client and open it. Takes a second or more.

    Raises:
        ImportError: The client is not installed.
    """
    if provider == "amazon-bedrock":
        from local_workspace.upstreams.translated.bedrock import BedrockCalls  # noqa: PLC0415 - as said

        return BedrockCalls()
    return _HttpxCalls(_CLIENTS[provider])


class _HttpxCalls:
    """A provider whose client is asynchronous and takes a transport; requests leave by the exchange under way."""

    def __init__(self, make: Callable[[httpx.AsyncClient], AnyLLM]) -> None:
        self._http = httpx.AsyncClient(transport=WayOut(), timeout=EXECUTION_SECONDS, trust_env=False)
        self._client = make(self._http)

    async def complete(self, request: Mapping[str, Any], exchange: Exchange) -> Any:  # noqa: ANN401 - any-llm's types
        with exchange.under_way():
            return await self._client.acompletion(**request)

    async def embed(self, request: Mapping[str, Any], exchange: Exchange) -> Any:  # noqa: ANN401 - any-llm's types
        with exchange.under_way():
            return await self._client.aembedding(**request)

    async def aclose(self) -> None:
        await self._http.aclose()


def _anthropic(http: httpx.AsyncClient) -> AnyLLM:
    # Without a timeout of its caller's own, the client refuses long answers that are not streamed.
    client = {"api_key": PLACEHOLDER_KEY, "http_client": http, "timeout": EXECUTION_SECONDS}
    return AnyLLM.create("anthropic", **_COMMON, **client, api_base=PLACEHOLDER_HOST)


def _cohere(http: httpx.AsyncClient) -> AnyLLM:
    # any-llm passes `api_base` on to every client but Cohere's, which would call its public host.
    client = {"api_key": PLACEHOLDER_KEY, "httpx_client": http, "base_url": PLACEHOLDER_HOST}
    return AnyLLM.create("cohere", **_COMMON, **client)


def _vertex(http: httpx.AsyncClient) -> AnyLLM:
    from google.genai.types import HttpOptions  # noqa: PLC0415 - as said
    from google.oauth2.credentials import Credentials  # noqa: PLC0415 - as said

    return AnyLLM.create(
        "vertexai",
        **_COMMON,
        credentials=Credentials(PLACEHOLDER_KEY),
        project="named-by-the-model",  # a model's full name says both, and goes before the client's
        location="named-by-the-model",
        http_options=HttpOptions(base_url=PLACEHOLDER_HOST, api_version="v1", httpx_async_client=http),
    )


_CLIENTS: Mapping[str, Callable[[httpx.AsyncClient], AnyLLM]] = {
    "anthropic": _anthropic,
    "cohere": _cohere,
    "google-cloud-vertex-ai": _vertex,
}
