"""Structured output: how the model is asked for it, and what becomes of its answer.

Asked by a JSON schema as response format, a model answers in text that is JSON; asked by a function, in a call of it.
Which of the two an endpoint takes is found out by asking: a schema first, since models keep to it best.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from langchain_core.messages import AIMessage
from langchain_core.output_parsers import BaseCumulativeTransformOutputParser, JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import ChatGeneration
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from chat.errors import ChatWarning, ResponseFormatRefusedError
from chat.langchain.errors import UnstructuredAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.language_models import BaseChatModel
    from langchain_core.outputs import Generation

    from chat.langchain.tools import Tool

Schema: TypeAlias = "dict[str, Any] | type"
Method: TypeAlias = Literal["function_calling", "json_schema", "json_mode"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape that an answer is to have.

    Attributes:
        schema: a pydantic class, a TypedDict, a JSON schema, or a function in OpenAI's shape; json_mode takes None.
        strict: whether the answer must match the schema exactly; None leaves it to the method.
        include_raw: whether to return the message and a parsing error along with the value.
        tools: further tools that the model may call first.
        params: further fields of the request.
    """

    schema: Schema | None
    strict: bool | None
    include_raw: bool
    tools: Sequence[Tool]
    params: Mapping[str, Any]

    @property
    def named_schema(self) -> Schema:
        """The schema; LangChain's converters want a JSON schema to have a title, which OpenAI's name is made of."""
        if isinstance(self.schema, dict) and "title" not in self.schema and "name" not in self.schema:
            return {"title": "answer", **self.schema} if "function" not in self.schema else self.schema
        if self.schema is None:
            raise ValueError("schema is needed by every method but json_mode")
        return self.schema

    @property
    def model_class(self) -> type[Any] | None:
        """The schema, if it is a pydantic class (of version 1 or 2), whose instance is then returned."""
        return self.schema if isinstance(self.schema, type) and is_basemodel_subclass(self.schema) else None


def structured(model: BaseChatModel, shape: Shape, method: Method) -> Runnable[Any, Any]:
    """Build the chain that answers in a shape.

    Args:
        model: what to ask.
        shape: the shape.
        method: how to ask for it.
    """
    told = {
        "kwargs": {"method": method, "strict": shape.strict},
        "schema": convert_to_openai_tool(shape.named_schema) if shape.schema is not None else None,
    }
    params = {"ls_structured_output_format": told, **shape.params}
    asked, parser = (
        _by_call(model, shape, params) if method == "function_calling" else _by_text(model, shape, params, method)
    )
    checked = CheckedParser(parser=parser, called=method == "function_calling" and not shape.tools)
    if not shape.include_raw:
        return asked | checked
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | checked, parsing_error=lambda _: None)
    unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=asked) | parsed.with_fallbacks([unparsed], exception_key="parsing_error")


def learning(model: BaseChatModel, shape: Shape, endpoint: str, schemaless: set[str]) -> Runnable[Any, Any]:
    """Build the chain that asks by a JSON schema, and by a function call those endpoints that refuse one.

    Args:
        model: what to ask.
        shape: the shape of the answer.
        endpoint: the endpoint's name.
        schemaless: the endpoints that have refused a schema; those that refuse it now are added.
    """

    def learn(_: object) -> None:
        schemaless.add(endpoint)
        text = f"Endpoint {endpoint!r} refuses a JSON schema as response format; it is asked by function calls instead."
        warnings.warn(text, ChatWarning, stacklevel=2)

    async def alearn(_: object) -> None:
        learn(_)

    by_call = structured(model, shape, "function_calling")
    learnt: Runnable[Any, Any] = RunnablePassthrough(learn, afunc=alearn)
    by_schema = structured(model, shape, "json_schema").with_fallbacks(
        [learnt | by_call], exceptions_to_handle=(ResponseFormatRefusedError,)
    )

    def choose(_: object) -> Runnable[Any, Any]:
        return by_call if endpoint in schemaless else by_schema

    async def achoose(_: object) -> Runnable[Any, Any]:
        return choose(_)

    return RunnableLambda(choose, afunc=achoose, name="structured output")


