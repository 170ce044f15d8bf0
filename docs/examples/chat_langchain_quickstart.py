"""`ChatDatabricks`: invoke, a chain, a stream, and many calls at once."""

import asyncio

from langchain_core.prompts import ChatPromptTemplate

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat", temperature=0.1, max_tokens=256)

print(chat_model.invoke("What is MLflow?").content)

messages = [("system", "You are a chatbot that can answer questions about Databricks."), ("user", "What is MLflow?")]
answer = chat_model.invoke(messages)
print(answer.content)
print(answer.usage_metadata, answer.response_metadata["total_tokens"])

prompt = ChatPromptTemplate.from_messages([("system", "You know all about {topic}."), ("user", "{question}")])
chain = prompt | chat_model
print(chain.invoke({"topic": "Databricks", "question": "What is Unity Catalog?"}).content)

for chunk in chat_model.stream("How are you?"):
    print(chunk.content, end="|")
print()


async def many() -> None:
    """Ask several questions at the same time."""
    countries = ["Japan", "Italy", "Australia"]
    answers = await asyncio.gather(*(chat_model.ainvoke(f"Where is the capital of {each}?") for each in countries))
    print([each.content for each in answers])


asyncio.run(many())
