"""What an application does with OpenAI's newest client; prints what came of it as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import openai
from pydantic import BaseModel

BASE_URL, TOKEN = f"{os.environ['HOST']}/serving-endpoints", os.environ["TOKEN"]
HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]
WEATHER: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "The weather in a city.", "parameters": CITY}


class City(BaseModel):
    city: str


def main() -> None:
    with openai.OpenAI(base_url=BASE_URL, api_key=TOKEN, max_retries=0) as client:
        outcome = {
            model: {
                "chat": chat(client, model),
                "responses": responses(client, model),
                "async": asyncio.run(again(model)),
            }
            for model in ("chat", "databricks-meta-llama-3-3-70b-instruct")
        }
        vectors = [
            each.embedding for each in client.embeddings.create(model="databricks-gte-large-en", input=["a", "b"]).data
        ]
    json.dump({"models": outcome, "embeddings": [len(vector) for vector in vectors]}, sys.stdout)


def chat(client: openai.OpenAI, model: str) -> dict[str, Any]:
    completions = client.chat.completions
    chunks = completions.create(model=model, messages=HELLO, stream=True)
    tools: list[Any] = [{"type": "function", "function": FUNCTION}]
    message = completions.create(model=model, messages=WEATHER, tools=tools).choices[0].message
    call = message.tool_calls[0]
    turns = [*WEATHER, message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    parsed = completions.parse(model=model, messages=WEATHER, response_format=City).choices[0].message.parsed
    return {
        "text": completions.create(model=model, messages=HELLO).choices[0].message.content,
        "stream": "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices),
        "call": [call.function.name, json.loads(call.function.arguments)],
        "answer": completions.create(model=model, messages=turns, tools=tools).choices[0].message.content,
        "parsed": parsed.city,
    }


def responses(client: openai.OpenAI, model: str) -> dict[str, Any]:
    with client.responses.stream(model=model, input="Say hello") as stream:
        streamed = stream.get_final_response().output_text
    call = client.responses.create(model=model, input=WEATHER, tools=[{"type": "function", **FUNCTION}]).output[0]
    return {
        "text": client.responses.create(model=model, input="Say hello").output_text,
        "stream": streamed,
        "call": [call.name, json.loads(call.arguments)],
    }


async def again(model: str) -> str:
    async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=TOKEN, max_retries=0) as client:
        stream = await client.chat.completions.create(model=model, messages=HELLO, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


main()
