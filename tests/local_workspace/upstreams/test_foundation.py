"""Pay-per-token endpoints: how their streams report usage, what they refuse, and that they repeat themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest

from local_workspace import Behaviour, LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.local_workspace.conftest import Api

HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]
FOUNDATION = "databricks-meta-llama-3-3-70b-instruct"


@pytest.fixture
def client(workspace: LocalWorkspace) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{workspace.host}/serving-endpoints", api_key=workspace.token, max_retries=0
    ) as opened:
        yield opened


@pytest.mark.witness("call-stream-usage", client="openai")
def test_foundation_endpoints_send_cumulative_usage_unasked(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model=FOUNDATION, messages=HELLO, stream=True))
    assert all(chunk.usage is not None for chunk in chunks)
    claude = list(client.chat.completions.create(model="databricks-claude-sonnet-4", messages=HELLO, stream=True))
    assert [chunk.usage.total_tokens is None for chunk in claude] == [True] * (len(claude) - 1) + [False]


@pytest.mark.parametrize("style", ["on_request", "final_chunk"])
@pytest.mark.witness("call-stream-usage", client="openai")
def test_the_usage_style_of_foundation_endpoints_is_a_switch(style: str) -> None:
    behaviour = Behaviour.parse([f"stream_usage={style}"])
    with (
        LocalWorkspace(behaviour=behaviour) as workspace,
        openai.OpenAI(base_url=f"{workspace.host}/serving-endpoints", api_key=workspace.token) as client,
    ):
        chunks = list(client.chat.completions.create(model=FOUNDATION, messages=HELLO, stream=True))
    assert [chunk.usage is not None for chunk in chunks[:-1]] == [False] * (len(chunks) - 1)
    assert (chunks[-1].usage is not None) is (style == "final_chunk")


def test_the_same_call_gets_the_same_bytes(api: Api) -> None:
    path = f"/serving-endpoints/{FOUNDATION}/invocations"
    body = {"messages": [{"role": "user", "content": "What is MLflow?"}], "seed": 3}
    assert api.ok("POST", path, body) == api.ok("POST", path, body)


@pytest.mark.parametrize(
    "body", [{"messages": HELLO, "foo": 1}, {"input": "x"}, {"messages": [{"role": "user", "content": 1}]}]
)
def test_foundation_endpoints_refuse_what_they_do_not_know(api: Api, body: dict[str, Any]) -> None:
    assert api("POST", f"/serving-endpoints/{FOUNDATION}/invocations", body).error == (400, "BAD_REQUEST")
