"""Tools as pydantic classes and functions, called, answered, and put to use in the next turn."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from chat import ChatDatabricks


class GetPopulation(BaseModel):
    """Get the current population in a given location."""

    location: str = Field(description="The city and state, e.g. San Francisco, CA")


@tool
def get_weather(location: str) -> str:
    """Get the current weather in a given location.

    Args:
        location: the city and state, e.g. San Francisco, CA.
    """
    return f"22 degrees and sunny in {location}"


chat_model = ChatDatabricks(endpoint="my-chat")
tools = [get_weather, GetPopulation]
question = "Which city is hotter today and which is bigger: LA or NY?"
print(chat_model.bind_tools(tools, tool_choice="required").invoke(question).tool_calls)

weather = HumanMessage("What is the weather in Paris?")
asked = chat_model.bind_tools([get_weather], tool_choice="get_weather").invoke([weather])
call = asked.tool_calls[0]
result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
print(chat_model.bind_tools(tools).invoke([weather, asked, result]).content)
