"""The values of a conversation: prompts in, answers and chunks out, tokens counted.

What belongs here: frozen records and the functions that read them from the API's JSON objects, with every shape that
endpoints are known to answer in. What may never happen here: I/O, or raising anything but `chat.errors`.
"""

from chat.messages.answer import Answer, Choice, Chunk, ToolCall, ToolCallDelta
from chat.messages.content import Content
from chat.messages.embedding import Embeddings
from chat.messages.prompt import Prompt, as_messages
from chat.messages.usage import Usage

__all__ = [
    "Answer",
    "Choice",
    "Chunk",
    "Content",
    "Embeddings",
    "Prompt",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
    "as_messages",
]
