"""The synchronous face: `ChatClient`, and the pooled transport it drives.

What belongs here: carrying out the steps of a flow, one after the other. What may never happen here: a decision about
retries, errors in answers or readiness (that is `chat.flow`).
"""

from chat.client.face import ChatClient, ChatStream

__all__ = ["ChatClient", "ChatStream"]
