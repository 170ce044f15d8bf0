"""Which endpoints a chain calls, for `mlflow.…log_model(resources=…)`.

MLflow finds the endpoints of `databricks_langchain`'s class by itself, and of no other: without this list a logged
chain has no access to its endpoints once it is served.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from langchain_core.runnables import Runnable
from langchain_core.vectorstores import VectorStore

from chat.flow import endpoints_of
from chat.langchain.embeddings import DatabricksEmbeddings
from chat.langchain.model import ChatDatabricks

if TYPE_CHECKING:
    from mlflow.models.resources import DatabricksServingEndpoint


def mlflow_resources(chain: object) -> list[DatabricksServingEndpoint]:
    """List the endpoints that a chain calls, each once, as MLflow's resources.

    Args:
        chain: a model, a chain or anything that holds some: a runnable, an object of yours, a list or a dict.
    """
    from mlflow.models.resources import DatabricksServingEndpoint  # noqa: PLC0415 - slow to import

    return [DatabricksServingEndpoint(name) for name in dict.fromkeys(_endpoints(chain, set()))]


def _endpoints(held: object, seen: set[int]) -> Iterator[str]:
    if id(held) in seen:
        return
    seen.add(id(held))
    if isinstance(held, (ChatDatabricks, DatabricksEmbeddings)):
        yield from (each.name for each in endpoints_of(held.endpoint))
        return
    if isinstance(held, Mapping):
        inner: Iterator[object] = iter(held.values())
    elif isinstance(held, (list, tuple, set)):
        inner = iter(held)
    elif isinstance(held, (Runnable, VectorStore)):
        # `deps` are what a function's closure holds: a chain called from within a step.
        inner = iter([*vars(held).values(), *getattr(held, "deps", ())])
    else:
        return
    for each in inner:
        yield from _endpoints(each, seen)
