"""`with_structured_output`: each method, each kind of schema, and what never passes for an answer."""

from __future__ import annotations

import gc
import json
import pickle
import warnings
from typing import TYPE_CHECKING, Any, TypedDict

import pydantic
import pydantic.v1
import pytest
from langchain_core.exceptions import ModelInvalidRequestError, OutputParserException
from langchain_core.messages import AIMessage

from chat import ChatDatabricks, errors, mlflow_resources
from chat.errors import ChatWarning
from chat.langchain.errors import UnstructuredAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_workspace.local import WorkspaceHandle
    from tests.chat.scripted import ScriptedServer


class Joke(pydantic.BaseModel):
    """A joke."""

    setup: str
    punchline: str


class OldJoke(pydantic.v1.BaseModel):
    """A joke."""

    setup: str
    punchline: str


class DictJoke(TypedDict):
    """A joke."""

    setup: str
    punchline: str


TITLED = Joke.model_json_schema()
UNTITLED = {name: value for name, value in TITLED.items() if name != "title"}
FUNCTION = {"name": "Joke", "description": "A joke.", "parameters": UNTITLED}
SCHEMAS = [Joke, OldJoke, DictJoke, TITLED, UNTITLED, FUNCTION]
METHODS = ["function_calling", "json_schema", "json_mode"]
WRITTEN = {"setup": "a", "punchline": "b"}
REFUSALS = [
    {"error_code": "BAD_REQUEST", "message": "response_format: Extra inputs are not permitted"},
    {"error_code": "BAD_REQUEST", "message": "This model does not support json_schema"},
    {"error": {"message": "Invalid schema for response_format 'Joke': 'required' is missing.", "code": "invalid"}},
    {"error_code": "BAD_REQUEST", "message": json.dumps({"message": "structured outputs are not supported"})},
]


def model(server: ScriptedServer, **options: object) -> ChatDatabricks:
    return ChatDatabricks(endpoint="my-chat", host=server.host, token="dapi-stand-in", max_retries=0, **options)


def said(content: object, finish: str = "stop", **message: object) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}]}


def call(arguments: str, name: str = "Joke") -> dict[str, Any]:
    return {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}


def delta(finish: str | None = None, **delta: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def as_dict(value: Any) -> object:  # noqa: ANN401 - whatever the method returns
    return dict(value) if not isinstance(value, dict) else value


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("method", [None, *METHODS])
@pytest.mark.usefixtures("endpoint")
async def test_each_kind_of_schema_by_each_method(schema: Any, method: Any) -> None:  # noqa: ANN401 - parameters
    chain = ChatDatabricks(endpoint="my-chat").with_structured_output(schema, method=method)
    prompt = f"Tell me a joke, as JSON of this schema: {json.dumps(TITLED)}"
    answers = [chain.invoke(prompt), await chain.ainvoke(prompt), list(chain.stream(prompt))[-1]]
    answers += [[each async for each in chain.astream(prompt)][-1]]
    for answer in answers:
        assert isinstance(answer, schema if schema in (Joke, OldJoke) else dict)
        if method != "json_mode":  # which is given no schema to keep to
            assert as_dict(answer).keys() == WRITTEN.keys()  # type: ignore[attr-defined]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_an_endpoint_that_refuses_a_schema_is_asked_by_a_call_from_then_on(
    scripted: ScriptedServer, refusal: object
) -> None:
    scripted.reply(refusal, status=400).reply(said(None, tool_calls=[call(json.dumps(WRITTEN))]))
    chat = model(scripted)
    chain = chat.with_structured_output(Joke)
    with pytest.warns(ChatWarning, match="'my-chat' refuses a JSON schema"):
        assert chain.invoke("hi") == Joke(**WRITTEN)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert chat.with_structured_output(Joke, include_raw=True).invoke("hi")["parsed"] == Joke(**WRITTEN)
    assert ["response_format" in body for body in scripted.bodies] == [True, False, False]


