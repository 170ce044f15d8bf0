"""The LangChain face: `ChatDatabricks` and `DatabricksEmbeddings`.

What belongs here: translating between LangChain's messages and the core's. What may never happen here: HTTP, retries, a
reading of the wire, or an import by anything but those who ask for LangChain.

Each of the two is loaded when it is first asked for: who chats pays for no embeddings.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat.langchain.embeddings import DatabricksEmbeddings
    from chat.langchain.model import ChatDatabricks

__all__ = ["ChatDatabricks", "DatabricksEmbeddings"]

_HOMES = {"ChatDatabricks": "chat.langchain.model", "DatabricksEmbeddings": "chat.langchain.embeddings"}


def __getattr__(name: str) -> object:
    """Fetch an exported name from its module the first time it is asked for (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - lazy on purpose: see the docstring

    return getattr(import_module(home), name)
