"""langchain-tests' standard suites, every switch on, nothing overridden, against the local workspace.

Two of its tests skip themselves. `test_stream_time` needs a recording of a provider. `test_serdes` loads the model with
`allowed_objects="all"`, which langchain-core reads as "every class in the serialization mappings" (`Reviver` in
`langchain_core.load.load`): a class path that is not in its own table is refused before namespaces or secrets are
looked at, so that neither `lc_namespace` nor `lc_secrets` nor the suite's `init_from_env_params` can make a class from
outside pass. Adding ourselves to that table would widen, for the whole process, what a manifest from elsewhere may
construct; that is not for a library to do on import. So the model says that it is not serializable, and is pickled.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Literal

import httpx
import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from chat import ChatDatabricks
from chat.errors import ChatWarning
from chat.langchain import ChatDatabricks as ChatDatabricksClass

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterator

    from langchain_core.language_models import BaseChatModel

    from local_workspace import LocalWorkspace
    from local_workspace.local import WorkspaceHandle

_OTHER = "another-chat"
_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class _Switches:
    """What the model can do, for both suites."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatDatabricksClass

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "my-chat"}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_video_inputs(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return _OTHER

    @property
    def supported_usage_metadata_details(
        self,
    ) -> dict[Literal["invoke", "stream"], list[str]]:
        return {"invoke": [], "stream": []}


class TestUnit(_Switches, ChatModelUnitTests):
    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        environment = {"DATABRICKS_HOST": "https://dbc.example.com", "DATABRICKS_TOKEN": "dapi-stand-in"}
        return environment, {"model": "my-chat"}, {"endpoint": "my-chat"}


# The suite sends Claude's cache marks and reasoning; OpenAI refuses them, and they are left out with a warning.
@pytest.mark.filterwarnings("ignore:.*refuses (cache_control|reasoning):chat.errors.ChatWarning")
class TestIntegration(_Switches, ChatModelIntegrationTests):
    @pytest.fixture(autouse=True)
    def _served(self, served: WorkspaceHandle, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABRICKS_HOST", served.host)
        monkeypatch.setenv("DATABRICKS_TOKEN", served.token)
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "gatewright-tests")
        # The suite downloads its samples; what counts is how they are sent.
        monkeypatch.setattr(httpx, "get", _sample)


@pytest.mark.filterwarnings("ignore:.*refuses :chat.errors.ChatWarning")
class TestStrictIntegration(_Switches, ChatModelIntegrationTests):
    """The same before a model that refuses unknown fields, `stream_options`, `temperature` and `strict`."""

    @pytest.fixture(autouse=True)
    def _served(
        self, strictly_served: tuple[str, list[str]], served: WorkspaceHandle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABRICKS_HOST", strictly_served[0])
        monkeypatch.setenv("DATABRICKS_TOKEN", served.token)
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "gatewright-tests")
        monkeypatch.setattr(httpx, "get", _sample)


@pytest.fixture(scope="module")
def strictly_served(
    served: WorkspaceHandle, gate: Callable[[str], contextlib.AbstractContextManager[tuple[str, list[str]]]]
) -> Iterator[tuple[str, list[str]]]:
    with gate(served.host) as opened:
        yield opened


@pytest.fixture(scope="module")
def served(server: LocalWorkspace, create_external: Callable[..., str]) -> WorkspaceHandle:
    """A workspace with two endpoints: made outside of the tests, since one of them may not use the network."""
    workspace = server.fork()
    create_external(workspace, "my-chat", model="gpt-4o-mini")
    create_external(workspace, _OTHER, model=_OTHER)
    return workspace


def _sample(url: str, **_: object) -> httpx.Response:
    if url.endswith(".pdf"):
        return httpx.Response(200, content=b"%PDF-1.4\n%%EOF\n")
    return httpx.Response(200, content=b"RIFF$\0\0\0WAVE" if url.endswith(".wav") else _PIXEL)


def test_the_package_exports_the_class_under_test() -> None:
    assert ChatDatabricks is ChatDatabricksClass


def test_the_strict_model_refuses_each_of_these_and_is_asked_without(
    strictly_served: tuple[str, list[str]], served: WorkspaceHandle
) -> None:
    host, refusals = strictly_served
    refusals.clear()
    model = ChatDatabricks(endpoint="my-chat", host=host, token=served.token, temperature=0)  # type: ignore[arg-type]  # as a user writes it
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    with pytest.warns(ChatWarning, match="refuses"):
        list(model.bind_tools([tool], strict=True).stream("hi"))
    assert sorted(refusals) == ["stream_options", "strict", "temperature"]
    model.invoke("hi")
    assert len(refusals) == 3
