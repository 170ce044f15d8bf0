"""`ChatDatabricks`: the endpoint's name, and what holds for each call unless the call says otherwise."""

from chat import ChatDatabricks

chat_model = ChatDatabricks(
    endpoint="databricks-meta-llama-3-3-70b-instruct",
    temperature=0.1,
    max_tokens=256,
    timeout=30,
    max_retries=3,
    wait=60,  # seconds, for an endpoint that is being created or scaled to zero
)
print(chat_model)
