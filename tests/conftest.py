"""What holds for every test: no credential of the developer's, no home directory, no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


# The servers of the proofs serve tests of other rooms too, which may import them before the proofs are collected.
pytest.register_assert_rewrite("proving")


def _refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    """Fail a connect to anything but loopback, whichever library makes it (an audit hook sees them all)."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple):
        return  # a UNIX socket
    host = str(address[0]).partition("%")[0]
    if host not in {"localhost", ""} and not ipaddress.ip_address(host).is_loopback:
        raise RuntimeError(f"a test tried to connect to {host}: tests stay on loopback")


sys.addaudithook(_refuse_the_network)


# A shell starts what it runs in the background with SIGINT ignored, and children inherit that: tests of Ctrl-C would
# wait for ever. A handler of our own gives children the default back.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    marker = "witness(*shows, client): shows rules and routes of docs/parity.md, by an unmodified client"
    config.addinivalue_line("markers", marker)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Start each test without DATABRICKS_*, without a provider's key, and in an empty home directory."""
    for name in list(os.environ):
        if name.startswith(("DATABRICKS_", "BUNDLE_VAR_", "OPENAI_", "MLFLOW_")) or name in {"CI", "NO_COLOR"}:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    return home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the documentation's pages, of up to a minute each: begun last they would be waited for alone."""
    items.sort(key=lambda item: item.path.name != "test_snippets.py")
