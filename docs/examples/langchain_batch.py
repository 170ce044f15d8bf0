"""Several prompts in one call: in order, as they are answered, and one that fails without the others."""

from langchain_core.exceptions import ModelInvalidRequestError

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat")
questions = ["What is a secret scope?", "What is an endpoint?", "What is a served entity?"]

for answer in chat_model.batch(questions, {"max_concurrency": 2}):
    print(answer.content)

for place, answer in chat_model.batch_as_completed(questions):
    print(place, answer.usage_metadata)

images = [{"role": "user", "content": [{"type": "no such part"}]}]
for answer in chat_model.batch(["Hello", images], return_exceptions=True):
    print("refused" if isinstance(answer, ModelInvalidRequestError) else answer.content)
