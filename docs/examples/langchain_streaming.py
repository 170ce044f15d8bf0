"""An answer as it comes, and the same pieces added up to one message with its usage."""

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat")

for chunk in chat_model.stream("How are you?"):
    print(chunk.content, end="|")
print()

stream = chat_model.stream([("system", "Be brief."), ("human", "I love programming.")])
whole = next(stream)
for chunk in stream:
    whole += chunk
print(whole.content)
print(whole.usage_metadata, whole.response_metadata["finish_reason"])
