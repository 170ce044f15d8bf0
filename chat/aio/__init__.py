"""The asynchronous face: `AsyncChatClient`, and the transport it drives.

What belongs here: carrying out the steps of a flow without blocking the event loop. What may never happen here: a
decision about retries, errors in answers or readiness (that is `chat.flow`).
"""

from chat.aio.face import AsyncChatClient, AsyncChatStream

__all__ = ["AsyncChatClient", "AsyncChatStream"]
