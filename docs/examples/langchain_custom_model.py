"""A chat model of your own behind an endpoint: called like any other."""

from chat import ChatDatabricks

chat_model_custom = ChatDatabricks(endpoint="my-custom-model", temperature=0.1, max_tokens=256)
print(chat_model_custom.invoke("How are you?").content)
