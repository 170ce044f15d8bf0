"""A successful response's body, read into an `Answer`, or into an error that says why it is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from chat.errors import LARGER_REMEDY, BadAnswerError, Details, inert
from chat.messages import Answer, Choice, Embeddings
from chat.messages.answer import read_choice
from chat.messages.embedding import read_vectors
from chat.messages.usage import read_usage
from chat.wire.exchange import FIRST_REDIRECT, unpacked
from chat.wire.json_text import parse
from chat.wire.refusals import is_failure, refusal
from chat.wire.responses import read_output

if TYPE_CHECKING:
    from chat.wire.exchange import Request, Response

_SHOWN = 160
"""Characters of an unusable answer that its error shows."""

_WRONG_HOST = "Check DATABRICKS_HOST: a wrong host sends us elsewhere, or answers with its login page."


def read_json(response: Response) -> Mapping[str, object]:
    """Read a body that must hold one JSON object.

    Raises:
        BadAnswerError: it holds something else, or is a redirect: what is meant for a host is sent nowhere else.
        RefusedError: it holds an error, although the status said success.
    """
    if response.status >= FIRST_REDIRECT:
        raise _bad(response, f"answered {response.status} and sends us elsewhere", _WRONG_HOST)
    try:
        payload = parse(response.body or b"")
    except (ValueError, RecursionError) as error:  # nested without end, it is no answer either
        raise _not_json(response) from error
    if not isinstance(payload, Mapping):
        raise _bad(response, f"answered with a JSON {type(payload).__name__} instead of an object")
    if is_failure(payload):
        raise refusal(response, payload)
    return payload


def read_answer(response: Response, origin: Mapping[str, object]) -> Answer:
    """Read a chat answer.

    Chat models and legacy completions answer with `choices`, a ChatAgent with `messages`, a ResponsesAgent with
    `output`; all become the same value.

    Args:
        response: the whole response.
        origin: what to say in the answer's metadata of how it came about.

    Raises:
        BadAnswerError: it is none of these.
        RefusedError: it holds an error, although the status said success.
    """
    payload = read_json(response)
    choices = _choices(payload)
    if not choices:
        raise wrong_answer(response, payload)
    return Answer(
        choices=choices,
        usage=read_usage(payload.get("usage")),
        model=model if isinstance(model := payload.get("model"), str) else None,
        id=identity if isinstance(identity := payload.get("id"), str) else None,
        metadata={**origin, **metadata(response, payload)},
    )


def read_embeddings(texts: int) -> Callable[[Response, Mapping[str, object]], Embeddings]:
    """Make the reader of an embeddings answer.

    Args:
        texts: how many texts were sent; fewer vectors would be put to the wrong ones.
    """

    def read(response: Response, _origin: Mapping[str, object]) -> Embeddings:
        payload = read_json(response)
        vectors = read_vectors(payload.get("data"))
        if "data" not in payload:
            raise _bad(response, "answered without embeddings", "Use an endpoint of task llm/v1/embeddings.")
        if len(vectors) != texts:
            raise _bad(response, f"answered with {len(vectors)} vectors for {texts} texts")
        model = payload.get("model")
        return Embeddings(vectors, read_usage(payload.get("usage")), model if isinstance(model, str) else None)

    return read


def metadata(response: Response, payload: Mapping[str, object]) -> dict[str, object]:
    """Collect what comes with an answer: ids, the served model, and an agent's custom outputs."""
    found = {
        "request_id": response.request_id,
        "served_model": response.headers.get("served-model-name"),
        "custom_outputs": payload.get("custom_outputs"),
        "system_fingerprint": payload.get("system_fingerprint"),
        "service_tier": payload.get("service_tier"),
    }
    return {name: value for name, value in found.items() if value is not None}


def wrong_answer(response: Response, payload: Mapping[str, object]) -> BadAnswerError:
    """Say what an object that is no chat answer is instead."""
    if "predictions" in payload:
        remedy = "Query it with the SDK or MLflow, or serve a model of task llm/v1/chat."
        return _bad(response, "answered with `predictions`: it serves a custom pyfunc model, not a chat model", remedy)
    if "choices" in payload:
        return _bad(response, "answered without any choice", "Try again; a content filter may have removed them all.")
    if "data" in payload:
        return _bad(response, "answered with `data`: it serves embeddings", "Use an endpoint of task llm/v1/chat.")
    fields = ", ".join(inert(str(name), limit=40) for name in list(payload)[:8])
    return _bad(response, f"answered with an object that is no chat answer (its fields: {fields or 'none'})")


def whole(pieces: Iterable[bytes], headers: Mapping[str, str], request: Request) -> bytes:
    """Put a body together that was received whole, or just beyond what may be taken of it.

    Args:
        pieces: as they came.
        headers: the response's.
        request: says how many bytes to take.

    Raises:
        BadAnswerError: it has more.
        zlib.error: it is not packed as the headers say, or cut off.
    """
    most = request.max_bytes + 1
    body = unpacked(b"".join(pieces), headers, most=most)
    if len(body) >= most:
        where = f"{request.host}{request.path}"
        raise BadAnswerError(f"{where} answered with more than {request.max_bytes} bytes.", remedy=LARGER_REMEDY)
    return body


def _choices(payload: Mapping[str, object]) -> tuple[Choice, ...]:
    listed = payload.get("choices")
    if isinstance(listed, list):
        return tuple(read_choice(each, index=place) for place, each in enumerate(listed) if isinstance(each, Mapping))
    messages = payload.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[-1], Mapping):
        # A ChatAgent lists all that it did; the answer is the last message.
        return (read_choice({"message": messages[-1], "finish_reason": payload.get("finish_reason") or "stop"}),)
    output = payload.get("output")
    if isinstance(output, list):
        return (read_output(payload),)
    return ()


def _not_json(response: Response) -> BadAnswerError:
    kind = response.headers.get("content-type") or "no content type"
    if "html" in kind:
        return _bad(response, "answered with an HTML page instead of JSON", _WRONG_HOST)
    start = inert((response.body or b"").decode("utf-8", "replace"), limit=_SHOWN)
    return _bad(response, f"answered with {inert(kind, limit=60)} that is no JSON: {start!r}")


def _bad(response: Response, what: str, remedy: str | None = None) -> BadAnswerError:
    details = Details(status=response.status, request_id=response.request_id)
    return BadAnswerError(f"The endpoint {what}.", remedy=remedy, details=details)
