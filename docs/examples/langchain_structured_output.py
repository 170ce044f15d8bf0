"""An answer in the shape of a class, a TypedDict or a JSON schema; with its message; as it grows."""

from typing import TypedDict

from pydantic import BaseModel, Field

from chat import ChatDatabricks


class Joke(BaseModel):
    """A joke to tell the user."""

    setup: str = Field(description="The setup of the joke")
    punchline: str = Field(description="The punchline of the joke")


class Pun(TypedDict):
    """A pun to tell the user."""

    text: str


chat_model = ChatDatabricks(endpoint="my-chat")

# By a JSON schema; an endpoint that refuses one is asked by a function call from then on.
print(chat_model.with_structured_output(Joke).invoke("Tell me a joke about cats"))
print(chat_model.with_structured_output(Pun).invoke("Tell me a pun about cats"))
print(chat_model.with_structured_output(Joke.model_json_schema()).invoke("Tell me a joke about cats"))

# By the method that you name, strictly or not.
print(chat_model.with_structured_output(Joke, method="function_calling", strict=True).invoke("Tell me a joke"))

raw_too = chat_model.with_structured_output(Joke, include_raw=True).invoke("Tell me a joke about cats")
print(raw_too["parsed"], raw_too["parsing_error"], raw_too["raw"].usage_metadata)

for grown in chat_model.with_structured_output(Pun).stream("Tell me a pun about cats"):
    print(grown)
