"""What an endpoint serves: external, custom and foundation models, and how calls are shared among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from pydantic import Field

from provisioning.model.base import Model
from provisioning.model.providers import ExternalModel
from provisioning.model.rules import Finding, RuledModel, fields_of, items_of, needs, refuses
from provisioning.model.values import Count

_MOST_VARIABLES = 30
_WHOLE = 100

WorkloadSize: TypeAlias = Literal["Small", "Medium", "Large"]
"""How many calls a custom model takes at once: 4, 8 to 16, 16 to 64."""

WorkloadType: TypeAlias = Literal[
    "CPU",
    "CPU_MEDIUM",
    "CPU_LARGE",
    "GPU_SMALL",
    "GPU_MEDIUM",
    "GPU_LARGE",
    "MULTIGPU_MEDIUM",
    "GPU_XLARGE",
    "GPU_XLARGE_8",
]
"""The machine that a custom model runs on."""

_THROUGHPUT_FIELDS = ("min_provisioned_throughput", "max_provisioned_throughput", "provisioned_model_units")
_CUSTOM_ONLY_FIELDS = (
    "entity_name",
    "entity_version",
    "workload_size",
    "workload_type",
    "scale_to_zero_enabled",
    "min_provisioned_concurrency",
    "max_provisioned_concurrency",
    "burst_scaling_enabled",
    *_THROUGHPUT_FIELDS,
)


class Compute(RuledModel):
    """What both forms of a served model say about the machines it runs on."""

    name: str | None = Field(default=None, min_length=1)
    """The name that traffic and metrics use; the server derives one from the model where it is absent."""
    workload_size: WorkloadSize | None = None
    """How many calls it takes at once; the server's default is Small."""
    workload_type: WorkloadType | None = None
    """The machine it runs on; the server's default is CPU."""
    environment_vars: Mapping[str, str] | None = None
    """At most 30 environment variables; a value may be a `{{secrets/scope/key}}` reference."""
    instance_profile_arn: str | None = None
    """The AWS instance profile that the model uses to reach AWS."""
    min_provisioned_throughput: Count | None = None
    """Tokens a second that are always kept ready."""
    max_provisioned_throughput: Count | None = None
    """Tokens a second up to which it scales."""
    min_provisioned_concurrency: Count | None = None
    """Calls at once that are always kept ready; goes without `workload_size`."""
    max_provisioned_concurrency: Count | None = None
    """Calls at once up to which it scales; goes without `workload_size`."""
    provisioned_model_units: Count | None = None
    """Model units that a foundation model is given."""
    burst_scaling_enabled: bool | None = None
    """True to let it scale past what is provisioned; the workspace never returns it."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find what the sizes and variables cannot be together."""
        for unit in ("throughput", "concurrency"):
            low, high = raw.get(f"min_provisioned_{unit}"), raw.get(f"max_provisioned_{unit}")
            if isinstance(low, int) and isinstance(high, int) and low > high:
                message = f"min_provisioned_{unit} is more than max_provisioned_{unit}"
                yield Finding(message, at=(f"min_provisioned_{unit}",), kind="conflict")
        if len(fields_of(raw.get("environment_vars"))) > _MOST_VARIABLES:
            message = f"at most {_MOST_VARIABLES} environment variables may be given"
            yield Finding(message, at=("environment_vars",), kind="limit")


class ServedEntity(Compute):
    """One model behind an endpoint: an external model, or one of Unity Catalog."""

    entity_name: str | None = None
    """The full name in Unity Catalog (`catalog.schema.name`) of a model that the workspace runs, or a feature spec."""
    entity_version: str | None = None
    """The model's version, for a model that the workspace runs; a feature spec has none."""
    external_model: ExternalModel | None = None
    """The model, for one that a provider runs."""
    scale_to_zero_enabled: bool | None = None
    """True to stop the machines when nobody calls; the server wants it said for models that it runs."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find fields of the one kind on an entity of the other."""
        yield from super().findings(raw)
        if raw.get("external_model") is not None:
            # The server rejects these beside an external model even as 0 (terraform-provider-databricks#3676).
            yield from refuses(raw, _CUSTOM_ONLY_FIELDS, because="beside `external_model`")
            return
        if raw.get("entity_name") is None:
            message = "a served entity needs `external_model` or `entity_name`"
            yield Finding(message, kind="missing-field", absence=True)
            return
        if all(raw.get(name) is None for name in _THROUGHPUT_FIELDS):
            # "scaleToZeroEnabled is undefined": the server has no default (terraform-provider-databricks#4064).
            yield from needs(raw, ("scale_to_zero_enabled",), because="for a model that the workspace runs")


class ServedModel(Compute):
    """One model behind an endpoint, in the API's older form."""

    model_name: str
    """The model's full name."""
    model_version: str
    """The model's version."""
    scale_to_zero_enabled: bool
    """True to stop the machines when nobody calls."""


class Route(RuledModel):
    """One entity's share of the calls."""

    served_entity_name: str | None = None
    """The entity's name."""
    served_model_name: str | None = None
    """The entity's name, in the API's older form."""
    traffic_percentage: int = Field(ge=0, le=_WHOLE)
    """Its share in whole percent; 0 makes it a fallback."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find out whether the route leads somewhere, and to one place."""
        entity, model = raw.get("served_entity_name"), raw.get("served_model_name")
        if entity is None and model is None:
            yield Finding("a route needs `served_entity_name`", kind="missing-field", absence=True)
        elif entity is not None and model is not None and entity != model:
            message = "served_entity_name and served_model_name name different entities"
            yield Finding(message, at=("served_model_name",), kind="conflict")


class TrafficConfig(RuledModel):
    """How calls are shared among the entities."""

    routes: tuple[Route, ...] | None = None
    """The shares, which add up to 100."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find out whether the shares add up."""
        shares = [fields_of(each).get("traffic_percentage") for each in items_of(raw.get("routes"))]
        known = [each for each in shares if isinstance(each, int) and not isinstance(each, bool)]
        if known and len(known) == len(shares) and sum(known) != _WHOLE:
            message = f"the traffic percentages add up to {sum(known)}, not to {_WHOLE}"
            yield Finding(message, at=("routes",), kind="traffic")


class AutoCaptureConfig(Model):
    """Logging of requests and answers in the API's older form; new endpoints use the AI gateway's table."""

    catalog_name: str | None = None
    """The catalog of the table; cannot be changed later."""
    schema_name: str | None = None
    """The schema of the table; cannot be changed later."""
    table_name_prefix: str | None = None
    """What the table's name begins with; cannot be changed later."""
    enabled: bool | None = None
    """True to log."""
