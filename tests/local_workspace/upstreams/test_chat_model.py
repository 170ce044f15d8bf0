"""The built-in chat model does what a request asks for, and always the same."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from local_workspace.upstreams.builtin import chat_wire, embeddings
from local_workspace.upstreams.builtin.chat_model import Answer, answer
from local_workspace.upstreams.builtin.chat_wire import Envelope, UsageStyle

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a place",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city"],
        },
    },
}
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two integers",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}
TOOLS = {"tools": [WEATHER, ADD]}


def ask(text: str | list[Any], **fields: object) -> Answer:
    return answer({"messages": [{"role": "user", "content": text}], **fields})


def said(text: str | list[Any], **fields: object) -> str:
    return ask(text, **fields).choices[0].text


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        ("Say hello", "hello"),
        ("Please say 'I don't mind'", "I don't mind"),
        ("Reply with exactly: PONG", "PONG"),
        ('Respond only with the word "yes"', "yes"),
        ("Repeat after me: one two", "one two"),
        ("say ho 3 times", "ho ho ho"),
        ("What is 2+2?", "2+2 = 4"),
        ("what is 12 times 7", "12 * 7 = 84"),
        ("Compute 7 / 2", "7 / 2 = 3.5"),
        ("count to 5", "1, 2, 3, 4, 5"),
        ("Count from 3 to 1", "3, 2, 1"),
        ("List 2 colors", "1. color 1\n2. color 2"),
        ("Hello!", "Hello! How can I help you today?"),
    ],
)
def test_plain_instructions_are_followed(prompt: str, reply: str) -> None:
    assert said(prompt) == reply


@pytest.mark.parametrize("prompt", ["What is MLflow?", "9**9**9**9", "1/0", "2024-01-05?", "((((", "%s {0} {quoted}"])
def test_what_it_does_not_understand_is_quoted(prompt: str) -> None:
    assert prompt in said(prompt)


def test_a_name_told_before_is_remembered() -> None:
    messages = [
        {"role": "user", "content": "Hi, my name is Bob."},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "What is my name?"},
    ]
    assert answer({"messages": messages}).choices[0].text == "Your name is Bob."


def test_the_same_request_gets_the_same_bytes_streamed_or_not() -> None:
    request = {"messages": [{"role": "user", "content": "What is MLflow?"}], "seed": 7, "n": 2, **TOOLS}
    envelope = Envelope(model="m", created=1)
    twice = [json.dumps(chat_wire.completion(answer(request), envelope)) for _ in range(2)]
    assert twice[0] == twice[1]
    assert answer(request).choices == answer({**request, "stream": True, "model": "other"}).choices
    assert list(chat_wire.stream(answer(request), envelope)) == list(chat_wire.stream(answer(request), envelope))


def test_seeds_and_choices_vary_the_wording() -> None:
    assert said("What is MLflow?", seed=1) != said("What is MLflow?", seed=2)
    first, second = ask("What is MLflow?", n=2).choices
    assert first.text != second.text


@pytest.mark.parametrize(
    ("prompt", "calls"),
    [
        ("What's the weather in San Francisco, CA?", [("get_weather", {"city": "San Francisco, CA"})]),
        ("Weather in Paris in celsius, please", [("get_weather", {"city": "Paris", "unit": "celsius"})]),
        ("What is 3 + 4?", [("add", {"a": 3, "b": 4})]),
        ("Use the add tool with a=10 and b=-2", [("add", {"a": 10, "b": -2})]),
        (
            "Tell me the weather in Rome and what 1 plus 2 is",
            [("get_weather", {"city": "Rome"}), ("add", {"a": 1, "b": 2})],
        ),
        ("Hello", []),
        ("Who wrote Faust?", []),
    ],
)
def test_a_tool_is_called_when_the_words_ask_for_it(prompt: str, calls: list[Any]) -> None:
    choice = ask(prompt, **TOOLS).choices[0]
    assert [(call.name, json.loads(call.arguments)) for call in choice.calls] == calls
    assert choice.finish_reason == ("tool_calls" if calls else "stop")


def test_tool_choice_is_obeyed() -> None:
    def called(choice: object, **fields: object) -> list[str]:
        return [call.name for call in ask("Hello", **TOOLS, tool_choice=choice, **fields).choices[0].calls]

    assert called("none") == []
    assert called("auto") == []
    assert called("required") == ["get_weather"]
    assert called({"type": "function", "function": {"name": "add"}}) == ["add"]
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "add"}}]}
    assert called({"type": "allowed_tools", "allowed_tools": allowed}) == ["add"]
    both = "weather in Rome and 1 + 2"
    assert len(ask(both, **TOOLS, parallel_tool_calls=False).choices[0].calls) == 1


def test_a_tools_result_is_answered_in_words() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}}
    messages = [
        {"role": "user", "content": "What's the weather in Rome?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "21 degrees"},
    ]
    choice = answer({"messages": messages, **TOOLS}).choices[0]
    assert (choice.calls, choice.text) == ((), "get_weather answered: 21 degrees")


def test_max_tokens_and_stop_cut_the_answer() -> None:
    cut = ask("count to 100", max_tokens=5)
    assert (cut.choices[0].finish_reason, cut.completion_tokens) == ("length", 5)
    assert ask("count to 100", max_completion_tokens=3).completion_tokens == 3
    stopped = ask("count to 100", stop=["7", "4"]).choices[0]
    assert (stopped.text, stopped.finish_reason) == ("1, 2, 3, ", "stop")


def test_json_object_has_the_keys_that_were_named() -> None:
    text = said(
        "A joke about cats. Return JSON with `setup` and `punchline` keys.", response_format={"type": "json_object"}
    )
    assert set(json.loads(text)) == {"setup", "punchline"}
    assert json.loads(said("Say hi as JSON", response_format={"type": "json_object"}))


def test_json_schema_is_followed() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    response_format = {"type": "json_schema", "json_schema": {"name": "number", "schema": schema}}
    assert json.loads(said("Give me 42", response_format=response_format)) == {"n": 42}


def test_usage_adds_up() -> None:
    made = ask("count to 10", n=3)
    usage = chat_wire.completion(made, Envelope(model="m", created=1))["usage"]
    assert usage["completion_tokens"] == sum(len(choice.pieces) for choice in made.choices)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def _chunks(made: Answer, **envelope: object) -> list[dict[str, Any]]:
    lines = list(chat_wire.stream(made, Envelope(model="m", created=1, **envelope)))
    assert lines.pop() == b"data: [DONE]\n\n"
    return [json.loads(line.removeprefix(b"data: ")) for line in lines]


@pytest.mark.parametrize("style", list(UsageStyle))
def test_each_usage_style_ends_with_the_same_total(style: UsageStyle) -> None:
    made = ask("count to 4")
    usages = [chunk.get("usage") for chunk in _chunks(made, usage=style, include_usage=True)]
    assert usages[-1]["total_tokens"] == made.prompt_tokens + made.completion_tokens
    before = usages[:-1]
    match style:
        case UsageStyle.ON_REQUEST | UsageStyle.FINAL_CHUNK:
            assert set(before) == {None}
        case UsageStyle.CUMULATIVE:
            counts = [usage["completion_tokens"] for usage in before]
            assert counts == sorted(counts)
        case UsageStyle.NULLS_UNTIL_END:
            assert all(usage["prompt_tokens"] and usage["total_tokens"] is None for usage in before)


def test_usage_is_not_sent_unasked_in_openais_style() -> None:
    assert not any("usage" in chunk for chunk in _chunks(ask("hi")))


def test_a_streamed_tool_call_joins_to_the_whole_one() -> None:
    made = ask("What's the weather in San Francisco, CA?", **TOOLS)
    parts = [call for chunk in _chunks(made) for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert parts[0]["function"]["name"] == "get_weather"
    assert "".join(part["function"]["arguments"] for part in parts) == made.choices[0].calls[0].arguments
    assert len(parts) > 2


def test_logprobs_list_each_token_with_itself_on_top() -> None:
    made = ask("count to 3")
    body = chat_wire.completion(made, Envelope(model="m", created=1, logprobs=3))
    listed = body["choices"][0]["logprobs"]["content"]
    assert "".join(entry["token"] for entry in listed) == made.choices[0].text
    for entry in listed:
        ranked = [other["logprob"] for other in entry["top_logprobs"]]
        assert entry["top_logprobs"][0]["token"] == entry["token"]
        assert ranked == sorted(ranked, reverse=True)
        assert ranked[0] <= 0


PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 640, 480)
GIF = b"GIF89a" + struct.pack("<HH", 3, 4)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 20, 30) + b"\0" * 4
WEBP = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + (99).to_bytes(3, "little") + (49).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (PNG, "a PNG image (640x480 pixels, 24 bytes)"),
        (GIF, "a GIF image (3x4 pixels, 10 bytes)"),
        (JPEG, "a JPEG image (30x20 pixels, "),
        (WEBP, "a WEBP image (100x50 pixels, "),
        (b"\x89PNG\r\n\x1a\n", "a PNG image (8 bytes)"),
        (b"\xff\xd8\xff", "a JPEG image (3 bytes)"),
        (b"", "a PNG image (0 bytes)"),
    ],
)
def test_an_image_is_described_by_type_and_size(data: bytes, told: str) -> None:
    url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    assert told in said(parts)


def test_audio_and_documents_are_described() -> None:
    wav = b"RIFF\0\0\0\0WAVE" + b"\0" * 16 + struct.pack("<I", 8000) + b"\0" * 12 + b"\0" * 16000
    audio = {"type": "input_audio", "input_audio": {"data": base64.b64encode(wav).decode(), "format": "wav"}}
    assert "a WAV recording (2.0 seconds, 16044 bytes)" in said([audio])
    pdf = base64.b64encode(b"%PDF-1.4 /Type /Page /Type /Pages").decode()
    document = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{pdf}"}}
    assert 'a PDF document named "a.pdf" (1 page, 33 bytes)' in said([document])
    elsewhere = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    assert "an image at example.com (not fetched)" in said([elsewhere])
    unreadable = {"type": "image_url", "image_url": {"url": "http://[::1"}}
    assert "an image at an unreadable address (not fetched)" in said([unreadable])


def test_embeddings_are_unit_vectors_that_know_shared_words() -> None:
    def product(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    cat, kitten, bond = (
        embeddings.embed(text, dimensions=256) for text in ("the cat sat", "the cat ran", "bond yields")
    )
    assert product(cat, cat) == pytest.approx(1)
    assert product(cat, kitten) > product(cat, bond) + 0.2
    assert cat == embeddings.embed("the cat sat", dimensions=256)
    assert product(embeddings.embed("", dimensions=8), embeddings.embed("", dimensions=8)) == pytest.approx(1)
