from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import InvalidRequestError
from chat.messages import Answer, Choice, Content, ToolCall, Usage, as_messages
from chat.messages.usage import UsageReport, read_usage

TRUTH = Usage(prompt_tokens=30, completion_tokens=3, total_tokens=33)


def counts(prompt: int | None, completion: int | None, total: int | None) -> dict[str, int | None]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


@pytest.mark.parametrize(
    ("prompt", "messages"),
    [
        ("hi", [{"role": "user", "content": "hi"}]),
        ({"role": "user", "content": "hi"}, [{"role": "user", "content": "hi"}]),
        ([("system", "a"), ("human", "b"), ("ai", "c")], [("system", "a"), ("user", "b"), ("assistant", "c")]),
        (["a", ("assistant", "b")], [("user", "a"), ("assistant", "b")]),
    ],
)
def test_each_way_to_write_a_prompt(prompt: object, messages: list[Any]) -> None:
    expected = [each if isinstance(each, dict) else {"role": each[0], "content": each[1]} for each in messages]
    assert as_messages(prompt) == expected


def test_an_answer_goes_back_into_the_conversation_with_its_tool_calls() -> None:
    answer = Answer(choices=(Choice(tool_calls=(ToolCall("1", "f", "{}"),)),))
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert as_messages(["q", answer])[1] == {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.mark.parametrize("prompt", [[], 7, [7], [{"content": "no role"}], [("user",)]])
def test_what_is_no_prompt_is_refused(prompt: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        as_messages(prompt)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "reports",
    [
        pytest.param([counts(30, 1, 31), counts(30, 2, 32), counts(30, 3, 33)], id="cumulative on each chunk"),
        pytest.param([counts(30, None, None), counts(None, None, None), counts(30, 3, 33)], id="nulls until the end"),
        pytest.param([None, None, counts(30, 3, 33)], id="once, at the end"),
        pytest.param([counts(30, 3, 33), counts(30, 3, 33)], id="said twice"),
        pytest.param([counts(30, 3, None)], id="no total"),
        pytest.param([counts(30, 1, 31), counts(None, 3, None)], id="a stale total"),
    ],
)
def test_usage_is_what_was_said_last_of_each_counter(reports: list[Any]) -> None:
    collected = UsageReport()
    for report in reports:
        collected.add(report)
    assert collected.total() == TRUTH


def test_usage_that_nobody_reported_is_none_not_zero() -> None:
    assert read_usage(None) is None
    assert read_usage(counts(None, None, None)) is None


def test_cached_tokens_are_part_of_the_prompt_not_added_to_it() -> None:
    usage = read_usage({**counts(100, 5, 105), "cache_read_input_tokens": 80, "cache_creation_input_tokens": 10})
    assert usage == Usage(100, 5, 105, cache_read_tokens=80, cache_write_tokens=10)


def test_openais_details_are_read_too() -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 7}, "completion_tokens_details": {"reasoning_tokens": 2}}
    usage = read_usage({**counts(30, 3, 33), **details})
    assert usage == Usage(30, 3, 33, cache_read_tokens=7, reasoning_tokens=2)


def test_usages_add_up_and_what_neither_reports_stays_unknown() -> None:
    assert Usage(1, 2, 3, reasoning_tokens=1) + Usage(10, 20, 30) == Usage(11, 22, 33, reasoning_tokens=1)


def reasoning(text: str, **signature: str) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text, **signature}]}


def joined(*pieces: object) -> Content:
    content = Content()
    for piece in pieces:
        content.add(piece)
    return content


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-1e400", "true", '"7"', "[7]", "{}"])
def test_a_counter_that_is_no_number_is_not_counted(odd: str) -> None:
    usage = json.loads(f'{{"prompt_tokens": {odd}, "completion_tokens": 3, "prompt_tokens_details": {odd}}}')
    assert read_usage(usage) == Usage(completion_tokens=3, total_tokens=3)


def test_a_counter_of_hundreds_of_digits_is_a_counter() -> None:
    assert read_usage({"prompt_tokens": 10**400}) == Usage(prompt_tokens=10**400, total_tokens=10**400)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"input_tokens": 1, "output_tokens": 2}, Usage(1, 2, 3)),
        ({"input_tokens": 1, "prompt_tokens": 4, "output_tokens": 2, "completion_tokens": 5}, Usage(4, 5, 9)),
        ({"prompt_tokens": 4, "input_tokens_details": {"cached_tokens": 2}}, Usage(4, 0, 4, cache_read_tokens=2)),
        (
            {"cache_read_input_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}},
            Usage(cache_read_tokens=3),
        ),
        (
            {"reasoning_tokens": 3, "output_tokens_details": {"reasoning_tokens": 2}},
            Usage(reasoning_tokens=2),
        ),
        ({"completion_tokens": 3, "reasoning_tokens": 2}, Usage(0, 3, 3, reasoning_tokens=2)),
    ],
)
def test_of_two_names_for_a_counter_the_apis_own_counts(usage: dict[str, object], counted: Usage) -> None:
    assert read_usage(usage) == counted


def test_plain_pieces_join_to_a_string() -> None:
    assert joined("a", None, "b", "").value == "ab"


def test_a_list_of_nothing_but_text_is_a_string() -> None:
    assert joined([{"type": "text", "text": "a"}], "b").value == "ab"


def test_reasoning_keeps_its_order_and_its_signature() -> None:
    content = joined([reasoning("I ")], [reasoning("think", signature="s1")], "so ", [{"type": "text", "text": "yes"}])
    assert content.value == [reasoning("I think", signature="s1"), {"type": "text", "text": "so yes"}]
    assert (content.text, content.reasoning) == ("so yes", "I think")


def test_reasoning_after_a_signature_is_another_block() -> None:
    content = joined([reasoning("a", signature="s1")], [reasoning("b", signature="s2")])
    assert content.value == [reasoning("a", signature="s1"), reasoning("b", signature="s2")]


def test_joining_does_not_write_into_the_pieces() -> None:
    first = reasoning("a")
    joined([first], [reasoning("b")])
    assert first == reasoning("a")


@given(st.lists(st.text(max_size=5)))
def test_text_is_never_lost_whatever_form_its_pieces_have(pieces: list[str]) -> None:
    mixed = [piece if index % 2 else [{"type": "text", "text": piece}] for index, piece in enumerate(pieces)]
    assert joined(*mixed).text == "".join(pieces)
