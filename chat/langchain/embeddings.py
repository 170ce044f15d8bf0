"""`DatabricksEmbeddings`: a LangChain embeddings model over the core."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from langchain_core.embeddings import Embeddings
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from chat.langchain.clients import open_async_client, open_client
from chat.langchain.errors import as_langchain

if TYPE_CHECKING:
    from chat.aio import AsyncChatClient
    from chat.client import ChatClient

_PARALLEL = 8


class DatabricksEmbeddings(BaseModel, Embeddings):
    """An embeddings model behind a Databricks serving endpoint.

    embeddings = DatabricksEmbeddings(endpoint="databricks-gte-large-en")
    embeddings.embed_query("What is MLflow?")
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    endpoint: str = Field(validation_alias=AliasChoices("endpoint", "model"))
    """The serving endpoint's name (also `model=`)."""
    host: str | None = None
    """The workspace's URL; by default DATABRICKS_HOST, or what the SDK's unified auth finds."""
    token: SecretStr | None = None
    """A token; by default DATABRICKS_TOKEN, or the SDK's unified auth."""
    wait: float = 0.0
    """Seconds to wait for an endpoint that is not ready yet or scaled to zero; 0 does not wait."""
    chunk_size: int = Field(default=100, ge=1)
    """How many texts go into one request."""
    query_params: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request for a query (an `instruction`, for models that know one)."""
    documents_params: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request for documents."""

    _client: Any = PrivateAttr(default=None)
    _async_client: Any = PrivateAttr(default=None)

    @property
    def client(self) -> ChatClient:
        """The core's synchronous client that this model calls through."""
        self._client = self._client or open_client(self.endpoint, self._settings())
        return cast("ChatClient", self._client)

    @property
    def async_client(self) -> AsyncChatClient:
        """The core's asynchronous client that this model calls through."""
        self._async_client = self._async_client or open_async_client(self.endpoint, self._settings())
        return cast("AsyncChatClient", self._async_client)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed documents, in their order."""
        return self._embed(texts, self.documents_params)

    def embed_query(self, text: str) -> list[float]:
        """Embed one query."""
        return self._embed([text], self.query_params)[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed documents, in their order, several requests at a time."""
        return await self._aembed(texts, self.documents_params)

    async def aembed_query(self, text: str) -> list[float]:
        """Embed one query."""
        return (await self._aembed([text], self.query_params))[0]

    def _embed(self, texts: list[str], params: dict[str, Any]) -> list[list[float]]:
        client = self.client
        with as_langchain():
            return [*chain.from_iterable(client.embed(part, **params).vectors for part in self._parts(texts))]

    async def _aembed(self, texts: list[str], params: dict[str, Any]) -> list[list[float]]:
        client = self.async_client
        gate = asyncio.Semaphore(_PARALLEL)

        async def embed(part: list[str]) -> tuple[list[float], ...]:
            async with gate:
                return (await client.aembed(part, **params)).vectors

        with as_langchain():
            return [*chain.from_iterable(await asyncio.gather(*map(embed, self._parts(texts))))]

    def _parts(self, texts: list[str]) -> list[list[str]]:
        return [texts[start : start + self.chunk_size] for start in range(0, len(texts), self.chunk_size)]

    def _settings(self) -> dict[str, Any]:
        token = self.token.get_secret_value() if self.token is not None else None
        return {"host": self.host, "token": token, "wait": self.wait}
