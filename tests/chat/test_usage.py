"""A stream's usage equals the whole answer's, whichever way the model's family reports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chat import ChatClient, ChatDatabricks, Usage

if TYPE_CHECKING:
    from local_workspace.local import WorkspaceHandle

ENDPOINTS = [
    "databricks-meta-llama-3-3-70b-instruct",
    "databricks-claude-sonnet-4",
    "databricks-gpt-oss-120b",
    "my-chat",
]
PROMPT = "Count from one to five."


def counts(usage: Usage | None) -> tuple[int, int, int]:
    """What every style reports; the details are left out of some families' streams."""
    assert usage is not None
    return usage.prompt_tokens, usage.completion_tokens, usage.total_tokens


@pytest.mark.usefixtures("workspace", "endpoint")
@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_stream_uses_what_the_whole_answer_uses(name: str) -> None:
    with ChatClient(name) as client:
        whole = client.invoke(PROMPT)
        with client.stream(PROMPT) as stream:
            reports = [chunk.usage for chunk in stream if chunk.usage is not None]
    assert [counts(report) for report in reports] == [counts(whole.usage)]
    assert stream.answer is not None
    assert stream.answer.text == whole.text


@pytest.mark.parametrize("name", ENDPOINTS)
def test_langchain_sums_it_to_the_same(name: str, workspace: WorkspaceHandle, endpoint: str) -> None:
    assert workspace.host
    assert endpoint
    with ChatDatabricks(endpoint=name) as model:
        whole = model.invoke(PROMPT)
        chunks = list(model.stream(PROMPT))
    joined = sum(chunks[1:], chunks[0])
    totals = ("input_tokens", "output_tokens", "total_tokens")
    assert [joined.usage_metadata[name] for name in totals] == [whole.usage_metadata[name] for name in totals]
    assert joined.text == whole.text
