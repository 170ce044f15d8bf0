"""A question, and a conversation of tuples; what comes with the answer."""

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="databricks-meta-llama-3-3-70b-instruct", temperature=0.1, max_tokens=256)

print(chat_model.invoke("What is MLflow?").content)

messages = [("system", "You are a chatbot that can answer questions about Databricks."), ("user", "What is MLflow?")]
answer = chat_model.invoke(messages)
print(answer.content)
print(answer.response_metadata["model_name"], answer.response_metadata["finish_reason"])
