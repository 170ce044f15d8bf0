"""Scopes, secrets, ACLs and endpoints by random calls: a dict, the application in process and the server agree."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from proving.looking import Api

from local_workspace.app import build
from local_workspace.clock import Clock
from local_workspace.settings import Settings
from local_workspace.store import Store
from local_workspace.workspace import Workspaces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proving.sizes import Proof
    from starlette.types import ASGIApp, Message

    from local_workspace.local import LocalWorkspace

STEPS = 40
ADMIN = "local-admin@example.com"
OK, BAD, MISSING, TAKEN = 200, 400, 404, 409

SCOPES = st.sampled_from(("one", "two", "ONE", "no such scope"))
KEYS = st.sampled_from(("a", "b"))
PRINCIPALS = st.sampled_from(("readers", "someone@example.com"))
LEVELS = st.sampled_from(("READ", "WRITE", "MANAGE", "OWN"))
NAMES = st.sampled_from(("chat", "judge", "-bad-"))
TEAMS = st.sampled_from(("ml", "search"))

Answer = tuple[int, Any]


class InProcess:
    """Calls the application itself: no server, no socket.

    Args:
        app: the application.
        token: of the identity that calls.
        loop: runs it.
    """

    def __init__(self, app: ASGIApp, token: str, *, loop: asyncio.Runner) -> None:
        self._app = app
        self._token = token
        self._loop = loop

    def __call__(self, method: str, path: str, body: object = None, **query: str) -> Answer:
        sent = b"" if body is None else json.dumps(body).encode()
        answer: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message: Message) -> None:
            answer.append(message)

        scope = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": urlencode(query).encode(), "root_path": "",
            "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9), "state": {},
            "headers": [
                (b"host", b"127.0.0.1:80"), (b"authorization", f"Bearer {self._token}".encode()),
                (b"content-type", b"application/json"), (b"content-length", str(len(sent)).encode()),
            ],
        }  # fmt: skip
        self._loop.run(self._app(scope, receive, send))  # type: ignore[arg-type] # starlette's middleware is a coroutine
        return answer[0]["status"], json.loads(b"".join(each.get("body", b"") for each in answer[1:]))


class Model:
    """What a workspace must hold, in dicts: names of scopes go by their folded form."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.acls: dict[str, dict[str, str]] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def create_scope(self, name: str) -> int:
        if " " in name or name.lower() in self.names:
            return BAD
        self.names[name.lower()], self.secrets[name.lower()] = name, {}
        self.acls[name.lower()] = {ADMIN: "MANAGE"}
        return OK

    def delete_scope(self, name: str) -> int:
        if name.lower() not in self.names:
            return MISSING
        for each in (self.names, self.secrets, self.acls):
            del each[name.lower()]  # type: ignore[attr-defined] # three dicts of different values
        return OK

    def put(self, held: Mapping[str, dict[str, str]], scope: str, item: str, value: str) -> int:
        if scope.lower() not in held:
            return MISSING
        held[scope.lower()][item] = value
        return OK

    def delete(self, held: Mapping[str, dict[str, str]], scope: str, item: str) -> int:
        return MISSING if held.get(scope.lower(), {}).pop(item, None) is None else OK

    def create_endpoint(self, name: str, team: str) -> int:
        if name.startswith("-"):
            return BAD
        if name in self.tags:
            return TAKEN
        self.tags[name] = {"team": team}
        return OK

    def delete_endpoint(self, name: str) -> int:
        return MISSING if self.tags.pop(name, None) is None else OK


