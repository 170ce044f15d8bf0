"""A model that cannot be loaded."""

from __future__ import annotations

import os
from typing import Any

import mlflow.pyfunc
from mlflow.models import set_model


class Broken(mlflow.pyfunc.PythonModel):  # type: ignore[misc] # MLflow's class is untyped
    def load_context(self, context: Any) -> None:  # noqa: ARG002, ANN401 - MLflow's signature
        if "TOLD" in os.environ:
            raise RuntimeError(f"no weights for the key {os.environ['TOLD']}")

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:  # noqa: ARG002, ANN401 - as above
        return model_input


set_model(Broken())
