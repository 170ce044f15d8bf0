"""An endpoint's config that names a metadata service or a private host: nothing is looked up, nor connected to."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from proving.audit import Watch
from proving.looking import Api
from proving.servers import answer, serving

from local_workspace.upstreams.addresses import AddressPolicy, AddressRefusedError
from local_workspace.upstreams.dial import Dialer
from tests.local_workspace.upstreams.hostile_urls import HOSTILE

if TYPE_CHECKING:
    from proving.sizes import Proof

    from local_workspace import LocalWorkspace

NAME = "rebound.example.com"
METADATA = "169.254.169.254"


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch({"socket.connect": 1, "socket.getaddrinfo": 0})


def call(api: Api, name: str, base: str) -> int:
    """Serve a model of a provider at an address, call it, and return the status."""
    config = {"openai_api_key": "{{secrets/llm/key}}", "openai_api_base": base or " "}
    model = {"provider": "openai", "name": "gpt-4o", "task": "llm/v1/chat", "openai_config": config}
    body = {"name": name, "config": {"served_entities": [{"name": "only", "external_model": model}]}}
    api("POST", "/api/2.0/serving-endpoints", body)
    said = {"messages": [{"role": "user", "content": "hello"}]}
    return api("POST", f"/serving-endpoints/{name}/invocations", said)[0]


def test_no_config_makes_the_workspace_reach_out(proof: Proof, server: LocalWorkspace, watch: Watch) -> None:
    forked = server.fork()
    api = Api(forked.host, forked.token)
    api("POST", "/api/2.0/secrets/scopes/create", {"scope": "llm"})
    api("POST", "/api/2.0/secrets/put", {"scope": "llm", "key": "key", "string_value": "sk-of-the-proof"})
    with serving(lambda _request: answer(b"{}")) as (allowed, heard):
        call(api, "allowed", allowed)
    assert len(heard) == 1
    own = {("127.0.0.1", urlsplit(forked.host).port), "127.0.0.1"}
    for number, url in enumerate(HOSTILE):
        with watch() as seen:
            assert call(api, f"e{number}", url) >= 400, url
        assert [each for each in seen if each[1] not in own] == [], url
        proof.tried("hostile URLs")


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let the name lead to one address after the other, as a rebinding name server has it."""
    left = list(addresses)

    def getaddrinfo(_host: str, port: int, *_more: Any, **_named: Any) -> list[Any]:  # noqa: ANN401 - as the socket module's
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def posted(url: str, policy: AddressPolicy) -> int:
    dialer = Dialer(policy)
    try:
        return (await dialer.post(url, headers={"Authorization": "Bearer sk-of-the-proof"}, body=b"{}")).status
    finally:
        await dialer.aclose()


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", METADATA])
async def test_a_public_name_that_leads_inside_is_not_dialled(
    proof: Proof, address: str, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, address)
    with watch() as seen, pytest.raises(AddressRefusedError):
        await posted(f"https://{NAME}/", AddressPolicy(is_live=True))
    assert seen == []
    proof.tried("names")


async def test_the_address_that_was_checked_is_the_one_that_is_dialled(
    proof: Proof, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = AddressPolicy(allowed_hosts=frozenset({NAME}))
    with serving(lambda _request: answer(b"{}")) as (host, heard):
        port = urlsplit(host).port
        resolving(monkeypatch, "127.0.0.1", METADATA)
        with watch() as seen:
            assert await posted(f"http://{NAME}:{port}/", allowed) == 200
            with pytest.raises(AddressRefusedError, match="metadata"):
                await posted(f"http://{NAME}:{port}/", allowed)
    assert [each[1] for each in seen] == [("127.0.0.1", port)]
    assert len(heard) == 1
    proof.tried("names", 2)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_no_redirect_is_followed_and_no_proxy_is_asked(
    proof: Proof, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(lambda _request: answer(b"{}")) as (elsewhere, heard):
        for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, elsewhere)
        redirect = answer(b"", status=status, headers=f"Location: {elsewhere}")
        with serving(lambda _request: redirect) as (host, _):
            assert await posted(host, AddressPolicy()) == int(status[:3])
    assert heard == []
    proof.tried("redirects")
