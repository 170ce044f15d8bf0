"""JSON mode: any JSON object, its shape told in the prompt."""

import json

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat")
prompt = (
    "What weighs more, a pound of bricks or of feathers? Answer in JSON with the keys 'answer' and 'justification'."
)

structured = chat_model.with_structured_output(method="json_mode")
print(structured.invoke(prompt))

print(json.loads(chat_model.bind(response_format={"type": "json_object"}).invoke(prompt).content))
