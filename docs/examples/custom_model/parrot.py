"""A chat model of one's own, the smallest there is: it says what it heard."""

from collections.abc import Iterator

from mlflow.models import set_model
from mlflow.pyfunc import ChatModel, PythonModelContext
from mlflow.types.llm import (
    ChatChoice,
    ChatChoiceDelta,
    ChatChunkChoice,
    ChatCompletionChunk,
    ChatCompletionResponse,
    ChatMessage,
    ChatParams,
)


class Parrot(ChatModel):
    """Repeats the last message."""

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow's signature
        messages: list[ChatMessage],
        params: ChatParams,  # noqa: ARG002 - as above
    ) -> ChatCompletionResponse:
        """Answer at once."""
        answer = ChatMessage(role="assistant", content=f"You said: {messages[-1].content}")
        return ChatCompletionResponse(choices=[ChatChoice(index=0, message=answer)])

    def predict_stream(
        self,
        context: PythonModelContext,  # noqa: ARG002 - as above
        messages: list[ChatMessage],
        params: ChatParams,  # noqa: ARG002 - as above
    ) -> Iterator[ChatCompletionChunk]:
        """Answer word by word."""
        for word in ["You", "said:", *str(messages[-1].content).split()]:
            delta = ChatChoiceDelta(role="assistant", content=f"{word} ")
            yield ChatCompletionChunk(choices=[ChatChunkChoice(index=0, delta=delta)])
        yield ChatCompletionChunk(
            choices=[
                ChatChunkChoice(index=0, delta=ChatChoiceDelta(role="assistant", content=""), finish_reason="stop")
            ]
        )


set_model(Parrot())
