"""Write docs/parity.md from docs/parity.toml: what the local workspace answers, how surely, and who witnesses it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CERTAINTIES = {
    "R": "a real answer is on record",
    "D": "the vendor's documentation or client says so",
    "F": "the vendor's own fake does so",
    "U": "nothing public says so; where it matters, a switch decides (see [the switches](local_workspace.md))",
}
_CLIENTS = {
    "clients/test_databricks_sdk.py": "databricks-sdk",
    "clients/test_openai.py": "openai",
    "clients/test_mlflow_deployments.py": "mlflow",
    "clients/test_anthropic.py": "anthropic",
    "test_connections.py": "databricks-sdk",
    "test_own_route.py": "chat",
    "test_translated_providers.py": "any-llm-sdk",
}


def page(ledger: dict[str, list[dict[str, str]]]) -> str:
    """Return the page.

    Args:
        ledger: `route` and `rule`, as the TOML file has them.
    """
    return "\n".join([
        "# Parity",
        "",
        "Written by `scripts/parity.py` from [parity.toml](parity.toml); a test fails on a route without a row, and on",
        "a row without its witness. A witness is a test in which the named client, unmodified, gets the answer.",
        "",
        *(f"- **{letter}**: {meaning}" for letter, meaning in CERTAINTIES.items()),
        "",
        "## Routes",
        "",
        *_table("call", [(f"`{each['call']}`", each) for each in ledger["route"]]),
        "",
        "## Rules",
        "",
        *_table("rule", [(each["says"], each) for each in ledger["rule"]]),
        "",
    ])  # fmt: skip


def client_of(witness: str) -> str:
    """Return the client that a witness drives; `HTTP` where no client has the call."""
    return next((client for part, client in _CLIENTS.items() if part in witness), "HTTP")


def _table(title: str, rows: list[tuple[str, dict[str, str]]]) -> list[str]:
    lines = [f"| {title} | certainty | client | witness |", "|---|---|---|---|"]
    for shown, row in rows:
        file, _, test = row["witness"].partition("::")
        where = f"[{test}](../{file})"
        lines.append(f"| {shown} | {row['certainty']} | {client_of(row['witness'])} | {where} |")
    return lines


def main() -> None:
    """Write the page."""
    ledger = tomllib.loads((ROOT / "docs/parity.toml").read_text())
    (ROOT / "docs/parity.md").write_text(page(ledger))


if __name__ == "__main__":
    sys.exit(main())
