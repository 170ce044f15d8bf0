"""Audit the lock files: known vulnerabilities by pip-audit, a bill of materials by cyclonedx-bom.

pip-audit leaves out pins whose marker is for another platform, and says nothing of it; its own --strict ends at the
first package that it can't ask about. So it is given bare pins, and what it skips is listed here: not audited is not
clean. Where a service does not answer for one well-known package, it is not asked for the others.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from check_locks import ROOT, pins
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from packaging.version import Version

SHIPPED = "requirements.lock"
LOCKS = (*sorted(each.name for each in ROOT.glob("requirements*.lock")), "tests/clients/requirements.lock")
SBOM = ROOT / "build" / "sbom.json"

_SERVICES = ("pypi", "osv")
_SECONDS = 10
"""For one answer of a service."""

Pin = tuple[str, str]
"""A package's name and version."""


def locked(lock: str) -> frozenset[Pin]:
    """Return what a lock file pins, for every platform."""
    found: Mapping[str, set[Version]] = pins((ROOT / lock).read_text(encoding="utf-8"))
    return frozenset((name, str(version)) for name, versions in found.items() for version in versions)


def rounds(wanted: frozenset[Pin]) -> Iterator[list[Pin]]:
    """Yield pins such that each package is among them once: pip-audit takes no two versions of one."""
    left = sorted(wanted)
    while left:
        once = dict(reversed(left))
        yield sorted(once.items())
        left = sorted(set(left) - set(once.items()))


def ask(service: str, asked: Sequence[Pin]) -> dict[Pin, list[str]]:
    """Ask a service about some packages.

    Args:
        service: its name, as pip-audit has it.
        asked: which, each package once.

    Returns:
        The known vulnerabilities of each package that the service knows; others are left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "requirements.txt"
        bare.write_text("".join(f"{name}=={version}\n" for name, version in asked), encoding="utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip_audit", "--requirement", bare, "--no-deps", "--disable-pip"),
                *("--vulnerability-service", service, "--timeout", str(_SECONDS), "--progress-spinner", "off"),
                *("--format", "json"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):  # it could not be reached, and says so in its own words
        return {}
    return {
        (canonicalize_name(each["name"]), each["version"]): list(map(_told, each["vulns"]))
        for each in answers
        if "skip_reason" not in each
    }


def _told(known: Mapping[str, Any]) -> str:
    return f"{known['id']} (fixed in {', '.join(known['fix_versions']) or 'no version'})"


def audited(wanted: frozenset[Pin]) -> dict[Pin, list[str]]:
    """Return the known vulnerabilities of each package that any service knows."""
    probe = [next(each for each in sorted(wanted) if each[0] == "pip-audit")]
    found: dict[Pin, list[str]] = {}
    for service in _SERVICES:
        if ask(service, probe):
            for part in rounds(wanted - found.keys()):
                found |= ask(service, part)
        else:
            print(f"the service {service!r} does not answer from here")
    return found


def report(found: Mapping[Pin, list[str]]) -> tuple[int, int]:
    """Say for each lock file what is known of it; return how many packages are vulnerable, and how many unknown."""
    for lock in LOCKS:
        wanted = locked(lock)
        print(f"{lock}: {len(wanted & found.keys())} of {len(wanted)} packages audited")
    unknown = sorted(frozenset().union(*map(locked, LOCKS)) - found.keys())
    if unknown:
        names = ", ".join(f"{name} {version}" for name, version in unknown)
        print(textwrap.fill(f"NOT AUDITED: {names}", width=120, subsequent_indent="  ", break_on_hyphens=False))
    vulnerable = {pin: known for pin, known in found.items() if known}
    for (name, version), known in sorted(vulnerable.items()):
        print(f"VULNERABLE: {name} {version}: {'; '.join(known)}")
    print(f"{len(found)} packages audited, {len(vulnerable)} of them vulnerable; {len(unknown)} not audited")
    return len(vulnerable), len(unknown)


def write_sbom() -> list[str]:
    """Write the bill of materials of what a user installs; return what is wrong with it."""
    SBOM.parent.mkdir(exist_ok=True)
    subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", ROOT / SHIPPED),
            *("--pyproject", ROOT / "pyproject.toml", "--mc-type", "library", "--output-reproducible"),
            *("--output-format", "JSON", "--output-file", SBOM),
        ],
        check=True,
    )
    listed = {(each["name"], each["version"]) for each in json.loads(SBOM.read_text("utf-8"))["components"]}
    wrong = sorted(f"{name} {version}" for name, version in listed ^ locked(SHIPPED))
    print(f"{SBOM.relative_to(ROOT)}: {len(listed)} packages, as {SHIPPED}" if not wrong else "")
    return wrong


def main() -> int:
    """Audit, write, print what is wrong; return the exit code."""
    if wrong := write_sbom():
        print(f"{SBOM.relative_to(ROOT)} and {SHIPPED} differ in {', '.join(wrong)}")
    vulnerable, unknown = report(audited(frozenset().union(*map(locked, LOCKS))))
    return 1 if wrong or vulnerable or (unknown and "--strict" in sys.argv[1:]) else 0


if __name__ == "__main__":
    sys.exit(main())
