from __future__ import annotations

from pathlib import Path

import pytest

from local_workspace import Settings
from local_workspace.registries import checked, of_environment


@pytest.mark.parametrize("name", ["MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI"])
def test_the_environments_registry_is_used_where_it_is_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert Settings().registry is None
    monkeypatch.setenv(name, "sqlite:////var/mlflow.db")
    assert Settings().registry == "sqlite:////var/mlflow.db"


@pytest.mark.parametrize("uri", ["databricks", "databricks-uc", "databricks://profile", "https://mlflow.example.com"])
def test_a_registry_elsewhere_is_not_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert of_environment() is None


def test_the_registry_of_the_environment_that_is_on_this_machine_is_found_behind_one_that_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "databricks-uc")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////var/mlflow.db")
    assert of_environment() == "sqlite:////var/mlflow.db"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("sqlite:///mlflow.db", "sqlite:///{}/mlflow.db"),
        ("sqlite:////var/mlflow.db", "sqlite:////var/mlflow.db"),
        ("mlruns", "file://{}/mlruns"),
        ("file:mlruns", "file://{}/mlruns"),
        ("file:///var/mlruns", "file:///var/mlruns"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ],
)
def test_a_registry_means_the_same_in_any_folder(given: str, kept: str) -> None:
    assert checked(given) == kept.format(Path.cwd())


@pytest.mark.parametrize(
    "uri",
    [
        "databricks-uc",
        "s3://bucket",
        "http://me:secret@127.0.0.1:5000",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
    ],
)
def test_a_registry_that_models_cannot_be_loaded_from_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="registry must") as refused:
        Settings(registry=uri)
    assert "secret" not in str(refused.value)
