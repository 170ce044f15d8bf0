"""Where a served model's own logs, traces and metrics go."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from provisioning.model.base import Model

TelemetryFeature: TypeAlias = Literal[
    "TELEMETRY_FEATURE_LOGS",
    "TELEMETRY_FEATURE_TRACES",
    "TELEMETRY_FEATURE_METRICS",
    "TELEMETRY_FEATURE_INFERENCE_TABLE",
]
"""What can be collected."""


class TelemetryTableNames(Model):
    """The Unity Catalog tables; the workspace never returns them."""

    annotations_table: str | None = None
    """The full name of the table for annotations."""
    logs_table: str | None = None
    """The full name of the table for logs."""
    metrics_table: str | None = None
    """The full name of the table for metrics."""
    traces_table: str | None = None
    """The full name of the table for traces."""


class TelemetryInferenceTableConfig(Model):
    """How much of the calls is logged."""

    sampling_fraction: float | None = Field(default=None, ge=0, le=1)
    """The share of calls that is logged, from 0 to 1."""


class TelemetryConfig(Model):
    """What is collected from a model that the workspace runs, and where it goes."""

    enabled_telemetry_features: tuple[TelemetryFeature, ...] | None = None
    """What is collected."""
    table_names: TelemetryTableNames | None = None
    """The tables it goes to."""
    inference_table_config: TelemetryInferenceTableConfig | None = None
    """How much of the calls is logged."""
    telemetry_profile_id: str | None = None
    """A telemetry profile of the workspace, instead of tables named here."""
