"""No request, however odd, makes the built-in model or its doors fail: it is answered or refused."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_workspace.errors import ApiError
from local_workspace.upstreams import foundation

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = (
    "role", "content", "type", "text", "name", "function", "tools", "mode", "allowed_tools", "schema", "json_schema",
    "format", "image_url", "url", "file", "input_audio", "data", "call_id", "output", "arguments", "parameters",
    "properties", "id",
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 9), st.floats(allow_nan=False), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
FIELDS: Mapping[str, tuple[str, ...]] = {
    "chat/completions": (
        "messages", "tools", "tool_choice", "response_format", "n", "stop", "max_tokens", "seed", "logprobs",
        "top_logprobs", "stream", "stream_options", "parallel_tool_calls", "temperature",
    ),
    "completions": ("prompt", "n", "stop", "max_tokens", "echo", "logprobs", "stream", "stream_options"),
    "embeddings": ("input", "dimensions", "encoding_format"),
    "responses": ("input", "instructions", "tools", "tool_choice", "text", "max_output_tokens", "stream"),
}  # fmt: skip
PLAIN: Mapping[str, dict[str, Any]] = {
    "chat/completions": {"messages": [{"role": "user", "content": "add 1 and 2"}]},
    "completions": {"prompt": "x"},
    "embeddings": {"input": "x"},
    "responses": {"model": "m", "input": "x"},
}


@pytest.mark.parametrize("path", FIELDS)
@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_an_odd_request_is_answered_or_refused(path: str, data: st.DataObject) -> None:
    odd = data.draw(st.dictionaries(st.sampled_from(FIELDS[path]), VALUES, max_size=3))
    body = json.loads(json.dumps({**PLAIN[path], **odd}))
    with contextlib.suppress(ApiError):
        foundation.check(body, path=path)
        foundation.answer(body, path=path, model="m", created=1, headers={})
