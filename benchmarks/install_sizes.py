"""What an install brings: this project's distributions and megabytes beside those of its peers.

    python benchmarks/install_sizes.py [--json FILE]

Each is installed into a fresh environment in a temporary folder (the peers are the lines of peers.txt), as
`pip install` resolves it today; nothing is compiled, and the project's own environment is not touched. Exits 1 if this
project brings more than half the distributions or more than a quarter of the size of the first peer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).with_name("peers.txt")
MOST_DISTRIBUTIONS = 1 / 2
MOST_BYTES = 1 / 4


@dataclass(frozen=True)
class Install:
    """What one install brought.

    Attributes:
        name: what was asked for.
        distributions: how many distributions there are then, itself included.
        megabytes: the size of all their files.
        largest: the largest folders, with their megabytes.
    """

    name: str
    distributions: int
    megabytes: float
    largest: dict[str, float]


def measure(name: str, requirement: str) -> Install:
    """Install into a fresh environment, and count.

    Args:
        name: what to call it.
        requirement: what to install: a requirement, or a project's folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        uv(["venv", "--quiet", "--python", sys.executable, folder])
        uv(["pip", "install", "--quiet", "--python", folder, requirement])
        (site,) = [*Path(folder, "lib").glob("python*/site-packages"), *Path(folder).glob("Lib/site-packages")]
        sizes = {entry.name: size(entry) for entry in site.iterdir()}
        largest = sorted(sizes, key=lambda entry: -sizes[entry])[:6]
        return Install(
            name,
            distributions=sum(1 for _ in distributions(path=[str(site)])),
            megabytes=round(sum(sizes.values()), 1),
            largest={entry: round(sizes[entry], 1) for entry in largest},
        )


def uv(arguments: list[str]) -> None:
    """Run uv; it shares one download among all environments."""
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)


def size(entry: Path) -> float:
    """The megabytes of a file, or of all in a folder."""
    files = [entry] if entry.is_file() else [each for each in entry.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files) / 1e6


def show(installs: list[Install]) -> None:
    """Print a line for each, with its ratio to the first."""
    ours = installs[0]
    print(f"{'':30}{'distributions':>14}{'MB':>9}   ours is")
    for each in installs:
        ratios = f"{ours.distributions / each.distributions:.0%} and {ours.megabytes / each.megabytes:.0%}"
        print(f"{each.name:30}{each.distributions:14}{each.megabytes:9.1f}   {ratios if each is not ours else ''}")
        print(f"{'':6}largest: {', '.join(f'{name} {mb:g}' for name, mb in each.largest.items())}")


def main() -> int:
    """Measure, print, write, and say by the exit code whether the targets are reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    arguments = parser.parse_args()
    peers = [line for line in PEERS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    installs = [measure("gatewright", str(ROOT)), *(measure(peer, peer) for peer in peers)]
    show(installs)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(each) for each in installs], indent=1) + "\n", encoding="utf-8")
    ours, first, *_ = installs
    small = ours.distributions <= first.distributions * MOST_DISTRIBUTIONS
    return 0 if small and ours.megabytes <= first.megabytes * MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
