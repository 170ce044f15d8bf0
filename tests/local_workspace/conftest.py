"""A workspace whose time stands still, and a plain HTTP caller: what the tests of single routes need."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from local_workspace import LocalWorkspace
from local_workspace.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENDPOINTS = "/api/2.0/serving-endpoints"
_PARTS = re.compile(r"(\{\w+\})")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, its body parsed if it is JSON."""

    status: int
    body: Any
    headers: dict[str, str] = field(repr=False)

    @property
    def error(self) -> tuple[int, Any]:
        return self.status, self.body.get("error_code")


class Api:
    """Calls routes with one token."""

    def __init__(self, host: str, token: str | None, pool: urllib3.PoolManager) -> None:
        self.host = host
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._pool = pool

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        url = f"{self.host}{path}"
        if query:
            url += "?" + "&".join(f"{key}={value}" for key, value in query.items())
        sent = raw if raw is not None else None if body is None else json.dumps(body).encode()
        answer = self._pool.request(method, url, body=sent, headers={**self._headers, **(headers or {})})
        text = answer.data.decode()
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = text
        return Answer(answer.status, parsed, dict(answer.headers))

    def ok(self, method: str, path: str, body: object = None, **options: Any) -> Any:  # noqa: ANN401 - JSON
        """Call, and return the body of a 200."""
        answer = self(method, path, body, **options)
        assert answer.status == 200, answer
        return answer.body


@pytest.fixture(autouse=True)
def witnessed_routes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that calls itself a route's witness and never called the route."""
    yield
    shown = [each for mark in request.node.iter_markers("witness") for each in mark.args if " /" in each]
    running = [each for each in request.node.funcargs.values() if isinstance(each, LocalWorkspace)]
    called = {f"{each.method} {each.path.rstrip('/')}" for workspace in running for each in workspace.requests}
    for route in shown if request.node.get_closest_marker("parametrize") is None else ():
        pattern = re.compile("".join("[^/]+" if part[:1] == "{" else re.escape(part) for part in _PARTS.split(route)))
        assert any(map(pattern.fullmatch, called)), f"{request.node.name} never called {route}"


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False, timeout=10) as manager:
        yield manager


@pytest.fixture
def workspace() -> Iterator[LocalWorkspace]:
    with LocalWorkspace(clock=Clock(lambda: 1_800_000_000.0), deploy_seconds=5, custom_deploy_seconds=60) as running:
        yield running


@pytest.fixture
def api(workspace: LocalWorkspace, pool: urllib3.PoolManager) -> Api:
    return Api(workspace.host, workspace.token, pool)


@pytest.fixture
def api_as(workspace: LocalWorkspace, pool: urllib3.PoolManager) -> Callable[..., Api]:
    def of(principal: str, **options: tuple[str, ...]) -> Api:
        return Api(workspace.host, workspace.token_for(principal, **options), pool)

    return of


@pytest.fixture
def api_of(pool: urllib3.PoolManager) -> Callable[..., Api]:
    """A caller for any host and token."""

    def of(host: str, token: str | None) -> Api:
        return Api(host, token, pool)

    return of


@pytest.fixture
def openai_entity() -> Callable[..., dict[str, Any]]:
    """A served entity on OpenAI, as a client sends it."""

    def entity(name: str = "gpt-4o", *, key: str = "{{secrets/s/k}}", **fields: object) -> dict[str, Any]:
        return {
            "name": name,
            "external_model": {
                "provider": "openai",
                "name": name,
                "task": "llm/v1/chat",
                "openai_config": {"openai_api_key": key},
            },
            **fields,
        }

    return entity


@pytest.fixture
def create(api: Api, openai_entity: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Creates an endpoint with one OpenAI entity, and returns the answer."""

    def make(name: str = "chat", *entities: dict[str, Any], **fields: object) -> dict[str, Any]:
        config = {"served_entities": list(entities) or [openai_entity()]}
        answer: dict[str, Any] = api.ok("POST", ENDPOINTS, {"name": name, "config": config, **fields})
        return answer

    return make


@pytest.fixture
def refusal(api: Api) -> Callable[[dict[str, Any]], str]:
    """Creates an endpoint with a config that must be refused, and returns the message."""

    def refused(config: dict[str, Any]) -> str:
        answer = api("POST", ENDPOINTS, {"name": "chat", "config": config})
        assert answer.error == (400, "INVALID_PARAMETER_VALUE")
        assert api("GET", f"{ENDPOINTS}/chat").status == 404
        return answer.body["message"]

    return refused
