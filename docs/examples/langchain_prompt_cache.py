"""A long prompt that Claude keeps for the next call: marked once, paid in full once."""

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="databricks-claude-sonnet-4")
manual = {"type": "text", "text": "A serving endpoint answers. " * 300, "cache_control": {"type": "ephemeral"}}
conversation: list[BaseMessage] = [SystemMessage([manual])]

for question in ("What does an endpoint do?", "And what else?"):
    conversation.append(HumanMessage(question))
    answer = chat_model.invoke(conversation)
    conversation.append(answer)
    # input_tokens counts what was cached as well; the details say how much that was, and whether it was there already
    print(answer.usage_metadata)
