"""Configs of any size, and a workspace to apply them to."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import yaml

from benchmarks.processes import run
from benchmarks.workers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.harness import Bench
    from benchmarks.processes import Finished

_A_FILE = 25
"""Endpoints of one file: nobody keeps a hundred in one."""

KEY = "BENCHMARK_API_KEY"
APPLY = ("provisioning", "apply", "--yes")
UNPACED = ("benchmarks.unpaced", "apply", "--yes")


@dataclass(frozen=True)
class Workload:
    """How much a folder of configs declares.

    Attributes:
        endpoints: external models, each with a tag, a rate limit, a secret and a grant.
        scopes: each with a grant.
        secrets: of each scope.
    """

    endpoints: int
    scopes: int
    secrets: int

    def write(self, folder: Path) -> Path:
        """Write the configs into a folder, and return it."""
        targets = {"local": {"default": True}}
        bundle = {"name": f"benchmark-{self.endpoints}"}
        _write(folder / "databricks.yml", {"bundle": bundle, "include": ["*.yml"], "targets": targets})
        _write(folder / "scopes.yml", {"resources": {"secret_scopes": dict(map(self._scope, range(self.scopes)))}})
        for start in range(0, self.endpoints, _A_FILE):
            numbers = range(start, min(start + _A_FILE, self.endpoints))
            declared = {"model_serving_endpoints": dict(map(self._endpoint, numbers))}
            _write(folder / f"endpoints-{start:04}.yml", {"resources": declared})
        return folder

    def least_requests(self) -> int:
        """Return the calls of an apply that finds nothing to do, at the least that the API allows.

        Every scope takes a list of its keys, one of its rights, and a look at the marker that holds the secrets'
        fingerprints; every endpoint itself and its permissions, which no list shows; all together who we are and
        which scopes there are. The SDK's own look at the host comes before.
        """
        return 1 + 1 + 1 + 3 * self.scopes + 2 * self.endpoints

    def _scope(self, number: int) -> tuple[str, dict[str, object]]:
        return f"scope_{number}", {
            "name": f"scope-{number}",
            "permissions": [{"level": "READ", "group_name": "admins"}],
            "secrets": {f"key-{secret}": {"env": KEY} for secret in range(self.secrets)},
        }

    def _endpoint(self, number: int) -> tuple[str, dict[str, object]]:
        secret = f"{{{{secrets/scope-{number % self.scopes}/key-{number % self.secrets}}}}}"
        model = {"provider": "openai", "name": "gpt-4o-mini", "task": "llm/v1/chat"}
        entity = {"name": "openai", "external_model": {**model, "openai_config": {"openai_api_key": secret}}}
        return f"endpoint_{number}", {
            "name": f"endpoint-{number}",
            "config": {"served_entities": [entity]},
            "tags": [{"key": "team", "value": "ml-platform"}],
            "ai_gateway": {"rate_limits": [{"key": "user", "calls": 60, "renewal_period": "minute"}]},
            "permissions": [{"level": "CAN_QUERY", "group_name": "users"}],
        }


@dataclass(frozen=True)
class Workspace:
    """A local workspace in a process of its own.

    Attributes:
        host: its URL.
        token: its admin's.
        python: the project's interpreter.
    """

    host: str
    token: str
    python: Path

    def provisioning(self, command: tuple[str, ...], folder: Path) -> Finished:
        """Run a command of `provisioning` on a folder, whole process."""
        environment = {"DATABRICKS_HOST": self.host, "DATABRICKS_TOKEN": self.token, KEY: "sk-benchmark"}
        return run([self.python, "-m", *command, str(folder)], environment=environment)

    def requests(self) -> list[dict[str, object]]:
        """Return what was asked since this was last called."""
        told: list[dict[str, object]] = self.ask("GET", "/_local/requests")["requests"]
        self.ask("DELETE", "/_local/requests")
        return told

    def ask(self, method: str, path: str, body: object = None) -> dict[str, list[dict[str, object]]]:
        """Make one call as the admin.

        Raises:
            RuntimeError: it was refused.
        """
        asking = http.client.HTTPConnection(urlsplit(self.host).netloc)
        with contextlib.closing(asking):
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            asking.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            answer = asking.getresponse()
            text = answer.read()
            if answer.status >= http.client.BAD_REQUEST:
                raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
            found: dict[str, list[dict[str, object]]] = json.loads(text or b"{}")
            return found


@contextlib.contextmanager
def workspace(bench: Bench, *, latency: float = 0, state: Path | None = None) -> Iterator[Workspace]:
    """Run a local workspace whose endpoints are deployed at once.

    Args:
        bench: says which interpreter.
        latency: milliseconds before every answer.
        state: the folder that keeps it; None keeps it in memory.
    """
    kept = [] if state is None else ["--state", str(state)]
    command = [bench.python, "-m", "local_workspace", "serve", "--latency", latency, "--deploy-seconds", 0, *kept]
    # its stderr says where to look in a browser, again and again
    child = subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )
    try:
        if child.stdout is None:
            raise AssertionError("its stdout is a pipe")
        yield Workspace(**json.loads(child.stdout.readline()), python=bench.python)
    finally:
        child.terminate()
        child.communicate(timeout=30)


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
