"""`ChatDatabricks`: a LangChain chat model over the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages.utils import count_tokens_approximately
from pydantic import AliasChoices, ConfigDict, Field, PrivateAttr

from chat.flow import endpoints_of
from chat.langchain.endpoint import EndpointModel
from chat.langchain.errors import AsLangChain
from chat.langchain.incoming import PROVIDER, ChunkWriter, to_result
from chat.langchain.outgoing import to_wire
from chat.langchain.structured import Method, Schema, Shape, learning, structured
from chat.langchain.tools import Tool, ToolChoice, to_tool_choice, to_tools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.language_models.base import LangSmithParams
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import ChatGenerationChunk, ChatResult
    from langchain_core.runnables import Runnable

# Fields that go into each request's body under their own name.
_IN_BODY = (
    "temperature",
    "max_tokens",
    "top_p",
    "top_k",
    "n",
    "seed",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "thinking",
    "response_format",
    "usage_context",
    "custom_inputs",
)

# What a call may say of itself that is not a field of the body.
_OPTIONS = ("wait", "timeout", "headers", "token")
_OF_STREAMS = ("resume", "stream_usage")
_NOT_IN_BODY = frozenset({*_OPTIONS, *_OF_STREAMS, "model", "endpoint"})


class ChatDatabricks(EndpointModel, BaseChatModel):
    """A chat model behind a Databricks serving endpoint: custom, foundation or external.

        model = ChatDatabricks(endpoint="my-chat", temperature=0.1, max_tokens=256)
        model.invoke([("system", "Be brief."), ("user", "What is MLflow?")])

    An argument that it does not know is an error. Any field of the API that has no argument here goes into
    `extra_params`.
    """

    model_config = ConfigDict(extra="forbid")  # which BaseChatModel's own would undo

    use_responses_api: bool = False
    """Whether to ask by the Responses API; messages, tools and answers stay the same."""
    resume: bool = False
    """Whether to ask for the rest of a streamed text when its stream breaks; metadata's `resumed` says so."""
    streaming: bool = False
    """Whether `invoke` streams inside."""
    stream_usage: bool = True
    """Whether streams ask for token usage."""
    stop: list[str] | str | None = None
    """Where to stop; a call's own `stop` takes its place."""
    temperature: float | None = None
    """Randomness, from 0 to 2."""
    max_tokens: int | None = None
    """How many tokens the answer may have."""
    top_p: float | None = None
    """The share of probability to sample from."""
    top_k: int | None = None
    """How many of the likeliest tokens to sample from."""
    n: int | None = None
    """How many answers to ask for, from 1 to 5."""
    seed: int | None = None
    """A seed for sampling, where the model knows one."""
    logprobs: bool | None = None
    """Whether to return log probabilities."""
    top_logprobs: int | None = None
    """How many likeliest tokens to return at each position."""
    reasoning_effort: str | None = None
    """How much to reason (`low`, `medium`, `high`), for GPT models."""
    thinking: dict[str, Any] | None = None
    """Claude's extended thinking (`{"type": "enabled", "budget_tokens": 1024}`)."""
    response_format: dict[str, Any] | None = None
    """The API's response format; `with_structured_output` sets it for you."""
    usage_context: dict[str, str] | None = None
    """Tags for the endpoint's usage table."""
    custom_inputs: dict[str, Any] | None = None
    """Inputs of an agent besides its messages."""
    extra_params: dict[str, Any] | None = Field(
        default=None, validation_alias=AliasChoices("extra_params", "extra_body", "model_kwargs")
    )
    """Further fields of the request's body, as they are."""

    # Endpoints that have refused a JSON schema as response format.
    _schemaless: set[str] = PrivateAttr(default_factory=set)

    def bind_tools(
        self,
        tools: Sequence[Tool],
        *,
        tool_choice: ToolChoice | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,  # noqa: ANN401 - BaseChatModel's signature
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Let the model call tools.

        Args:
            tools: functions, pydantic classes, LangChain tools, or objects in OpenAI's or Anthropic's shape.
            tool_choice: `auto`, `none`, `required` (or `any`, or True), a tool's name, or the API's object.
            strict: whether arguments must match the tool's schema exactly.
            parallel_tool_calls: whether the model may ask for several calls at once.
            **kwargs: further fields of the request.
        """
        written = to_tools(tools, strict=strict)
        choice = to_tool_choice(tool_choice, written)
        extras = {"tool_choice": choice, "parallel_tool_calls": parallel_tool_calls}
        said = {name: value for name, value in extras.items() if value is not None}
        return self.bind(tools=written, **said, **kwargs)

    def with_structured_output(
        self,
        schema: Schema | None = None,
        *,
        method: Method | None = None,
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[Tool] = (),
        **kwargs: Any,  # noqa: ANN401 - BaseChatModel's signature
    ) -> Runnable[LanguageModelInput, Any]:
        """Answer in a schema's shape.

        Args:
            schema: a pydantic class, a TypedDict, a JSON schema, or a function in OpenAI's shape.
            method: `json_schema`, `function_calling`, or `json_mode` (which takes the schema from your prompt). None is
                json_schema, and function_calling where the endpoint has refused a JSON schema.
            include_raw: whether to return `{"raw", "parsed", "parsing_error"}` instead of the value.
            strict: whether the answer must match the schema exactly; json_schema is strict unless told otherwise.
            tools: further tools that the model may call first.
            **kwargs: further fields of the request.
        """
        shape = Shape(schema, strict, include_raw, tools, kwargs)
        if method is not None:
            return structured(self, shape, method)
        return learning(self, shape, self._asked(kwargs), self._schemaless)

    def get_num_tokens(self, text: str) -> int:
        """Estimate a text's tokens: the model's own tokenizer is behind the endpoint."""
        return len(self.custom_get_token_ids(text)) if self.custom_get_token_ids else -(-len(text) // 4)

    def get_num_tokens_from_messages(self, messages: Sequence[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Estimate a conversation's tokens, tools included."""
        return count_tokens_approximately(messages, tools=[*tools] if tools else None)

    @property
    def _llm_type(self) -> str:
        return "chat-databricks"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"endpoint": self._told(self.endpoint), **self._body({}, stop=None)}

    # Asked for by every call: BaseChatModel's own versions find by reflection what is known here, and read this model's
    # settings inside a change of Python's warning filters, which are the whole process's.
    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        return {**self.asdict(), "stop": stop, **kwargs}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:  # noqa: ANN401 - as above
        params: LangSmithParams = {
            "ls_provider": PROVIDER,
            "ls_model_type": "chat",
            "ls_model_name": self._asked(kwargs),
        }
        if (temperature := kwargs.get("temperature", self.temperature)) is not None:
            params["ls_temperature"] = temperature
        if (max_tokens := kwargs.get("max_tokens", self.max_tokens)) is not None:
            params["ls_max_tokens"] = max_tokens
        if stops := self.stop if stop is None else stop:
            params["ls_stop"] = [stops] if isinstance(stops, str) else stops
        return params

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - BaseChatModel's signature
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> ChatResult:
        with AsLangChain():
            answer = self.client.invoke(to_wire(messages), **self._call(kwargs, stop))
        return to_result(answer)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - as above
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> ChatResult:
        with AsLangChain():
            answer = await self.async_client.ainvoke(to_wire(messages), **self._call(kwargs, stop))
        return to_result(answer)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - as above
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> Iterator[ChatGenerationChunk]:
        writer = ChunkWriter()
        with AsLangChain(), self.client.stream(to_wire(messages), **self._call(kwargs, stop, stream=True)) as stream:
            for chunk in stream:
                if (piece := writer.write(chunk)) is not None:
                    yield piece
            yield writer.last(stream.answer)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - as above
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> AsyncIterator[ChatGenerationChunk]:
        writer = ChunkWriter()
        call = self._call(kwargs, stop, stream=True)
        with AsLangChain():
            async with self.async_client.astream(to_wire(messages), **call) as stream:
                async for chunk in stream:
                    if (piece := writer.write(chunk)) is not None:
                        yield piece
                yield writer.last(stream.answer)

    def _call(self, kwargs: Mapping[str, Any], stop: list[str] | None, *, stream: bool = False) -> dict[str, Any]:
        """Tell a call's options from the fields of its body, and add what this model says to each call."""
        options = {name: kwargs[name] for name in _OPTIONS if kwargs.get(name) is not None}
        fields = {name: value for name, value in kwargs.items() if name not in _NOT_IN_BODY}
        elsewhere = kwargs.get("model") or kwargs.get("endpoint")
        if elsewhere is not None:
            options["endpoint"] = elsewhere
        if stream:
            options["resume"] = kwargs.get("resume", self.resume)
            if not (self.stream_usage and kwargs.get("stream_usage", True)):
                fields["stream_options"] = None
        return {**self._body(fields, stop=stop), **options}

    def _asked(self, kwargs: Mapping[str, Any]) -> str:
        """Name the endpoint that a call goes to (first)."""
        elsewhere = kwargs.get("model") or kwargs.get("endpoint")
        return endpoints_of(elsewhere)[0].name if elsewhere else self.model

    def _body(self, fields: Mapping[str, Any], *, stop: list[str] | None) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name in _IN_BODY:
            if (value := getattr(self, name)) is not None:
                body[name] = value
        if (stops := stop if stop is not None else self.stop) is not None:
            body["stop"] = stops
        if self.extra_params:
            body |= self.extra_params
        body.update(fields)
        return body

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "use_responses_api": self.use_responses_api}
