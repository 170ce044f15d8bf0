from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from chat import AsyncChatClient, ChatClient, DatabricksEmbeddings, errors

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

    from local_workspace.local import WorkspaceHandle
    from tests.chat.scripted import ScriptedServer

ENDPOINT = "databricks-gte-large-en"


class TestUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return DatabricksEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": ENDPOINT}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"DATABRICKS_HOST": "https://dbc.example.com"}, {"model": ENDPOINT}, {"endpoint": ENDPOINT}


class TestIntegration(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return DatabricksEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": ENDPOINT}

    @pytest.fixture(autouse=True)
    def _served(self, workspace: WorkspaceHandle) -> None:
        assert workspace.host


def reply(*entries: tuple[int, list[float]]) -> dict[str, Any]:
    data = [{"index": index, "embedding": vector} for index, vector in entries]
    return {"data": data, "model": "m", "usage": {"prompt_tokens": 2, "total_tokens": 2}}


def test_vectors_come_in_the_texts_order_whatever_order_they_were_sent_in(scripted: ScriptedServer) -> None:
    scripted.reply(reply((1, [2.0]), (0, [1.0])))
    with ChatClient("e", host=scripted.host, token="dapi-stand-in") as client:
        embedded = client.embed(["a", "b"], instruction="x", dimensions=None)
    assert embedded.vectors == ([1.0], [2.0])
    assert embedded.usage is not None
    assert embedded.usage.total_tokens == 2
    assert scripted.bodies == [{"input": ["a", "b"], "instruction": "x"}]


def test_options_of_one_call_are_no_fields_of_its_body(workspace: WorkspaceHandle) -> None:
    call: dict[str, Any] = {"wait": 5, "timeout": 30, "headers": {"X-Team": "ml"}, "endpoint": ENDPOINT}

    async def embedded() -> int:
        async with AsyncChatClient("absent", host=workspace.host, token=workspace.token) as client:
            return len((await client.aembed(["a", "b"], **call)).vectors)

    with ChatClient("absent", host=workspace.host, token=workspace.token) as client:
        assert len(client.embed(["a", "b"], **call).vectors) == 2
    assert asyncio.run(embedded()) == 2
    asked = [each for each in workspace.requests if each.path.endswith("/invocations")]
    assert [each.body for each in asked] == [{"input": ["a", "b"]}] * 2


@pytest.mark.parametrize("body", [reply((0, [1.0])), {"choices": []}, {"data": None}])
def test_vectors_that_are_missing_are_an_error_not_a_shift(scripted: ScriptedServer, body: object) -> None:
    scripted.reply(body)
    client = AsyncChatClient("e", host=scripted.host, token="dapi-stand-in")
    with pytest.raises(errors.BadAnswerError):
        asyncio.run(client.aembed(["a", "b"]))


def test_many_texts_go_in_several_requests(scripted: ScriptedServer) -> None:
    scripted.reply(reply((0, [1.0]), (1, [2.0]))).reply(reply((0, [3.0])))
    model = DatabricksEmbeddings(endpoint="e", host=scripted.host, token="dapi-stand-in", chunk_size=2)  # type: ignore[arg-type]
    assert model.embed_documents(["a", "b", "c"]) == [[1.0], [2.0], [3.0]]
    assert [body["input"] for body in scripted.bodies] == [["a", "b"], ["c"]]