class Machine(RuleBasedStateMachine):
    """Each rule calls all three and compares; each step ends with a look at everything."""

    server: LocalWorkspace
    proof: Proof
    loop: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        forked = self.server.fork()
        self._store = Store(None)
        workspaces = Workspaces(self._store, clock=Clock(), settings=Settings(deploy_seconds=0.0))
        self._inside = InProcess(build(workspaces, store=self._store), workspaces.default.token, loop=self.loop)
        self._outside = Api(forked.host, forked.token)
        self._model = Model()

    def teardown(self) -> None:
        self._store.close()

    def _same(self, method: str, path: str, body: object = None, **query: str) -> Answer:
        """Call both, and return what they agree on."""
        inside = self._inside(method, path, body, **query)
        outside = self._outside(method, path, body, **query)
        assert _comparable(inside) == _comparable(outside)
        self.proof.tried("calls")
        return outside

    def _agreed(self, expected: int, method: str, path: str, body: object = None) -> None:
        status, answer = self._same(method, path, body)
        assert status == expected, answer

    @rule(scope=SCOPES)
    def create_scope(self, scope: str) -> None:
        self._agreed(self._model.create_scope(scope), "POST", "/api/2.0/secrets/scopes/create", {"scope": scope})

    @rule(scope=SCOPES)
    def delete_scope(self, scope: str) -> None:
        self._agreed(self._model.delete_scope(scope), "POST", "/api/2.0/secrets/scopes/delete", {"scope": scope})

    @rule(scope=SCOPES, key=KEYS, value=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
    def put_secret(self, scope: str, key: str, value: str) -> None:
        expected = self._model.put(self._model.secrets, scope, key, value)
        body = {"scope": scope, "key": key, "string_value": value}
        self._agreed(expected, "POST", "/api/2.0/secrets/put", body)

    @rule(scope=SCOPES, key=KEYS)
    def delete_secret(self, scope: str, key: str) -> None:
        expected = self._model.delete(self._model.secrets, scope, key)
        self._agreed(expected, "POST", "/api/2.0/secrets/delete", {"scope": scope, "key": key})

    @rule(scope=SCOPES, principal=PRINCIPALS, level=LEVELS)
    def put_acl(self, scope: str, principal: str, level: str) -> None:
        known = level != "OWN" or scope.lower() not in self._model.names
        expected = self._model.put(self._model.acls, scope, principal, level) if known else BAD
        body = {"scope": scope, "principal": principal, "permission": level}
        self._agreed(expected, "POST", "/api/2.0/secrets/acls/put", body)

    @rule(scope=SCOPES, principal=PRINCIPALS)
    def delete_acl(self, scope: str, principal: str) -> None:
        expected = self._model.delete(self._model.acls, scope, principal)
        self._agreed(expected, "POST", "/api/2.0/secrets/acls/delete", {"scope": scope, "principal": principal})

    @rule(name=NAMES, team=TEAMS)
    def create_endpoint(self, name: str, team: str) -> None:
        body = {"name": name, "tags": [{"key": "team", "value": team}]}
        self._agreed(self._model.create_endpoint(name, team), "POST", "/api/2.0/serving-endpoints", body)

    @rule(name=NAMES, team=TEAMS)
    def tag_endpoint(self, name: str, team: str) -> None:
        expected = self._model.put(self._model.tags, name, "team", team)
        body = {"add_tags": [{"key": "team", "value": team}]}
        self._agreed(expected, "PATCH", f"/api/2.0/serving-endpoints/{name}/tags", body)

    @rule(name=NAMES)
    def delete_endpoint(self, name: str) -> None:
        self._agreed(self._model.delete_endpoint(name), "DELETE", f"/api/2.0/serving-endpoints/{name}")

    @invariant()
    def all_three_hold_the_same(self) -> None:
        _, scopes = self._same("GET", "/api/2.0/secrets/scopes/list")
        assert {each["name"] for each in scopes.get("scopes", [])} == set(self._model.names.values())
        _, endpoints = self._same("GET", "/api/2.0/serving-endpoints")
        tags = {each["name"]: each["tags"] for each in endpoints["endpoints"] if "tags" in each}
        assert tags == {name: [{"key": "team", "value": of["team"]}] for name, of in self._model.tags.items()}
        for scope in self._model.names:
            self._compare_scope(scope)

    def _compare_scope(self, scope: str) -> None:
        _, acls = self._same("GET", "/api/2.0/secrets/acls/list", scope=scope)
        assert {each["principal"]: each["permission"] for each in acls["items"]} == self._model.acls[scope]
        _, keys = self._same("GET", "/api/2.0/secrets/list", scope=scope)
        assert [each["key"] for each in keys.get("secrets", [])] == sorted(self._model.secrets[scope])
        for key, value in self._model.secrets[scope].items():
            _, found = self._same("GET", "/api/2.0/secrets/get", scope=scope, key=key)
            assert base64.b64decode(found["value"]).decode() == value


_OWN = {"id", "creation_timestamp", "last_updated_timestamp", "request_id"}
"""What two workspaces rightly have each their own of."""


def _comparable(answer: object) -> object:
    if isinstance(answer, dict):
        return {name: _comparable(value) for name, value in answer.items() if name not in _OWN}
    return [_comparable(each) for each in answer] if isinstance(answer, list | tuple) else answer


def test_a_dict_the_application_and_the_server_agree(proof: Proof, server: LocalWorkspace) -> None:
    runs = proof.size(quick=25, full=1000)
    asked = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    with asyncio.Runner() as loop:
        machine = type("Machine", (Machine,), {"server": server, "proof": proof, "loop": loop})
        run_state_machine_as_test(seed(proof.seed)(machine), settings=asked)
    proof.tried("runs", runs)
