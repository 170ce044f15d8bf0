"""Local workspaces with chat endpoints on them."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from local_workspace import LocalWorkspace
from tests.chat.api import request
from tests.chat.faces import Face
from tests.chat.scripted import Listener, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mlflow.entities import Span

    from local_workspace.local import WorkspaceHandle


@pytest.fixture(scope="session")
def server() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(deploy_seconds=0) as running:
        yield running


@pytest.fixture(scope="session")
def create_external() -> Callable[..., str]:
    """Create an external-model endpoint on the simulated OpenAI, and the secret it needs."""

    def create(workspace: WorkspaceHandle, name: str, *, model: str = "gpt-4o-mini", **openai: str) -> str:
        scope = f"models-{name}"
        request(workspace, "POST", "/api/2.0/secrets/scopes/create", {"scope": scope})
        secret = {"scope": scope, "key": "openai", "string_value": "sk-simulated-for-tests"}
        request(workspace, "POST", "/api/2.0/secrets/put", secret)
        config = {"openai_api_key": f"{{{{secrets/{scope}/openai}}}}", **openai}
        external = {"name": model, "provider": "openai", "task": "llm/v1/chat", "openai_config": config}
        entities = [{"name": "entity", "external_model": external}]
        request(
            workspace, "POST", "/api/2.0/serving-endpoints", {"name": name, "config": {"served_entities": entities}}
        )
        return name

    return create


@pytest.fixture
def workspace(server: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> WorkspaceHandle:
    """A workspace of the test's own, which the environment names."""
    forked = server.fork()
    for name in ("DATABRICKS_CONFIG_PROFILE", "DATABRICKS_AUTH_TYPE", "DATABRICKS_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_HOST", forked.host)
    monkeypatch.setenv("DATABRICKS_TOKEN", forked.token)
    return forked


@pytest.fixture
def no_way_of_the_machines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take proxies and certificate authorities out of the environment, but for those that a test names."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}:
            monkeypatch.delenv(name)


@pytest.fixture
def endpoint(workspace: WorkspaceHandle, create_external: Callable[..., str]) -> str:
    """A chat endpoint that is ready, in the workspace that the environment names."""
    return create_external(workspace, "my-chat")


@pytest.fixture(scope="session")
def mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of these tests' own, for MLflow's traces and models: made once, since making its tables takes seconds."""
    import mlflow  # noqa: PLC0415 - seconds, for the tests that need it

    before = mlflow.get_tracking_uri()
    folder = tmp_path_factory.mktemp("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    # the default experiment keeps its files in ./mlruns
    mlflow.set_experiment(
        experiment_id=mlflow.create_experiment("tests", artifact_location=(folder / "files").as_uri())
    )
    # MLflow also tells child processes, and a workspace that another test starts would take this store for its registry
    for name in [each for each in os.environ if each.startswith("MLFLOW_")]:
        del os.environ[name]
    yield
    mlflow.set_tracking_uri(before)


@pytest.fixture
def last_spans(mlflow_store: None) -> Callable[[], list[Span]]:  # noqa: ARG001 - it is where spans go
    """Read the spans of the last trace."""
    import mlflow  # noqa: PLC0415 - as above

    def read() -> list[Span]:
        mlflow.flush_trace_async_logging()
        trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
        assert trace is not None
        return trace.data.spans

    return read


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server that answers as it is told: for what a well-behaved workspace never does."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def face(request: pytest.FixtureRequest, scripted: ScriptedServer) -> Face:
    return Face(request.param, scripted)


_TAKEN = {"messages", "max_tokens", "stop", "stream", "tools", "tool_choice", "response_format", "n"}


class StrictGate(http.server.BaseHTTPRequestHandler):
    """Stands before a workspace and refuses what some models refuse: fields it does not know, `stream_options`,
    `temperature` and `strict`. Usage comes on every stream, as it does from models that need not be asked."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    behind: str
    refusals: list[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if (name := _refused(body)) is not None:
            self.refusals.append(name)
            told = {"error_code": "BAD_REQUEST", "message": f"{name}: Extra inputs are not permitted"}
            self._answer(400, "application/json", json.dumps(told).encode())
            return
        if body.get("stream"):
            body["stream_options"] = {"include_usage": True}
        headers = {name: self.headers[name] for name in ("authorization", "content-type")}
        request = urllib.request.Request(f"{self.behind}{self.path}", json.dumps(body).encode(), headers)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                self._answer(answer.status, answer.headers["content-type"], answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                self._answer(refusal.code, refusal.headers["content-type"], refusal.read())

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _refused(body: dict[str, object]) -> str | None:
    """Name what a strict model would refuse of a body, one at a time."""
    if unknown := sorted(body.keys() - _TAKEN):
        return unknown[0]
    functions = [tool.get("function", {}) for tool in body.get("tools", [])]  # type: ignore[attr-defined]
    schema = body.get("response_format", {}).get("json_schema", {})  # type: ignore[attr-defined]
    return "strict" if any("strict" in each for each in [*functions, schema]) else None


@pytest.fixture(scope="session")
def gate() -> Callable[[str], contextlib.AbstractContextManager[tuple[str, list[str]]]]:
    """Open a `StrictGate` before a workspace; yields its address and what it has refused."""

    @contextlib.contextmanager
    def open_gate(host: str) -> Iterator[tuple[str, list[str]]]:
        refusals: list[str] = []
        handler = type("Gate", (StrictGate,), {"behind": host, "refusals": refusals})
        with Listener(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}", refusals
            server.shutdown()

    return open_gate
