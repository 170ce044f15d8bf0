"""What happens inside a chain while it runs: `astream_events`, and the typed stream of version 3."""

import asyncio
import warnings

from langchain_core.prompts import ChatPromptTemplate

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat")
chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | chat_model


async def main() -> None:
    """Listen."""
    async for event in chain.astream_events({"question": "How are you?"}, version="v2"):
        if event["event"] == "on_chat_model_stream":
            print(event["data"]["chunk"].content, end="|")
        elif event["event"] == "on_chat_model_end":
            print(event["data"]["output"].usage_metadata)


asyncio.run(main())

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # version 3 is langchain-core's beta
    stream = chat_model.stream_events("How are you?", version="v3")
    print("".join(stream.text), stream.output.usage_metadata)