async def test_a_stream_learns_it_too(scripted: ScriptedServer) -> None:
    piece = {"index": 0, **call('{"setup": "a", "pun')}
    rest = {"index": 0, "function": {"arguments": 'chline": "b"}'}}
    scripted.reply(REFUSALS[0], status=400).stream(delta(tool_calls=[piece]), delta("tool_calls", tool_calls=[rest]))
    chain = model(scripted).with_structured_output(Joke)
    with pytest.warns(ChatWarning, match="refuses a JSON schema"):
        assert [each async for each in chain.astream("hi")][-1] == Joke(**WRITTEN)
    assert list(chain.stream("hi"))[-1] == Joke(**WRITTEN)
    assert ["response_format" in body for body in scripted.bodies] == [True, False, False]


def test_another_bad_request_is_not_taken_for_that(scripted: ScriptedServer) -> None:
    scripted.reply({"error_code": "BAD_REQUEST", "message": "max_tokens is too large"}, status=400)
    with pytest.raises(errors.BadRequestError, match="max_tokens"):
        model(scripted).with_structured_output(Joke).invoke("hi")
    assert len(scripted.requests) == 1


def test_a_method_that_was_asked_for_is_not_changed(scripted: ScriptedServer) -> None:
    scripted.reply(REFUSALS[0], status=400)
    with pytest.raises(errors.ResponseFormatRefusedError) as caught:
        model(scripted).with_structured_output(Joke, method="json_schema").invoke("hi")
    assert isinstance(caught.value, ModelInvalidRequestError)


def test_json_schema_is_strict_unless_told_otherwise(scripted: ScriptedServer) -> None:
    scripted.reply(said(json.dumps(WRITTEN)))
    chat = model(scripted)
    assert chat.with_structured_output(Joke).invoke("hi") == Joke(**WRITTEN)
    chat.with_structured_output(Joke, strict=False).invoke("hi")
    formats = [body["response_format"]["json_schema"] for body in scripted.bodies]  # type: ignore[index]
    assert [each.get("strict") for each in formats] == [True, None]
    assert [each["schema"].get("additionalProperties") for each in formats] == [False, None]
    assert formats[0]["name"] == "Joke"


@pytest.mark.parametrize("strict", [True, False, None])
def test_strict_reaches_the_function(scripted: ScriptedServer, strict: bool | None) -> None:  # noqa: FBT001 - a parameter
    scripted.reply(said(None, tool_calls=[call(json.dumps(WRITTEN))]))
    model(scripted).with_structured_output(Joke, method="function_calling", strict=strict).invoke("hi")
    assert scripted.bodies[0]["tools"][0]["function"].get("strict") == strict  # type: ignore[index]


@pytest.mark.parametrize("method", METHODS)
def test_the_raw_message_comes_with_the_parsing_error(scripted: ScriptedServer, method: Any) -> None:  # noqa: ANN401 - a parameter
    written = '{"setup": "a"}'  # no punchline
    scripted.reply(said(None, tool_calls=[call(written)]) if method == "function_calling" else said(written))
    result = model(scripted).with_structured_output(Joke, method=method, include_raw=True).invoke("hi")
    assert isinstance(result["raw"], AIMessage)
    assert result["parsed"] is None
    assert result["parsing_error"] is not None


UNUSABLE = {
    "refused": (said(None, refusal="I will not"), "refused: I will not"),
    "cut": (said('{"setup": "a", "punchline": "b', "length"), "cut off"),
    "filtered": (said("", "content_filter"), "filter"),
}


