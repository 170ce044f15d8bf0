"""What an application does with Anthropic's client; prints what came of it as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
import zlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import anthropic

if TYPE_CHECKING:
    from collections.abc import Callable

HOST, TOKEN = os.environ["HOST"], os.environ["TOKEN"]
CLAUDE: dict[str, Any] = {"model": "databricks-claude-sonnet-4", "max_tokens": 100}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "get_weather", "description": "The weather in a city.", "input_schema": CITY}]
HELLO = [{"role": "user", "content": "Say hello"}]
WEATHER = [{"role": "user", "content": "What is the weather in Paris?"}]


def main() -> None:
    outcome: dict[str, Any] = {"gateways": {}}
    for gateway in ("serving-endpoints", "ai-gateway"):
        with connected(gateway) as client:
            outcome["gateways"][gateway] = client.messages.create(**CLAUDE, messages=HELLO).content[0].text
    with connected("serving-endpoints") as client:
        for name in (whole, streamed, tools, contents, endings, refusals):
            outcome[name.__name__] = name(client)
    outcome["asynchronous"] = asyncio.run(asynchronous())
    json.dump(outcome, sys.stdout)


def connected(gateway: str, token: str = TOKEN) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=f"{HOST}/{gateway}/anthropic", api_key=token, max_retries=0)


def whole(client: anthropic.Anthropic) -> dict[str, Any]:
    message = client.messages.create(**CLAUDE, messages=HELLO)
    return {"stop_reason": message.stop_reason, "usage": message.usage.model_dump(exclude_none=True)}


def streamed(client: anthropic.Anthropic) -> dict[str, Any]:
    with client.messages.create(**CLAUDE, messages=HELLO, stream=True) as events:
        kinds = [event.type for event in events]
    with client.messages.stream(**CLAUDE, messages=[{"role": "user", "content": "count to 5"}]) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    return {"events": kinds, "text": text, "final": final.content[0].text, "tokens": final.usage.output_tokens}


def tools(client: anthropic.Anthropic) -> dict[str, Any]:
    used = client.messages.create(**CLAUDE, messages=WEATHER, tools=TOOLS)
    call = used.content[0]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "sunny"}]}
    turns = [*WEATHER, {"role": "assistant", "content": used.content}, {"role": "user", "content": [result]}]
    answered = client.messages.create(**CLAUDE, messages=turns, tools=TOOLS)
    with client.messages.stream(**CLAUDE, messages=WEATHER, tools=TOOLS, tool_choice={"type": "any"}) as stream:
        call_in_stream = stream.get_final_message().content[0]
    forbidden = client.messages.create(**CLAUDE, messages=WEATHER, tools=TOOLS, tool_choice={"type": "none"})
    return {
        "stop_reason": used.stop_reason,
        "call": [call.name, call.input],
        "answer": answered.content[0].text,
        "streamed call": [call_in_stream.name, call_in_stream.input],
        "forbidden": forbidden.content[0].type,
    }


def contents(client: anthropic.Anthropic) -> dict[str, Any]:
    system = [{"type": "text", "text": "Always answer with 'aye'."}]
    who = client.messages.create(**CLAUDE, messages=[{"role": "user", "content": "Who are you?"}], system=system)
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png()}}
    question = {"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}
    output = {"format": {"type": "json_schema", "schema": {**CITY, "additionalProperties": False}}}
    shaped = client.messages.create(**CLAUDE, messages=WEATHER, output_config=output)
    return {
        "system": who.content[0].text,
        "image": client.messages.create(**CLAUDE, messages=[question]).content[0].text,
        "output_config": json.loads(shaped.content[0].text),
    }


def png() -> str:
    """An image of 2x3 pixels, without any."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 3, 8, 0, 0, 0, 0)
    return b64encode(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")).decode()


def endings(client: anthropic.Anthropic) -> dict[str, Any]:
    count = [{"role": "user", "content": "count to 9"}]
    cut = client.messages.create(**{**CLAUDE, "max_tokens": 3}, messages=count)
    stopped = client.messages.create(**CLAUDE, messages=count, stop_sequences=["9", "4"])
    return {
        "max_tokens": [cut.stop_reason, cut.content[0].text, cut.usage.output_tokens],
        "stop_sequences": [stopped.stop_reason, stopped.stop_sequence, stopped.content[0].text],
    }


def refusals(client: anthropic.Anthropic) -> dict[str, str]:
    ask = client.messages.create
    lost = [*WEATHER, {"role": "assistant", "content": ask(**CLAUDE, messages=WEATHER, tools=TOOLS).content}, *HELLO]
    with connected("serving-endpoints", "dapi-wrong") as wrong:
        return {
            "unknown endpoint": failure(lambda: ask(**{**CLAUDE, "model": "nowhere"}, messages=HELLO)),
            "llama": failure(lambda: ask(**{**CLAUDE, "model": "databricks-gpt-oss-120b"}, messages=HELLO)),
            "external": failure(lambda: ask(**{**CLAUDE, "model": "chat"}, messages=HELLO)),
            "no messages": failure(lambda: ask(**CLAUDE, messages=[])),
            "no result": failure(lambda: ask(**CLAUDE, messages=lost)),
            "wrong token": failure(lambda: wrong.messages.create(**CLAUDE, messages=HELLO)),
        }


def failure(call: Callable[[], object]) -> str:
    try:
        call()
    except anthropic.APIStatusError as error:
        return type(error).__name__
    return "answered"


async def asynchronous() -> str:
    base_url = f"{HOST}/ai-gateway/anthropic"
    async with (
        anthropic.AsyncAnthropic(base_url=base_url, auth_token=TOKEN, max_retries=0) as client,
        client.messages.stream(**CLAUDE, messages=HELLO) as stream,
    ):
        return "".join([text async for text in stream.text_stream])


main()
