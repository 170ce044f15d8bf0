"""The core's clients, loaded when first called through: who only calls synchronously never pays for aiohttp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chat.aio import AsyncChatClient
    from chat.client import ChatClient
    from chat.flow import Endpoints


def open_client(endpoint: Endpoints, settings: Mapping[str, Any]) -> ChatClient:
    """Make the synchronous client that a model calls through.

    Args:
        endpoint: the model's endpoint, or several.
        settings: further arguments of the client.
    """
    from chat.client import ChatClient  # noqa: PLC0415 - see above

    return ChatClient(endpoint, **settings)


def open_async_client(endpoint: Endpoints, settings: Mapping[str, Any]) -> AsyncChatClient:
    """Make the asynchronous one; arguments as `open_client`."""
    from chat.aio import AsyncChatClient  # noqa: PLC0415 - see above

    return AsyncChatClient(endpoint, **settings)
