"""Whose credential goes where: never to a host that it is not for, and never with another user's request."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st
from proving.listening import Answer, Heard, Host, hosts
from proving.worlds import World

from chat import AsyncChatClient, ChatClient, ChatDatabricks, ChatError
from provisioning import plan
from provisioning.errors import ProvisioningError
from provisioning.model.workspace import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from proving.sizes import Proof

NAMES = ("a", "b")
"""The hosts, and the profiles that are for them."""


@dataclass(frozen=True)
class Setting:
    """Everything that may name a workspace or a credential, each a host's name or None."""

    target_host: str | None
    target_profile: str | None
    host: str | None
    profile: str | None
    default: str | None
    login: str | None


SETTINGS = st.builds(
    Setting,
    target_host=st.sampled_from((None, *NAMES)),
    target_profile=st.sampled_from((None, None, *NAMES)),
    host=st.sampled_from((None, *NAMES)),
    profile=st.sampled_from((None, *NAMES)),
    default=st.sampled_from((None, *NAMES)),
    login=st.sampled_from((None, "token", "oauth")),
)


def login(host: Host, heard: Heard) -> Answer:
    """Answer as a workspace that gives out tokens for OAuth secrets, and takes nobody's."""
    if heard.path.endswith("oauth-authorization-server"):
        return 200, {"authorization_endpoint": f"{host.url}/oidc/v1/x", "token_endpoint": f"{host.url}/oidc/v1/token"}
    if heard.path == "/oidc/v1/token":
        return 200, {"access_token": f"minted-by-{host.url}", "token_type": "Bearer", "expires_in": 3600}
    return 401, {"error_code": "UNAUTHENTICATED", "message": "no"}


def credentials_of(name: str | None, source: str) -> dict[str, str]:
    """Return the token, and the secret of a service principal, that a host gave out to be kept somewhere."""
    return {
        "token": f"dapi-{source}-{name}",
        "client_id": f"id-{source}-{name}",
        "client_secret": f"dose-{source}-{name}",
    }


def write_profiles(file: Path, urls: dict[str, str], default: str | None) -> None:
    sections = [(name, name) for name in NAMES] + [("DEFAULT", default)]
    text = [
        f"[{section}]\nhost = {urls[name]}\ntoken = {credentials_of(name, 'file')['token']}\n"
        for section, name in sections
        if name is not None
    ]
    file.write_text("\n".join(text))


def environment(setting: Setting, urls: dict[str, str]) -> dict[str, str]:
    held = credentials_of(setting.host, "env")
    kinds = {"token": ("token",), "oauth": ("client_id", "client_secret"), None: ()}
    found = {f"DATABRICKS_{each.upper()}": held[each] for each in kinds[setting.login]}
    if setting.host:
        found["DATABRICKS_HOST"] = urls[setting.host]
    if setting.profile:
        found["DATABRICKS_CONFIG_PROFILE"] = setting.profile
    return found


def secrets_of(name: str | None) -> Iterator[str]:
    """Yield what only one host (None: no host) may hear, in the forms that it is sent in."""
    for source in ("env", "file"):
        held = credentials_of(name, source)
        yield from (held["token"], held["client_secret"])
        yield base64.b64encode(f"{held['client_id']}:{held['client_secret']}".encode()).decode()


def test_no_credential_reaches_a_host_that_it_is_not_for(proof: Proof, tmp_path: Path) -> None:
    world, file = World({}, {}), tmp_path / "databrickscfg"

    def stays(setting: Setting) -> None:
        urls = dict(zip(NAMES, [each.url for each in listening], strict=True))
        write_profiles(file, urls, setting.default)
        host = urls.get(setting.target_host or "")
        target = Target(name="prod", host=host, profile=setting.target_profile)
        desired = world.desired(tmp_path / "configs").model_copy(update={"target": target})
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment(setting, urls).items():
                patch.setenv(name, value)
            patch.setenv("DATABRICKS_CONFIG_FILE", str(file))
            with contextlib.suppress(ProvisioningError):
                plan(desired)
            with contextlib.suppress(ChatError):
                ChatClient("any", host=host, max_retries=0).invoke("hi")
        for each, name in zip(listening, NAMES, strict=True):
            heard = "".join(f"{request.path}{request.headers}{request.body}" for request in each.heard)
            foreign = [other for other in (*NAMES, None) if other != name]
            strays = [value for other in foreign for value in secrets_of(other) if value in heard]
            strays += [
                f"minted by {other.url}"
                for other in listening
                if other is not each and f"minted-by-{other.url}" in heard
            ]
            assert not strays, f"{name} heard {strays} under {setting}"
            proof.tried("requests heard", len(each.heard))
            each.heard.clear()
        proof.tried("settings")

    with hosts(len(NAMES), login) as listening:
        proof.holds(stays, SETTINGS, quick=60, full=1_000, shrink=False)


