"""What an answer cost: per answer, for a stream, and summed over a program."""

from langchain_core.callbacks import get_usage_metadata_callback

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat")

answer = chat_model.invoke("What is MLflow?")
print(answer.usage_metadata)
print({name: answer.response_metadata[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")})

*_, last = chat_model.stream("What is MLflow?")
print(last.usage_metadata)  # once, on the stream's last chunk

with get_usage_metadata_callback() as spent:
    chat_model.batch(["What is a run?", "What is an experiment?"])
print(spent.usage_metadata)
