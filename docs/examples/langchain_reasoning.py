"""Claude's extended thinking: shown as it comes, and sent back with its signature in the next turn."""

from langchain_core.messages import HumanMessage

from chat import ChatDatabricks

chat_model = ChatDatabricks(
    endpoint="databricks-claude-sonnet-4", max_tokens=4096, thinking={"type": "enabled", "budget_tokens": 1024}
)
question = HumanMessage("What is 12 times 12?")

answer = chat_model.invoke([question])
for block in answer.content_blocks:
    print(block["type"], "->", block.get("reasoning") or block.get("text"))

# The endpoint would refuse reasoning that had lost its signature on the way.
print(chat_model.invoke([question, answer, HumanMessage("And times 2?")]).text)

for chunk in chat_model.stream([question]):
    for block in chunk.content_blocks:
        print(block.get("reasoning") or block.get("text"), end="|")
print()
