"""An answer in the shape of a pydantic class, by each of the three methods."""

from pydantic import BaseModel, Field

from chat import ChatDatabricks


class Joke(BaseModel):
    """A joke to tell the user."""

    setup: str = Field(description="The setup of the joke")
    punchline: str = Field(description="The punchline of the joke")


model = ChatDatabricks(endpoint="my-chat")

print(model.with_structured_output(Joke).invoke("Tell me a joke about cats"))
print(model.with_structured_output(Joke, method="json_schema").invoke("Tell me a joke about cats"))

raw_too = model.with_structured_output(Joke, include_raw=True).invoke("Tell me a joke about cats")
print(raw_too["parsed"], raw_too["parsing_error"])