@dataclass(frozen=True)
class Call:
    """A call: on which host, by which user, through which face, with a token that may have to be renewed first."""

    host: int
    user: int
    face: str
    stale: bool


FACES = ("ChatClient", "AsyncChatClient", "ChatDatabricks", "ChatDatabricks, awaited")
USERS, AT_ONCE = 6, 8
CALLS = st.lists(
    st.builds(Call, st.integers(0, 1), st.integers(0, USERS - 1), st.sampled_from(FACES), st.booleans()),
    min_size=40,
    max_size=80,
)


def token_of(host: int, user: int) -> str:
    return f"dapi-host{host}-user{user}"


def echo(_host: Host, heard: Heard) -> Answer:
    """Refuse what is out of date, and else say whose token came."""
    if "stale" in heard.authorization:
        return 401, {"error_code": "UNAUTHENTICATED", "message": "expired"}
    message = {"role": "assistant", "content": heard.authorization.removeprefix("Bearer ")}
    return 200, {"id": "1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


class Users:
    """An application that calls two workspaces for its users: one client of each kind and workspace for all of them."""

    def __init__(self, listening: list[Host]) -> None:
        self._now: ContextVar[Callable[[], str]] = ContextVar("now")
        self._sync = [ChatClient("any", host=each.url, token="dapi-nobody") for each in listening]
        self._aio = [AsyncChatClient("any", host=each.url, token="dapi-nobody") for each in listening]
        self._models = [ChatDatabricks(endpoint="any", host=each.url, token_provider=self._token) for each in listening]

    def _token(self) -> str:
        return self._now.get()()

    def ask(self, call: Call) -> str:
        """Call synchronously."""
        prompt, token = self._said(call), self._tokens(call)
        if call.face == "ChatClient":
            return str(self._sync[call.host].invoke(prompt, token=token))
        self._now.set(token)
        return str(self._models[call.host].invoke(prompt).content)

    async def ask_all(self, calls: list[Call]) -> list[str]:
        """Call all at once from one event loop."""
        try:
            return list(await asyncio.gather(*(asyncio.create_task(self._ask(each)) for each in calls)))
        finally:
            for each in (*self._aio, *(model.async_client for model in self._models)):
                await each.close()

    def close(self) -> None:
        for each in (*self._sync, *self._models):
            each.close()

    async def _ask(self, call: Call) -> str:
        prompt, token = self._said(call), self._tokens(call)
        if call.face == "AsyncChatClient":
            return str(await self._aio[call.host].ainvoke(prompt, token=token))
        self._now.set(token)
        return str((await self._models[call.host].ainvoke(prompt)).content)

    @staticmethod
    def _said(call: Call) -> str:
        return token_of(call.host, call.user)

    @staticmethod
    def _tokens(call: Call) -> Callable[[], str]:
        """Return a user's tokens: the one that is kept, and then the renewed one."""
        fresh = token_of(call.host, call.user)
        kept = [f"{fresh}-stale"] if call.stale else []
        return lambda: kept.pop() if kept else fresh


def test_users_at_once_never_send_each_others_tokens(proof: Proof) -> None:
    def apart(calls: list[Call]) -> None:
        users = Users(listening)
        at_once = [each for each in calls if each.face in {"ChatClient", "ChatDatabricks"}]
        awaited = [each for each in calls if each not in at_once]
        answers: list[str] = []
        loop = threading.Thread(target=lambda: answers.extend(asyncio.run(users.ask_all(awaited))))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            loop.start()
            said = list(pool.map(users.ask, at_once))
            loop.join()
        users.close()
        assert said + answers == [token_of(each.host, each.user) for each in (*at_once, *awaited)]
        for number, host in enumerate(listening):
            for heard in host.heard:
                [message] = json.loads(heard.body)["messages"]
                assert heard.authorization.removesuffix("-stale") == f"Bearer {message['content']}"
                assert message["content"].startswith(f"dapi-host{number}-")
            proof.tried("requests", len(host.heard))
            host.heard.clear()
        proof.tried("calls", len(calls))

    with hosts(2, echo) as listening:
        proof.holds(apart, CALLS, quick=10, full=300, shrink=False)
