"""`DatabricksEmbeddings`: a LangChain embeddings model over the core."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

from langchain_core.embeddings import Embeddings
from pydantic import AliasChoices, Field

from chat.langchain.endpoint import EndpointModel, Named
from chat.langchain.errors import AsLangChain

_PARALLEL = 8


class DatabricksEmbeddings(EndpointModel, Embeddings):
    """An embeddings model behind a Databricks serving endpoint.

    embeddings = DatabricksEmbeddings(endpoint="databricks-gte-large-en")
    embeddings.embed_query("What is MLflow?")
    """

    # One endpoint only: the vectors of two models do not go together.
    endpoint: Named = Field(validation_alias=AliasChoices("endpoint", "model"))
    """The serving endpoint's name (also `model=`), or a `chat.Endpoint`."""
    chunk_size: int = Field(default=100, ge=1)
    """How many texts go into one request."""
    query_params: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request for a query (an `instruction`, for models that know one)."""
    documents_params: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request for documents."""

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
        with AsLangChain():
            return [*chain.from_iterable(client.embed(part, **params).vectors for part in self._parts(texts))]

    async def _aembed(self, texts: list[str], params: dict[str, Any]) -> list[list[float]]:
        client = self.async_client
        gate = asyncio.Semaphore(_PARALLEL)

        async def embed(part: list[str]) -> tuple[list[float], ...]:
            async with gate:
                return (await client.aembed(part, **params)).vectors

        with AsLangChain():
            return [*chain.from_iterable(await asyncio.gather(*map(embed, self._parts(texts))))]

    def _parts(self, texts: list[str]) -> list[list[str]]:
        return [texts[start : start + self.chunk_size] for start in range(0, len(texts), self.chunk_size)]
