"""The Responses API's stream: its named events, written as the chunks of a chat completion."""

from __future__ import annotations

from collections.abc import Mapping

from chat.wire.responses import finish_of, reasoning_item, refusal_of, text_blocks


def is_response_event(payload: Mapping[str, object]) -> bool:
    """Whether an object of a stream is an event of the Responses API."""
    return str(payload.get("type") or "").startswith("response.")


def failed_response(payload: Mapping[str, object]) -> Mapping[str, object] | None:
    """The error report in an event, if it says that the response failed."""
    if payload.get("type") == "error":
        return payload
    response = payload.get("response")
    if payload.get("type") not in {"response.failed", "response.error"}:
        return None
    return response if isinstance(response, Mapping) else payload


class ResponseEvents:
    """Translates the events of one stream.

    OpenAI sends each item in deltas and then whole; an agent may send it whole only. What came in deltas is not said
    again when it comes whole.
    """

    def __init__(self) -> None:
        self._begun: set[object] = set()
        self._called = False

    def chunk(self, event: Mapping[str, object]) -> Mapping[str, object] | None:
        """Write an event as a chunk; None if it says nothing new.

        Args:
            event: the event's object.
        """
        extras = {"custom_outputs": event["custom_outputs"]} if event.get("custom_outputs") is not None else {}
        place = event.get("item_id", event.get("output_index"))
        match str(event.get("type")).removeprefix("response."):
            case "output_text.delta":
                self._begun.add(place)
                return _delta({"content": event.get("delta")}, logprobs=event.get("logprobs"))
            case "refusal.delta":
                self._begun.add(place)
                return _delta({"refusal": event.get("delta")})
            case "reasoning_summary_text.delta" | "reasoning_text.delta":
                self._begun.add(place)
                part = {"type": "summary_text", "text": event.get("delta")}
                return _delta({"content": [{"type": "reasoning", "id": event.get("item_id"), "summary": [part]}]})
            case "function_call_arguments.delta":
                return _delta({"tool_calls": [_call(event, arguments=event.get("delta"))]})
            case "output_item.added":
                return self._opened(event)
            case "output_item.done":
                done = self._closed(event)
                return {**done, **extras} if done is not None else extras or None
            case "created" | "in_progress" | "completed" | "incomplete" as stage:
                return self._whole(event, over=stage in {"completed", "incomplete"})
            case _:
                return extras or None

    def _opened(self, event: Mapping[str, object]) -> Mapping[str, object] | None:
        item = event.get("item")
        if not isinstance(item, Mapping) or item.get("type") != "function_call":
            return None
        self._called = True
        self._begun.add(item.get("id", event.get("output_index")))
        return _delta({"tool_calls": [_call(event, item=item, arguments=item.get("arguments"))]})

    def _closed(self, event: Mapping[str, object]) -> Mapping[str, object] | None:
        """Say of a whole item what its deltas have not: all of it, or only a reasoning's signature."""
        item = event.get("item")
        if not isinstance(item, Mapping):
            return None
        known = not self._begun.isdisjoint({item.get("id"), event.get("output_index")} - {None})
        match item.get("type", "message"):
            case "message" if not known:
                return _delta({"content": text_blocks(item), "refusal": refusal_of(item) or None})
            case "function_call" if not known:
                self._called = True
                return _delta({"tool_calls": [_call(event, item=item, arguments=item.get("arguments"))]})
            case "reasoning":
                told = {**item, "summary": []} if known else item
                return _delta({"content": [reasoning_item(told)]})
            case _:
                return None

    def _whole(self, event: Mapping[str, object], *, over: bool) -> Mapping[str, object] | None:
        response = event.get("response")
        if not isinstance(response, Mapping):
            return None
        told = {name: response.get(name) for name in ("id", "model", "usage", "custom_outputs")}
        if not over:
            return told
        return {**told, **_delta({}, finish_reason=finish_of(response, called=self._called))}


def _delta(
    delta: Mapping[str, object], *, logprobs: object = None, finish_reason: str | None = None
) -> dict[str, object]:
    listed = {"content": logprobs} if logprobs else None
    return {"choices": [{"index": 0, "delta": delta, "logprobs": listed, "finish_reason": finish_reason}]}


def _call(
    event: Mapping[str, object], *, arguments: object, item: Mapping[str, object] | None = None
) -> dict[str, object]:
    head = {} if item is None else {"id": item.get("call_id") or item.get("id"), "name": item.get("name")}
    return {
        "index": event.get("output_index", 0),
        "id": head.get("id"),
        "function": {"name": head.get("name"), "arguments": arguments},
    }
