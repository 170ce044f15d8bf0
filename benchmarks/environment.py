"""Where this runs: the machine, and the peers' own environment."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from benchmarks.workers import ROOT

PEERS = Path(__file__).with_name("peers.txt")
_SHOWN = ("aiohttp", "langchain-core", "databricks-sdk", "databricks-langchain", "openai", "langchain-openai")
_VERSIONS = f"""
import json
from importlib.metadata import PackageNotFoundError, version
found = {{}}
for name in {_SHOWN!r}:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


class RegistryError(Exception):
    """Packages could not be had; uv's own words are on stderr."""


def requirements() -> list[str]:
    """Return what the peers are, the first of them first."""
    lines = PEERS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def uv(*arguments: str, cwd: Path | None = None) -> str:
    """Run uv, which shares one download among all environments; return what it printed.

    Args:
        arguments: of the command line.
        cwd: where; outside the project unless said otherwise, whose own overrides are no user's.

    Raises:
        RegistryError: it could not fetch what it needs.
    """
    command = [sys.executable, "-m", "uv", *arguments]
    # The authorities that uv brings along do not know a company's own registry; the system's do.
    environment = {**os.environ, "UV_SYSTEM_CERTS": "1"}
    folder = cwd or Path(sys.prefix).anchor
    done = subprocess.run(command, check=False, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        # Not uv's words: they hold the registry's address, and this is published.
        raise RegistryError(f"`uv {' '.join(arguments[:2])}` ended with {done.returncode}: is the registry reachable?")
    return done.stdout


def peers(folder: Path) -> Path:
    """Return the interpreter of an environment that holds the peers, made if it is not there.

    Args:
        folder: where it is kept; a change of the list of peers makes it anew.

    Raises:
        RegistryError: they could not be installed.
    """
    python, stamp = folder / "bin" / "python", folder / ".peers"
    wanted = PEERS.read_text(encoding="utf-8")
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        print(f"Installing the peers into {folder}", file=sys.stderr)
        uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder.resolve()))
        # from the project's folder: its overrides leave out a Spark client that takes no part here
        uv("pip", "install", "--quiet", "--python", str(python.absolute()), *requirements(), cwd=ROOT)
        stamp.write_text(wanted, encoding="utf-8")
    return python.absolute()


def machine(peers_python: Path | None) -> dict[str, object]:
    """Say where this was measured, and with which versions.

    Args:
        peers_python: the peers' interpreter, if they take part.
    """
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "versions": _versions(Path(sys.executable)),
        "peers": _versions(peers_python) if peers_python else {},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _versions(python: Path) -> dict[str, str]:
    done = subprocess.run([str(python), "-c", _VERSIONS], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found
