"""`ChatDatabricks` with tools: each way to choose one, and the answer after its result."""

from langchain_core.messages import HumanMessage, ToolMessage
from pydantic import BaseModel, Field

from chat import ChatDatabricks


class GetWeather(BaseModel):
    """Get the current weather in a given location."""

    location: str = Field(description="The city and state, e.g. San Francisco, CA")


class GetPopulation(BaseModel):
    """Get the current population in a given location."""

    location: str = Field(description="The city and state, e.g. San Francisco, CA")


model = ChatDatabricks(endpoint="my-chat")

for choice in (
    "auto",
    "required",
    "none",
    "GetWeather",
    {"type": "function", "function": {"name": "GetWeather"}},
    True,
):
    with_tools = model.bind_tools([GetWeather, GetPopulation], tool_choice=choice)
    message = with_tools.invoke("Which city is hotter today: LA or NY?")
    print(choice, "->", [call["name"] for call in message.tool_calls])

question = HumanMessage("What is the weather in Paris?")
asked = model.bind_tools([GetWeather], tool_choice="GetWeather").invoke([question])
call = asked.tool_calls[0]
result = ToolMessage("22 degrees and sunny", tool_call_id=call["id"])
print(model.bind_tools([GetWeather]).invoke([question, asked, result]).content)
