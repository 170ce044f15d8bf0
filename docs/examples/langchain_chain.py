"""A prompt with places to fill in, piped into the model."""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from chat import ChatDatabricks

chat_model = ChatDatabricks(endpoint="my-chat", temperature=0.1, max_tokens=256)
prompt = ChatPromptTemplate.from_messages(
    [
        ("system", "You are a chatbot that can answer questions about {topic}."),
        ("user", "{question}"),
    ]
)

chain = prompt | chat_model
print(chain.invoke({"topic": "Databricks", "question": "What is Unity Catalog?"}).content)

print((chain | StrOutputParser()).invoke({"topic": "MLflow", "question": "What is a run?"}))
