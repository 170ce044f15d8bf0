"""Which upstreams may be called: hostile URLs end before anything is dialled."""

from __future__ import annotations

import ipaddress

import pytest

from local_workspace.upstreams.addresses import AddressPolicy, AddressRefusedError, checked_url
from local_workspace.upstreams.dial import Dialer
from tests.local_workspace.upstreams.hostile_urls import HOSTILE

LOOPBACK_ONLY = AddressPolicy()
LIVE = AddressPolicy(is_live=True)


@pytest.mark.parametrize("policy", [LOOPBACK_ONLY, LIVE], ids=["loopback only", "live"])
@pytest.mark.parametrize("url", HOSTILE)
async def test_a_hostile_url_is_refused_before_anything_is_dialled(url: str, policy: AddressPolicy) -> None:
    dialer = Dialer(policy)
    try:
        with pytest.raises(AddressRefusedError):
            await dialer.post(url, headers={}, body=b"")
    finally:
        await dialer.aclose()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://localhost:1/", "http://[::1]:1/", "https://127.8.9.1/"]
)
def test_this_machine_may_be_called(url: str) -> None:
    assert str(checked_url(url, LOOPBACK_ONLY)) == url


def test_another_host_is_refused_with_the_flag_that_allows_it() -> None:
    with pytest.raises(AddressRefusedError, match=r"--allow-upstream api\.example\.com"):
        checked_url("https://api.example.com/v1", LOOPBACK_ONLY)


def test_an_allowed_host_may_be_private_but_not_link_local() -> None:
    policy = AddressPolicy(allowed_hosts=frozenset({"gpu.internal", "169.254.169.254"}))
    checked_url("http://gpu.internal:8000/v1", policy)
    policy.check_address(ipaddress.ip_address("10.0.0.7"), host="gpu.internal")
    with pytest.raises(AddressRefusedError, match="link-local"):
        policy.check_address(ipaddress.ip_address("169.254.10.10"), host="gpu.internal")
    with pytest.raises(AddressRefusedError, match="link-local"):
        checked_url("http://169.254.169.254/", policy)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_a_public_name_that_leads_to_a_private_address_is_refused_in_live_mode(address: str) -> None:
    LIVE.check_host("rebound.example.com")
    with pytest.raises(AddressRefusedError):
        LIVE.check_address(ipaddress.ip_address(address), host="rebound.example.com")


def test_live_mode_calls_public_addresses() -> None:
    LIVE.check_address(ipaddress.ip_address("93.184.216.34"), host="example.com")
