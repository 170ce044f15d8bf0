"""Fill the registry that MLFLOW_TRACKING_URI names with one model for each file given: `register.py NAME=FILE…`."""

from __future__ import annotations

import sys

import mlflow

for argument in sys.argv[1:]:
    name, _, path = argument.partition("=")
    mlflow.pyfunc.log_model(
        name=name, python_model=path, registered_model_name=f"main.default.{name}", pip_requirements=[]
    )
