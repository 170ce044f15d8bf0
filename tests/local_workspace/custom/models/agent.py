"""A ResponsesAgent that says what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from mlflow.models import set_model
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse, ResponsesAgentStreamEvent

if TYPE_CHECKING:
    from collections.abc import Iterator


class Agent(ResponsesAgent):
    # MLflow reads the annotations: they are no strings.
    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        done = [event.item for event in self.predict_stream(request) if event.type == "response.output_item.done"]
        return ResponsesAgentResponse(output=done, custom_outputs=request.custom_inputs)

    def predict_stream(self, request: ResponsesAgentRequest) -> Iterator[ResponsesAgentStreamEvent]:
        text, item = f"You asked: {request.input[-1].content}", str(uuid4())
        for word in text.split(" "):
            yield ResponsesAgentStreamEvent(**self.create_text_delta(delta=f"{word} ", item_id=item))
        done = self.create_text_output_item(text=text, id=item)
        yield ResponsesAgentStreamEvent(type="response.output_item.done", item=done)


set_model(Agent())
