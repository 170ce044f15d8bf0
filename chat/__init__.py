"""The client for Databricks model-serving endpoints: one core, three faces.

What belongs here: turning a prompt into one HTTP call to a serving endpoint and its answer, whole or streamed, into
values; and everything that makes the call succeed or fail *loudly*: waiting for readiness, retries within a deadline,
refreshing a token, dropping a parameter that a model refuses.

    prompt ──> messages ──> wire ──> flow ──> client | aio ──> HTTP
    Answer <── messages <── wire | sse ──> assembler <── bytes

The core (`messages`, `wire`, `sse`, `assembler`, `flow`) does no I/O, reads no clock and knows no framework: `flow` is
a generator that yields what to do and is sent the result. `client` (sync) and `aio` (async) only do as they are told,
so no rule stands twice. `langchain` translates and does nothing else.

What may never happen here:

- a failure passes for an answer: a cut stream, an error inside a stream, an HTML page, an empty list of choices;
- a token or a secret reaches a log, an exception or a repr;
- importing `ChatClient`, or calling it with DATABRICKS_HOST and DATABRICKS_TOKEN set, loads the SDK, MLflow, openai or
  LangChain;
- of `provisioning` anything but `readiness` is imported, and that only when somebody waits.

Importing this package loads nothing else: the names below are fetched when first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat.aio import AsyncChatClient
    from chat.batching import abatch, batch
    from chat.client import ChatClient
    from chat.errors import ChatError
    from chat.flow import Endpoint
    from chat.langchain import ChatDatabricks, DatabricksEmbeddings
    from chat.langchain.resources import mlflow_resources
    from chat.messages import Answer, Chunk, ToolCall, Usage
    from chat.tracing import autolog

__all__ = [
    "Answer",
    "AsyncChatClient",
    "ChatClient",
    "ChatDatabricks",
    "ChatError",
    "Chunk",
    "DatabricksEmbeddings",
    "Endpoint",
    "ToolCall",
    "Usage",
    "abatch",
    "autolog",
    "batch",
    "mlflow_resources",
]

_HOMES = {
    "Answer": "chat.messages",
    "AsyncChatClient": "chat.aio",
    "ChatClient": "chat.client",
    "ChatDatabricks": "chat.langchain",
    "ChatError": "chat.errors",
    "Chunk": "chat.messages",
    "DatabricksEmbeddings": "chat.langchain",
    "Endpoint": "chat.flow",
    "ToolCall": "chat.messages",
    "Usage": "chat.messages",
    "abatch": "chat.batching",
    "autolog": "chat.tracing",
    "batch": "chat.batching",
    "mlflow_resources": "chat.langchain.resources",
}


def __getattr__(name: str) -> object:
    """Fetch an exported name from its module the first time it is asked for (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - lazy on purpose: see the package docstring

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """List what the package exports."""
    return sorted(__all__)