class CheckedParser(BaseCumulativeTransformOutputParser[Any]):
    """Parses an answer that is one: not refused, not cut off, and in a stream at least at its end.

    LangChain's own parsers complete JSON that breaks off, so that an answer cut at `max_tokens` would pass for a short
    one, and let a stream end without a word that has never parsed.
    """

    parser: BaseCumulativeTransformOutputParser[Any]
    called: bool
    """Whether the answer must be a tool call."""

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:  # noqa: ANN401 - the base class's signature
        """Parse an answer, or the part of it that has come.

        Raises:
            UnstructuredAnswerError: it is not in any shape.
            OutputParserException: it is not in the shape that was asked for.
        """
        message = result[0].message if isinstance(result[0], ChatGeneration) else None
        if isinstance(message, AIMessage):
            partial = partial and getattr(message, "chunk_position", None) != "last"
            _check(message, called=self.called and not partial)
        return self.parser.parse_result(result, partial=partial)

    def parse(self, text: str) -> Any:  # noqa: ANN401 - as above
        """Parse an answer's text."""
        return self.parser.parse(text)


def _check(message: AIMessage, *, called: bool) -> None:
    if refusal := message.additional_kwargs.get("refusal"):
        raise UnstructuredAnswerError(f"The model refused: {refusal}", remedy="Ask for something else.")
    reason = message.response_metadata.get("finish_reason")
    if reason == "length":
        remedy = "Raise max_tokens, or ask for less."
        raise UnstructuredAnswerError("The answer was cut off at its greatest length.", remedy=remedy)
    if reason == "content_filter":
        raise UnstructuredAnswerError("A content filter cut the answer off.", remedy="Ask for something else.")
    if called and not message.tool_calls:
        said = f"with the text {message.text[:160]!r}" if message.text else "with nothing"
        if message.invalid_tool_calls:
            said = f"with arguments that are no JSON: {str(message.invalid_tool_calls[0]['args'])[:160]!r}"
        raise UnstructuredAnswerError(
            f"The model answered {said} instead of calling the function.", remedy='Try method="json_schema".'
        )


def _by_call(
    model: BaseChatModel, shape: Shape, params: Mapping[str, Any]
) -> tuple[Runnable[Any, AIMessage], BaseCumulativeTransformOutputParser[Any]]:
    """Ask for a call of one function, whose arguments are the answer."""
    name = convert_to_openai_tool(shape.named_schema)["function"]["name"]
    asked = model.bind_tools(
        [shape.named_schema, *shape.tools],
        tool_choice=None if shape.tools else name,
        strict=shape.strict,
        parallel_tool_calls=None if shape.tools else False,
        **params,
    )
    if shape.model_class is not None:
        return asked, PydanticToolsParser(tools=[shape.model_class], first_tool_only=True)
    return asked, JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)


def _by_text(
    model: BaseChatModel, shape: Shape, params: Mapping[str, Any], method: Method
) -> tuple[Runnable[Any, AIMessage], BaseCumulativeTransformOutputParser[Any]]:
    """Ask for a text that is JSON."""
    response_format = {"type": "json_object"} if method == "json_mode" else _json_schema(shape)
    extras = {"response_format": response_format, **params}
    asked = model.bind_tools(shape.tools, **extras) if shape.tools else model.bind(**extras)
    if shape.model_class is not None:
        parser: PydanticOutputParser[Any] = PydanticOutputParser(pydantic_object=shape.model_class)
        return asked, parser
    return asked, JsonOutputParser()


def _json_schema(shape: Shape) -> dict[str, Any]:
    """Write a schema as a response format; strict unless told otherwise, since that is what the method is for."""
    strict = shape.strict is not False
    function = convert_to_openai_tool(shape.named_schema, strict=strict)["function"]
    body = convert_to_json_schema(shape.named_schema, strict=strict)
    body = {key: value for key, value in body.items() if key not in {"title", "description"}}
    described = {"description": function["description"]} if function.get("description") else {}
    named = {"name": function["name"], "schema": body, **described}
    return {"type": "json_schema", "json_schema": {**named, "strict": True} if strict else named}
