"""Many questions at the same time: gathered, as a batch, and an answer that streams."""

import asyncio

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat")


async def main() -> None:
    """Ask."""
    countries = ["Japan", "Italy", "Australia"]
    answers = await asyncio.gather(*(chat_model.ainvoke(f"Where is the capital of {each}?") for each in countries))
    print([answer.content for answer in answers])

    batch = await chat_model.abatch([f"What do they eat in {each}?" for each in countries], {"max_concurrency": 2})
    print(len(batch), "answers")

    async for chunk in chat_model.astream("How are you?"):
        print(chunk.content, end="|")
    print()


asyncio.run(main())
