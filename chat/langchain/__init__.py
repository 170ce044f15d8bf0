"""The LangChain face: `ChatDatabricks` and `DatabricksEmbeddings`.

What belongs here: translating between LangChain's messages and the core's. What may never happen here: HTTP, retries, a
reading of the wire, or an import by anything but those who ask for LangChain.
"""

from chat.langchain.embeddings import DatabricksEmbeddings
from chat.langchain.model import ChatDatabricks

__all__ = ["ChatDatabricks", "DatabricksEmbeddings"]
