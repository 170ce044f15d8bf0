"""What an application does with Google's client; prints what came of it as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import errors, types

if TYPE_CHECKING:
    from collections.abc import Callable

HOST, TOKEN = os.environ["HOST"], os.environ["TOKEN"]
GEMINI = "databricks-gemini-2-5-flash"
CITY = types.Schema(
    type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"]
)
WEATHER = types.FunctionDeclaration(name="get_weather", description="The weather in a city.", parameters=CITY)
TOOLS = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[WEATHER])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)


def main() -> None:
    outcome: dict[str, Any] = {"gateways": {}, "streams": {}}
    for gateway in ("serving-endpoints", "ai-gateway"):
        client = connected(gateway)
        outcome["gateways"][gateway] = client.models.generate_content(model=GEMINI, contents="Say hello").text
        outcome["streams"][gateway] = streamed(client)
    for name in (whole, tools, contents, refusals):
        outcome[name.__name__] = name(client)
    outcome["asynchronous"] = asyncio.run(asynchronous(client))
    json.dump(outcome, sys.stdout)


def connected(gateway: str, token: str = TOKEN) -> genai.Client:
    options = types.HttpOptions(
        base_url=f"{HOST}/{gateway}/gemini",
        api_version="v1beta",  # the one that Databricks documents; clients from version 3 on ask for another
        headers={"Authorization": f"Bearer {token}"},
    )
    return genai.Client(api_key="databricks", http_options=options)


def whole(client: genai.Client) -> dict[str, Any]:
    answer = client.models.generate_content(
        model=GEMINI, contents="count to 9", config=types.GenerateContentConfig(max_output_tokens=3)
    )
    usage = answer.usage_metadata
    return {
        "text": answer.text,
        "reason": answer.candidates[0].finish_reason.value,
        "given": usage.prompt_token_count,
        "made": usage.candidates_token_count,
    }


def streamed(client: genai.Client) -> dict[str, Any]:
    chunks = list(client.models.generate_content_stream(model=GEMINI, contents="count to 5"))
    return {
        "text": "".join(chunk.text or "" for chunk in chunks),
        "several": len(chunks) > 1,
        "reason": chunks[-1].candidates[0].finish_reason.value,
        "made": chunks[-1].usage_metadata.candidates_token_count,
    }


def tools(client: genai.Client) -> dict[str, Any]:
    asked = types.Content(role="user", parts=[types.Part(text="What is the weather in Paris?")])
    used = client.models.generate_content(model=GEMINI, contents=asked, config=TOOLS)
    call = used.function_calls[0]
    result = types.Part.from_function_response(name=call.name, response={"result": "sunny"})
    turns = [asked, used.candidates[0].content, types.Content(role="user", parts=[result])]
    answered = client.models.generate_content(model=GEMINI, contents=turns, config=TOOLS)
    return {"call": [call.name, call.args], "answer": answered.text}


def contents(client: genai.Client) -> dict[str, Any]:
    system = types.GenerateContentConfig(system_instruction="Always answer with 'aye'.")
    shaped = types.GenerateContentConfig(response_mime_type="application/json", response_schema=CITY)
    question = "What is the weather in Paris?"
    return {
        "system": client.models.generate_content(model=GEMINI, contents="Who are you?", config=system).text,
        "schema": json.loads(client.models.generate_content(model=GEMINI, contents=question, config=shaped).text),
    }


def refusals(client: genai.Client) -> dict[str, Any]:
    def ask(model: str, client: genai.Client = client) -> Callable[[], object]:
        return lambda: client.models.generate_content(model=model, contents="Say hello")

    return {
        "unknown endpoint": failure(ask("nowhere")),
        "claude": failure(ask("databricks-claude-sonnet-4")),
        "wrong token": failure(ask(GEMINI, connected("ai-gateway", "dapi-wrong"))),
        "unknown action": failure(lambda: client.models.count_tokens(model=GEMINI, contents="Say hello")),
    }


def failure(call: Callable[[], object]) -> object:
    try:
        call()
    except errors.APIError as error:
        return error.code
    return "answered"


async def asynchronous(client: genai.Client) -> str:
    chunks = await client.aio.models.generate_content_stream(model=GEMINI, contents="Say hello")
    return "".join([chunk.text or "" async for chunk in chunks])


main()