@pytest.mark.parametrize(("answer", "words"), UNUSABLE.values(), ids=UNUSABLE)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_no_answer_is_an_error_of_ours_and_of_langchains(
    scripted: ScriptedServer,
    answer: dict[str, Any],
    words: str,
    streamed: bool,  # noqa: FBT001 - a parameter
) -> None:
    choice = answer["choices"][0]
    scripted.stream(delta(**choice["message"]), delta(choice["finish_reason"])) if streamed else scripted.reply(answer)

    def asked() -> None:
        chain = model(scripted).with_structured_output(Joke)
        with pytest.raises(UnstructuredAnswerError, match=words) as caught:
            list(chain.stream("hi")) if streamed else chain.invoke("hi")
        assert isinstance(caught.value, errors.ChatError)
        assert isinstance(caught.value, OutputParserException)

    asked()
    if streamed:  # it is left in the middle, in a cycle of the error and these frames: its socket is closed with it
        gc.collect()


@pytest.mark.parametrize(
    ("answer", "words"),
    [(said("Sure!"), "'Sure!' instead of calling"), (said(None, tool_calls=[call('{"setup')]), "no JSON")],
)
def test_a_function_that_was_not_called_is_an_error(scripted: ScriptedServer, answer: object, words: str) -> None:
    scripted.reply(answer)
    with pytest.raises(UnstructuredAnswerError, match=words):
        model(scripted).with_structured_output(Joke, method="function_calling").invoke("hi")


def test_a_stream_that_never_parses_is_an_error(scripted: ScriptedServer) -> None:
    scripted.stream(delta(content='{"setup": '), delta("stop", content='"a"}'))
    with pytest.raises(OutputParserException):
        list(model(scripted).with_structured_output(Joke).stream("hi"))


def test_a_stream_shows_the_value_as_it_grows(scripted: ScriptedServer) -> None:
    pieces = ['{"setup": "a', '", "punchline": "', 'b"}']
    scripted.stream(*(delta(content=piece) for piece in pieces), delta("stop"))
    grown = list(model(scripted).with_structured_output(DictJoke).stream("hi"))
    assert grown == [{"setup": "a"}, {"setup": "a", "punchline": ""}, WRITTEN]


def test_a_chain_names_its_endpoint_to_mlflow_and_can_be_pickled_once_its_method_is_settled() -> None:
    chat = ChatDatabricks(endpoint="my-chat")
    assert [each.name for each in mlflow_resources(chat.with_structured_output(Joke))] == ["my-chat"]
    for method in METHODS:
        chain = chat.with_structured_output(Joke, method=method)
        assert pickle.loads(pickle.dumps(chain)).get_name() == chain.get_name()  # noqa: S301 - our own bytes


def test_further_tools_may_be_called_first(scripted: ScriptedServer) -> None:
    scripted.reply(said(None, "tool_calls", tool_calls=[call("{}", "look_up")]))
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
    chain = model(scripted).with_structured_output(Joke, method="function_calling", tools=[tool], include_raw=True)
    assert chain.invoke("hi")["raw"].tool_calls[0]["name"] == "look_up"
    assert "tool_choice" not in scripted.bodies[0]


def test_a_schema_is_needed_but_for_json_mode(scripted: ScriptedServer) -> None:
    with pytest.raises(ValueError, match="schema is needed"):
        model(scripted).with_structured_output()
    scripted.reply(said("{}"))
    assert model(scripted).with_structured_output(method="json_mode").invoke("hi") == {}


@pytest.fixture
def strictly_served(
    workspace: WorkspaceHandle,
    create_external: Callable[..., str],
    gate: Callable[[str], Any],
) -> Iterator[tuple[str, list[str]]]:
    create_external(workspace, "my-chat")
    with gate(workspace.host) as opened:
        yield opened


def test_before_a_model_that_refuses_strict_it_is_left_out(
    strictly_served: tuple[str, list[str]], workspace: WorkspaceHandle
) -> None:
    host, refusals = strictly_served
    chat = ChatDatabricks(endpoint="my-chat", host=host, token=workspace.token)  # type: ignore[arg-type]  # as a user writes it
    with pytest.warns(ChatWarning, match="strict"):
        assert isinstance(chat.with_structured_output(Joke).invoke("hi"), Joke)
    assert refusals == ["strict"]
