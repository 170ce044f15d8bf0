"""Models that do as they are told, by their names when they are loaded and by a body's `do` when they are called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NumpyEncoder = json.JSONEncoder
HERE = Path.cwd()


class Model:
    """A model without a task and a signature."""

    metadata = SimpleNamespace(metadata=None, get_input_schema=lambda: None)
    _predict_stream_fn = print

    def predict_stream(self, body: dict[str, Any]) -> Iterator[object]:
        for chunk in body["chunks"]:
            if chunk == "crash":
                os._exit(3)
            if chunk == "raise":
                raise ValueError("in the middle")
            if chunk == "hang":
                threading.Event().wait()
            yield chunk


def load_model(uri: str) -> Model:
    match uri.split("/")[1].rpartition(".")[2]:
        case "broken":
            raise RuntimeError(f"no weights for the key {os.environ['TOLD']}")
        case "missing":
            raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")
        case "crashing":
            os._exit(3)
        case "exiting":
            raise SystemExit(3)
        case "hanging":
            (Path(os.environ["MARK"]) / str(os.getpid())).touch()
            threading.Event().wait()
    return Model()


def invocations(data: bytes, _content_type: str, _model: Model, _schema: None) -> SimpleNamespace:
    body = json.loads(data)
    return SimpleNamespace(status=200, response=json.dumps(DEEDS[body["do"]](body)))


def _raise(_body: dict[str, Any]) -> object:
    print("about to raise with", os.environ["TOLD"])  # noqa: T201 - what a model prints is its log
    raise ValueError(f"a value that is none; the key is {os.environ['TOLD']}")


def _print(body: dict[str, Any]) -> object:
    sys.stdout.write(body["text"])
    sys.stdout.flush()
    return None


DEEDS: dict[str, Callable[[dict[str, Any]], object]] = {
    "crash": lambda _: os._exit(3),
    "chdir": lambda body: os.chdir(body["to"]),
    "environment": lambda _: dict(os.environ),
    "exit": lambda _: sys.exit(3),
    "hang": lambda _: threading.Event().wait(),
    "here": lambda _: str(HERE),
    "pid": lambda _: os.getpid(),
    "print": _print,
    "raise": _raise,
    "repeat": lambda body: body["text"],
    "spawn": lambda _: subprocess.Popen(["sleep", "600"]).pid,
}
