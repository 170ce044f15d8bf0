"""MLflow spans of the calls that the clients make, when `chat.autolog()` is on.

MLflow is imported when the first call is traced, and not at all otherwise.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from chat.messages import Answer

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from mlflow.entities import LiveSpan

T = TypeVar("T")

_on = False


def autolog(*, disable: bool = False) -> None:
    """Trace every chat call of `ChatClient` and `AsyncChatClient`, and so of `ChatDatabricks`, as an MLflow span.

    Spans are of type CHAT_MODEL and hold the messages, the answer, the token usage and the tools offered. A call made
    inside a span of that type (MLflow's own LangChain autolog makes one) is not traced twice.

    Args:
        disable: whether to stop tracing instead.
    """
    global _on  # noqa: PLW0603 - autolog is a switch of the process, as MLflow's own are
    _on = not disable


def traced(flow: Generator[Any, Any, T], endpoint: str, body: Mapping[str, object]) -> Generator[Any, Any, T]:
    """Put a span around a call's flow, if tracing is on.

    Args:
        flow: the call.
        endpoint: the endpoint that is asked first.
        body: the request's body.
    """
    return _spanned(flow, endpoint, body) if _on else flow


def _spanned(flow: Generator[Any, Any, T], endpoint: str, body: Mapping[str, object]) -> Generator[Any, Any, T]:
    import mlflow  # noqa: PLC0415 - seconds: only for those who trace
    from mlflow.entities import SpanType  # noqa: PLC0415 - as above
    from mlflow.tracing.constant import SpanAttributeKey  # noqa: PLC0415 - as above

    parent = mlflow.get_current_active_span()
    if parent is not None and parent.span_type == SpanType.CHAT_MODEL:
        return (yield from flow)
    # Without a context: a stream's consumer may stop, or go on in another task, while the span is open.
    span = mlflow.start_span_no_context(endpoint, span_type=SpanType.CHAT_MODEL, parent_span=parent, inputs=dict(body))
    if body.get("tools"):
        span.set_attribute(SpanAttributeKey.CHAT_TOOLS, body["tools"])
    try:
        result = yield from flow
    except BaseException as error:
        span.record_exception(error if isinstance(error, Exception) else type(error).__name__)
        span.end(status="ERROR")
        raise
    if isinstance(result, Answer):
        _tell(span, result)
    span.end()
    return result


def _tell(span: LiveSpan, answer: Answer) -> None:
    from mlflow.tracing.constant import SpanAttributeKey  # noqa: PLC0415 - as above

    choices = [
        {"index": each.index, "message": each.message, "finish_reason": each.finish_reason} for each in answer.choices
    ]
    span.set_outputs({"id": answer.id, "model": answer.model, "choices": choices})
    span.set_attribute("chat.metadata", dict(answer.metadata))
    if answer.usage is not None:
        usage = answer.usage
        counts = {
            "input_tokens": usage.prompt_tokens,
            "output_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "cache_read_input_tokens": usage.cache_read_tokens,
            "cache_creation_input_tokens": usage.cache_write_tokens,
        }
        said = {name: count for name, count in counts.items() if count is not None}
        span.set_attribute(SpanAttributeKey.CHAT_USAGE, said)
        span.set_attribute("chat.usage", {name: count for name, count in asdict(usage).items() if count is not None})
