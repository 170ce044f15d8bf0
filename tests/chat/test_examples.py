"""Each example in docs/examples runs against a workspace, and says what it is there to show."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_workspace.local import WorkspaceHandle

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "examples"

SHOWS = {
    "chat_batch": r"2 of 2 answered.*\n2 were there already, 0 asked",
    "chat_conversation": r"Usage\(prompt_tokens=\d+",
    "langchain_async": r"\['.*', '.*', '.*'\]\n3 answers\n.+\|",
    "langchain_attachments": r"image -> .*PNG image \(1x1(?s:.*)file -> .*PDF(?s:.*)audio -> .*WAV(?s:.*)example\.com",
    "langchain_batch": r"2 \{'input_tokens(?s:.*)\nrefused\n",
    "langchain_chain": r"\S.*\n\S.*",
    "langchain_custom_model": r"\S",
    "langchain_embeddings": r"numbers each, 3 documents\n.*: True",
    "langchain_events": r"\|.*\{'input_tokens(?s:.*)'total_tokens",
    "langchain_external_model": r"\S",
    "langchain_function_calling": (
        r"required -> \[\('get_current_weather', \{'location': '.*Chicago(?s:.*)none -> \[\]\n"
        r"get_current_weather -> \[\('get_c(?s:.*)'function': (?s:.*)True -> \[\('get_c"
    ),
    "langchain_instantiation": r"temperature=0\.1",
    "langchain_invocation": r"llama\S* stop",
    "langchain_json_mode": r"\{.*\}\n\{.*\}",
    "langchain_logprobs": r"' ?\S+' -\d.*\[.*, .*\]\n(?s:.*)4 tokens streamed",
    "langchain_prompt_cache": r"'cache_creation': [1-9]\d*(?s:.*)'cache_read': [1-9]\d*",
    "langchain_reasoning": r"reasoning -> \S.*\ntext -> \S.*144(?s:.*)\|",
    "langchain_streaming": r".+\|.+\|\n.+\n\{'input_tokens': \d+.* stop",
    "langchain_structured_output": r"setup=.* punchline=(?s:.*)\n\{'text': .*\n(?s:.*)None \{'input_tokens",
    "langchain_token_usage": r"\{'prompt_tokens': \d+(?s:.*)\{'gpt-4o-mini': \{",
    "langchain_tools": r"'name': '[gG]et(?s:.*)22 degrees",
}
"""What an example must print, by its name."""


def test_what_each_example_shows_is_known() -> None:
    assert {example.stem for example in FOLDER.glob("*.py")} == SHOWS.keys()


@pytest.mark.parametrize("name", SHOWS)
@pytest.mark.usefixtures("endpoint")
def test_the_example_shows_it(
    name: str,
    workspace: WorkspaceHandle,
    create_external: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # On the wire a custom chat model is as an external one; the local workspace runs no code of a user's.
    create_external(workspace, "my-custom-model")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-examples-stand-in")
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert re.search(SHOWS[name], printed), printed
