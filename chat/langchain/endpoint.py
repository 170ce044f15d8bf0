"""What a chat model and an embeddings model have in common: an endpoint, how patiently it is called, and as whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, InstanceOf, PrivateAttr, SecretStr, field_serializer

from chat.flow import Endpoint, Endpoints, endpoints_of
from chat.langchain.errors import AsLangChain
from chat.wire import MAX_BYTES

if TYPE_CHECKING:
    from chat.aio import AsyncChatClient
    from chat.client import ChatClient

Named: TypeAlias = str | InstanceOf[Endpoint]


class EndpointModel(BaseModel):
    """A model behind a serving endpoint, called through the core's clients; an unknown argument is an error."""

    # Validators are built by the first instance: this class has none, and most programs make no embeddings.
    model_config = ConfigDict(extra="forbid", populate_by_name=True, arbitrary_types_allowed=True, defer_build=True)

    endpoint: Named | list[Named] = Field(validation_alias=AliasChoices("endpoint", "model"))
    """The serving endpoint's name (also `model=`), or several: the first that is available answers.

    A `chat.Endpoint` instead of a name says that it is route-optimized, or in another workspace.
    """
    host: str | None = None
    """The workspace's URL; by default DATABRICKS_HOST, or what the SDK's unified auth finds."""
    token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("token", "api_key"))
    """A token; by default DATABRICKS_TOKEN, or the SDK's unified auth."""
    token_provider: Callable[[], str] | None = Field(default=None, exclude=True, repr=False)
    """A function that returns a token for each call, for instance the signed-in user's."""
    workspace_client: Any = Field(default=None, exclude=True, repr=False)
    """A `WorkspaceClient` or `Config` of the Databricks SDK, instead of `host` and `token`: its workspace and login."""
    wait: float = 0.0
    """Seconds to wait for an endpoint that is not ready yet or scaled to zero; 0 does not wait."""
    timeout: float | None = None
    """Seconds without a piece of the answer after which a call is given up; None is 300."""
    retry_for: float = 60.0
    """Seconds within which failures that pass (429, 502, 503, 504, no connection) are retried."""
    max_retries: int | None = None
    """How many retries at most; None leaves it to `retry_for`."""
    max_bytes: int = MAX_BYTES
    """How large an answer, or one event of a stream, may be."""
    headers: dict[str, str] | None = None
    """Further headers for each request."""

    # Any: pydantic evaluates annotations, and these classes are loaded when first called through.
    _client: Any = PrivateAttr(default=None)
    _async_client: Any = PrivateAttr(default=None)

    @property
    def model(self) -> str:
        """The endpoint's name (the first, if there are several)."""
        return endpoints_of(self.endpoint)[0].name

    @property
    def client(self) -> ChatClient:
        """The core's synchronous client that this model calls through."""
        if self._client is None:
            from chat.client import ChatClient  # noqa: PLC0415 - who only awaits never pays for it

            self._client = ChatClient(self.endpoint, **self._settings())
        client: ChatClient = self._client
        return client

    @property
    def async_client(self) -> AsyncChatClient:
        """The core's asynchronous client that this model calls through."""
        if self._async_client is None:
            from chat.aio import AsyncChatClient  # noqa: PLC0415 - who never awaits never pays for asyncio

            self._async_client = AsyncChatClient(self.endpoint, **self._settings())
        client: AsyncChatClient = self._async_client
        return client

    def wait_until_ready(self, timeout: float | None = None) -> None:
        """Wait until the (first) endpoint answers by the config that was written last.

        Args:
            timeout: seconds to wait at most; by default the model's `wait`, or 300.

        Raises:
            ReadinessError: it is not ready in time, has failed or does not exist.
            PermissionDeniedError: its state is not to be seen.
        """
        with AsLangChain():
            self.client.wait_until_ready(timeout)

    async def await_until_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as its sync twin
        """Do what `wait_until_ready` does, without blocking the event loop; same argument, same errors."""
        with AsLangChain():
            await self.async_client.wait_until_ready(timeout)

    def close(self) -> None:
        """Close the idle connections of the synchronous client."""
        if self._client is not None:
            self._client.close()

    async def aclose(self) -> None:
        """Close all connections, those of the running event loop too (they are closed with it in any case)."""
        self.close()
        if self._async_client is not None:
            await self._async_client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.aclose()

    @field_serializer("endpoint")
    def _told(self, endpoint: Endpoints) -> str | list[str]:
        """Write endpoints by their names: an `Endpoint` may hold a token."""
        names = [each.name for each in endpoints_of(endpoint)]
        return names if isinstance(endpoint, list) else names[0]

    def _settings(self) -> dict[str, Any]:
        """Write what the core's clients take besides the endpoint."""
        token = self.token_provider or (self.token.get_secret_value() if self.token is not None else None)
        settings = {
            "host": self.host,
            "token": token,
            "workspace_client": self.workspace_client,
            "wait": self.wait,
            "retry_for": self.retry_for,
            "max_retries": self.max_retries,
            "max_bytes": self.max_bytes,
            "headers": self.headers,
        }
        return settings if self.timeout is None else {**settings, "timeout": self.timeout}
