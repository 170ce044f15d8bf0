"""Put the model into the registry that MLFLOW_TRACKING_URI names."""

import mlflow

logged = mlflow.pyfunc.log_model(
    name="parrot",
    python_model="parrot.py",
    registered_model_name="main.default.parrot",
    pip_requirements=["mlflow"],
)
print(f"models:/main.default.parrot/{logged.registered_model_version}")
