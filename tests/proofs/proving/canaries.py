"""Canaries: values unlike anything else, in each place of the configs that holds a secret, and what is left of them."""

from __future__ import annotations

import base64
import json
import sqlite3
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import yaml

from proving.worlds import SET_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = ("env", "file", "dotenv", "command")

BEDROCK = {"aws_region": "us-east-1", "bedrock_provider": "anthropic"}
ENTRA = {
    "openai_api_type": "azuread", "openai_api_base": "http://127.0.0.1:9/", "openai_api_version": "2024-10-21",
    "openai_deployment_name": "d", "microsoft_entra_tenant_id": "t", "microsoft_entra_client_id": "c",
}  # fmt: skip
ELSEWHERE = {"databricks_workspace_url": "http://127.0.0.1:9"}
PLAINTEXT: tuple[tuple[str, str, dict[str, Any], tuple[str, ...]], ...] = (
    ("openai", "openai_config", {}, ("openai_api_key",)),
    ("openai", "openai_config", ENTRA, ("microsoft_entra_client_secret",)),
    ("anthropic", "anthropic_config", {}, ("anthropic_api_key",)),
    ("amazon-bedrock", "amazon_bedrock_config", BEDROCK, ("aws_access_key_id", "aws_secret_access_key")),
    ("cohere", "cohere_config", {}, ("cohere_api_key",)),
    ("ai21labs", "ai21labs_config", {}, ("ai21labs_api_key",)),
    ("google-cloud-vertex-ai", "google_cloud_vertex_ai_config", {"project_id": "p", "region": "r"}, ("private_key",)),
    ("databricks-model-serving", "databricks_model_serving_config", ELSEWHERE, ("databricks_api_token",)),
    ("palm", "palm_config", {}, ("palm_api_key",)),
)

CHILD = """
import glob, os
def read(path):
    try:
        return open(path, errors="replace").read()
    except OSError:
        return ""
with open({told!r}, "a") as file:
    print(dict(os.environ), *map(read, glob.glob("/proc/[0-9]*/cmdline")), file=file)
print({value!r})
"""
"""A vault's client that writes down what it can see of secrets."""


def canary(place: str) -> str:
    """Return a value that is unlike anything else, and that escaping changes."""
    return f'sk-canary/{place}+"x"\u00e9-0123456789'


def forms(value: str) -> set[str]:
    """Return what a value looks like after anything that is done to values on their way."""
    plain = value.encode()
    encoded = {base64.b64encode(plain).decode(), base64.urlsafe_b64encode(plain).decode()}
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    return {value, quote(value), quote(value, safe=""), quote_plus(value)} | encoded | escaped


class Cage:
    """A folder of configs with a canary in every place, and everything that commands leave behind."""

    def __init__(self, folder: Path) -> None:
        self.configs, self.out = folder / "configs", folder / "out"
        self.configs.mkdir()
        self.out.mkdir()
        self._children = folder / "children.txt"
        self.canaries = {place: canary(place) for place in SOURCES}
        self.environ = {
            "CANARY": self.canaries["env"],
            "PROVISIONING_ALLOW_COMMANDS": sys.executable,
            "DATABRICKS_CLIENT_SECRET_OF_OTHERS": canary("child"),
            "ARM_CLIENT_SECRET": canary("azure"),
            "TMPDIR": str(self.out),
        }
        (folder / "value.txt").write_text(self.canaries["file"])
        (folder / ".env").write_text(f"KEY='{self.canaries['dotenv']}'\n")
        program = folder / "vault.py"
        program.write_text(CHILD.format(told=str(self._children), value=self.canaries["command"]))
        self._write(str(program))

    def _write(self, program: str) -> None:
        secrets = {
            "env": {"env": "CANARY"},
            "file": {"file": "../value.txt"},
            "dotenv": {"dotenv": "../.env", "key": "KEY"},
            "command": {"command": [sys.executable, program]},
        }
        scope = {"name": "canaries", "secrets": secrets}
        content = {
            "bundle": {"name": SET_NAME},
            "targets": {"local": {"default": True}},
            "resources": {
                "secret_scopes": {"canaries": scope},
                "model_serving_endpoints": dict(self._endpoints()),
            },
        }
        (self.configs / "databricks.yml").write_text(yaml.safe_dump(content))

    def _endpoints(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, (provider, block, fields, keys) in enumerate((*PLAINTEXT, *self._custom())):
            given = {f"{key}_plaintext": self._caged(key) for key in keys}
            model = {"provider": provider, "name": "m", "task": "llm/v1/chat", block: {**fields, **given}}
            entity = {"name": "only", "external_model": model}
            yield f"e{number}", {"name": f"e{number}", "config": {"served_entities": [entity]}}

    def _custom(self) -> Iterator[tuple[str, str, dict[str, Any], tuple[str, ...]]]:
        for auth, fields, key in (("bearer_token_auth", {}, "token"), ("api_key_auth", {"key": "k"}, "value")):
            block = {**fields, f"{key}_plaintext": self._caged(key)}
            yield (
                "custom", "custom_provider_config", {"custom_provider_url": "http://127.0.0.1:9/", auth: block}, (),
            )  # fmt: skip

    def _caged(self, key: str) -> str:
        self.canaries[key] = canary(key)
        return self.canaries[key]

    def left(self) -> Iterator[tuple[str, str]]:
        """Yield what commands wrote, and what programs that they started could see."""
        for path in self.out.rglob("*"):
            if path.is_file():
                yield str(path), path.read_text(errors="replace")
        if self._children.exists():
            yield "a child's arguments and environment", self._children.read_text()


def stored(database: Path) -> Iterator[tuple[str, str]]:
    """Yield what the local workspace keeps, but for the one column that keeps secrets."""
    with sqlite3.connect(database) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = [each for each in columns if (table, each) != ("secrets", "value")]
            for row in connection.execute(f"SELECT {', '.join(kept)} FROM {table}"):  # noqa: S608 - its own names
                yield f"table {table}", repr(row)
    connection.close()
