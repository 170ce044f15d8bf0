"""Tools and messages in OpenAI's own shape, and each way to say which tool is called."""

from chat import ChatDatabricks

llm = ChatDatabricks(endpoint="databricks-meta-llama-3-3-70b-instruct")
tools = [
    {
        "type": "function",
        "function": {
            "name": "get_current_weather",
            "description": "Get the current weather in a given location",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                },
                "required": ["location"],
            },
        },
    }
]
messages = [{"role": "user", "content": "What is the current temperature of Chicago?"}]

for choice in (
    "auto",  # the model decides
    "required",  # some tool is called
    "none",  # no tool is called
    "get_current_weather",  # this one is called
    {"type": "function", "function": {"name": "get_current_weather"}},  # the same, as the API says it
    True,  # as "required"
):
    model = llm.bind_tools(tools, tool_choice=choice)
    print(choice, "->", [(call["name"], call["args"]) for call in model.invoke(messages).tool_calls])
