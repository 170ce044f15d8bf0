"""Hold the lock files to what they promise: complete, hash-pinned, without an address, in step with pyproject.toml.

It asks no registry: that a pin is still the newest is `scripts/lock`'s business.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>\S+)", re.MULTILINE)


def pins(text: str) -> dict[str, set[Version]]:
    """Return each pinned distribution with its versions (markers may give a platform one of its own)."""
    found: dict[str, set[Version]] = {}
    for match in PIN.finditer(text):
        found.setdefault(canonicalize_name(match["name"]), set()).add(Version(match["version"]))
    return found


def problems_of(lock: str, wanted: list[str]) -> list[str]:
    """Say what is wrong with one lock file, given the requirements that it must satisfy."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    pinned = pins(text)
    problems = [f"{lock}: holds an address: {line.strip()}" for line in text.splitlines() if "://" in line]
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    problems += [f"{lock}: no hash for {block.split()[0]}" for block in blocks if "--hash=sha256:" not in block]
    for line in wanted:
        requirement = Requirement(line)
        versions = pinned.get(canonicalize_name(requirement.name))
        if versions is None:
            problems.append(f"{lock}: {line} is not pinned; run scripts/lock")
        elif not all(requirement.specifier.contains(version, prereleases=True) for version in versions):
            problems.append(f"{lock}: the pin of {requirement.name} does not satisfy {line}; run scripts/lock")
    return problems


def main() -> int:
    """Check every lock file; print what is wrong, and return the exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime, extras = project["dependencies"], project["optional-dependencies"]
    locks = {
        "requirements.lock": runtime,
        "requirements-dev.lock": [*runtime, *extras["dev"], *extras["keyring"]],
        "requirements-build.lock": ["hatchling", "editables"],
        "requirements-local-llm.lock": [
            *extras["local-llm"],
            *(ROOT / "requirements-local-llm.in").read_text("utf-8").splitlines(),
        ],
        "tests/clients/requirements.lock": (ROOT / "tests/clients/requirements.in").read_text("utf-8").split(),
    }
    problems = [problem for lock, wanted in locks.items() for problem in problems_of(lock, wanted)]
    print("\n".join(problems) or f"{len(locks)} lock files: complete, hash-pinned, no addresses")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
