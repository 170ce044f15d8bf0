"""A classic pyfunc that does what its input's first cell says: what a test wants to see, or what goes wrong."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

import mlflow.pyfunc
from mlflow.models import set_model


class Classic(mlflow.pyfunc.PythonModel):  # type: ignore[misc] # MLflow's class is untyped
    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:  # noqa: ARG002, ANN401 - MLflow's signature
        match str(model_input.iloc[0, 0]):
            case "environment":
                return [dict(os.environ)]
            case "pid":
                return [os.getpid()]
            case "spawn":
                return [subprocess.Popen(["sleep", "600"]).pid]
            case "raise":
                print("about to raise with", os.environ["TOLD"])  # noqa: T201 - what a model prints is its log
                raise ValueError(f"a value that is none; the key is {os.environ['TOLD']}")
            case "exit":
                raise SystemExit(3)
            case "crash":
                os._exit(3)
            case "eat":
                return [len(bytearray(64 << 30))]
            case "sleep":
                time.sleep(600)
        return model_input.sum(axis=1).to_list()


set_model(Classic())
