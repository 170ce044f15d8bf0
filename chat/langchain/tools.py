"""Tools and structured output: LangChain's ways to say them, and what the API takes."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.output_parsers.base import OutputParserLike
    from langchain_core.tools import BaseTool

Tool: TypeAlias = "dict[str, Any] | type | Callable[..., Any] | BaseTool"
ToolChoice: TypeAlias = "dict[str, Any] | str | bool"
Schema: TypeAlias = "dict[str, Any] | type"
Method: TypeAlias = Literal["function_calling", "json_schema", "json_mode"]

_NO_PARAMETERS = {"type": "object", "properties": {}}


def to_tools(tools: Sequence[Tool], *, strict: bool | None) -> list[dict[str, Any]]:
    """Write tools for the API.

    Args:
        tools: functions, pydantic classes, LangChain tools, or objects in OpenAI's or Anthropic's shape.
        strict: whether arguments must match the schema exactly; None leaves it to the model.
    """
    written = []
    for tool in tools:
        entry = convert_to_openai_tool(tool, strict=strict)
        function = entry.get("function")
        if isinstance(function, dict):
            # Llama refuses a function without parameters (querychat issue 273); the converter leaves `strict` out of
            # a tool that is in the API's shape already.
            added = {"parameters": _NO_PARAMETERS} | ({"strict": strict} if strict is not None else {})
            entry = {**entry, "function": {**added, **function}}
        written.append(entry)
    return written


def to_tool_choice(choice: ToolChoice | None, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any] | str | None:
    """Write a tool choice for the API.

    Args:
        choice: `auto`, `none`, `required` (or `any`, or True), a tool's name, or the API's object. False and None say
            nothing.
        tools: the tools to choose from, as written.

    Raises:
        ValueError: it names a tool that is not among them.
    """
    if choice is None or choice is False:
        return None
    if choice is True or choice in ("any", "required"):
        return "required"
    if choice in ("auto", "none"):
        return str(choice)
    name = choice.get("function", {}).get("name") if isinstance(choice, dict) else choice
    names = [tool.get("function", {}).get("name") for tool in tools]
    if name is not None and name not in names:
        raise ValueError(f"tool_choice names {name!r}, which is not among the tools: {', '.join(map(str, names))}")
    return choice if isinstance(choice, dict) else {"type": "function", "function": {"name": name}}


def structured(
    bind: Callable[..., Runnable[Any, Any]],
    bind_tools: Callable[..., Runnable[Any, Any]],
    schema: Schema | None,
    *,
    method: Method,
    strict: bool | None,
    include_raw: bool,
    tools: Sequence[Tool],
    params: Mapping[str, Any],
) -> Runnable[Any, Any]:
    """Build the chain that answers in a schema's shape.

    Args:
        bind: the model's `bind`.
        bind_tools: the model's `bind_tools`.
        schema: a pydantic class, a TypedDict, a JSON schema, or a function in OpenAI's shape; json_mode takes None.
        method: how to ask the model for it.
        strict: whether the answer must match the schema exactly; None leaves it to the method.
        include_raw: whether to return the message and a parsing error along with the value.
        tools: further tools that the model may call first.
        params: further fields of the request.
    """
    if schema is None and method != "json_mode":
        raise ValueError(f"schema is needed for the method {method!r}")
    parses_model = isinstance(schema, type) and is_basemodel_subclass(schema)
    told = {
        "kwargs": {"method": method, "strict": strict},
        "schema": convert_to_openai_tool(schema) if schema is not None else None,
    }
    parser: OutputParserLike[Any]
    if method == "function_calling":
        name = convert_to_openai_tool(schema)["function"]["name"]  # type: ignore[arg-type]  # None was refused above
        llm = bind_tools(
            [schema, *tools],
            tool_choice=name if not tools else None,
            strict=strict,
            parallel_tool_calls=False if not tools else None,
            ls_structured_output_format=told,
            **params,
        )
        parser = (
            PydanticToolsParser(tools=[schema], first_tool_only=True)  # type: ignore[list-item]  # a model class, as checked
            if parses_model
            else JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
        )
    else:
        response_format = {"type": "json_object"} if method == "json_mode" else _json_schema(schema, strict=strict)
        extras = {"response_format": response_format, "ls_structured_output_format": told, **params}
        llm = bind_tools(tools, **extras) if tools else bind(**extras)
        parser = PydanticOutputParser[Any](pydantic_object=schema) if parses_model else JsonOutputParser()  # type: ignore[arg-type]  # as above
    if not include_raw:
        return llm | parser
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=llm) | parsed.with_fallbacks([unparsed], exception_key="parsing_error")


def _json_schema(schema: Schema | None, *, strict: bool | None) -> dict[str, Any]:
    """Write a schema as a response format; strict unless told otherwise, since that is what the method is for."""
    function = convert_to_openai_tool(schema, strict=strict is not False)["function"]  # type: ignore[arg-type]  # not None here
    body = convert_to_json_schema(schema, strict=strict is not False)  # type: ignore[arg-type]  # as above
    body = {key: value for key, value in body.items() if key not in {"title", "description"}}
    described = {"description": function["description"]} if function.get("description") else {}
    named = {"name": function["name"], "schema": body, **described}
    return {"type": "json_schema", "json_schema": named if strict is False else {**named, "strict": True}}
