"""Model-serving endpoints, as a bundle declares them under `resources.model_serving_endpoints`.

Fields are named as in the API, so that an endpoint without our additions (`OWN_FIELDS`) is the body of its
create request. A field that is absent is unmanaged; one that is null, `{}` or `[]` is cleared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field, JsonValue

from provisioning.model.base import Model
from provisioning.model.entities import AutoCaptureConfig, ServedEntity, ServedModel, TrafficConfig
from provisioning.model.gateway import AiGatewayConfig
from provisioning.model.permissions import EndpointPermission
from provisioning.model.rules import Finding, RuledModel, did_you_mean, fields_of, items_of, name_finding, text_in
from provisioning.model.telemetry import TelemetryConfig
from provisioning.model.values import REVEAL, Count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

OWN_FIELDS = frozenset({"permissions", "permissions_mode", "lifecycle", "moved"})
"""Fields of a `ModelServingEndpoint` that are not part of the serving-endpoints API's body."""

_MOST_ENTITIES = 15
_LONGEST_NAME = 63


class Tag(Model):
    """A key and a value that billing and lists show."""

    key: str = Field(min_length=1)
    """The tag's key, which is there once."""
    value: str | None = None
    """The tag's value."""


class EmailNotifications(Model):
    """Who gets an e-mail when a config update ends."""

    on_update_success: tuple[str, ...] | None = None
    """Addresses that hear of a success."""
    on_update_failure: tuple[str, ...] | None = None
    """Addresses that hear of a failure."""


class LegacyRateLimit(Model):
    """A rate limit in the API's older form, which the workspace never returns."""

    calls: Count
    """Calls in the period."""
    key: Literal["user", "endpoint"] | None = None
    """Whom it applies to: each user, or all calls together."""
    renewal_period: Literal["minute"]
    """The period; the API knows only `minute`."""


class Lifecycle(Model):
    """What may never happen to the object."""

    prevent_destroy: bool | None = None
    """True to refuse every plan that deletes or replaces it."""


class Moved(Model):
    """Where an endpoint was before: a name cannot be changed, so the new one is made and the old one deleted."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    from_: str = Field(alias="from", min_length=1)
    """The old name. `--prune` deletes what has it, once the new endpoint is ready."""


class EndpointConfig(RuledModel):
    """What the endpoint serves. The API replaces it as a whole."""

    served_entities: tuple[ServedEntity, ...] | None = None
    """At most 15 models, either all external, with one task, or all run by the workspace."""
    served_models: tuple[ServedModel, ...] | None = None
    """The same in the API's older form; an endpoint has one of the two lists."""
    traffic_config: TrafficConfig | None = None
    """How calls are shared; needed with more than one entity."""
    auto_capture_config: AutoCaptureConfig | None = None
    """Logging in the API's older form."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find out whether the entities go together, and the traffic with them."""
        key = "served_models" if items_of(raw.get("served_models")) else "served_entities"
        entities = [fields_of(each) for each in items_of(raw.get(key))]
        if items_of(raw.get("served_entities")) and items_of(raw.get("served_models")):
            message = "give `served_entities` or `served_models`, not both"
            yield Finding(
                message, at=("served_models",), kind="conflict", remedy="move the models to `served_entities`"
            )
            return
        if len(entities) > _MOST_ENTITIES:
            message = f"{len(entities)} entities are given; an endpoint takes at most {_MOST_ENTITIES}"
            yield Finding(message, at=(key, _MOST_ENTITIES), kind="limit")
        yield from _mixed_kinds(entities)
        yield from _mixed_tasks(entities)
        yield from _names_and_traffic(raw, key, entities)


class ModelServingEndpoint(RuledModel):
    """A model-serving endpoint."""

    name: str
    """The endpoint's name, unique in the workspace: letters, digits, `-` and `_`. A new name is a new endpoint."""
    description: str | None = None
    """What it is for; the API cannot change it later."""
    config: EndpointConfig | None = None
    """What it serves."""
    ai_gateway: AiGatewayConfig | None = None
    """The AI gateway in front of it."""
    tags: tuple[Tag, ...] | None = None
    """Its tags, in no particular order."""
    email_notifications: EmailNotifications | None = None
    """Who hears of config updates."""
    route_optimized: bool | None = None
    """True for the faster route, which cannot be changed later."""
    budget_policy_id: str | None = None
    """The budget policy that its cost is put down to; the workspace returns it under another name."""
    rate_limits: tuple[LegacyRateLimit, ...] | None = None
    """Rate limits in the API's older form; use `ai_gateway.rate_limits`."""
    telemetry_config: TelemetryConfig | None = None
    """What is collected from models that the workspace runs."""
    permissions: tuple[EndpointPermission, ...] | None = None
    """Who may see, call and manage it. The list is exact; absent, permissions are left as they are."""
    permissions_mode: Literal["exact", "additive"] | None = None
    """`exact` (the default) revokes what is not listed; `additive` only grants."""
    lifecycle: Lifecycle | None = None
    """What may never happen to it."""
    moved: Moved | None = None
    """The endpoint that it takes the place of."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find bad names, tags that are there twice, and telemetry where the server has none."""
        yield from name_finding(
            raw, pattern="[A-Za-z0-9_-]+", longest=_LONGEST_NAME, allowed="letters, digits, - and _"
        )
        keys = [text_in(fields_of(tag), "key") for tag in items_of(raw.get("tags"))]
        for index, key in enumerate(keys):
            if key is not None and key in keys[:index]:
                yield Finding(f"the tag {key!r} is given twice", at=("tags", index, "key"), kind="twice")
        entities = items_of(fields_of(raw.get("config")).get("served_entities"))
        external = any(fields_of(each).get("external_model") is not None for each in entities)
        if external and raw.get("telemetry_config"):
            # PATCH telemetry-config: "not supported for endpoint type 'EXTERNAL_MODELS'"; create drops it silently.
            message = "the server has no telemetry for external models"
            yield Finding(message, at=("telemetry_config",), kind="conflict", remedy="remove `telemetry_config`")

    @property
    def is_system(self) -> bool:
        """Whether Databricks itself runs it: only its AI gateway can be managed, and nobody can delete it."""
        return self.name.startswith("databricks-")

    def body(self) -> dict[str, JsonValue]:
        """Return the API's JSON object for the fields that were given, plaintext credentials included.

        It is for a request's body alone: nothing that is shown or kept may be made from it.
        """
        dumped: dict[str, JsonValue] = self.model_dump(
            mode="json", exclude_unset=True, exclude=set(OWN_FIELDS), context=REVEAL
        )
        return dumped


def default_entity_name(entity: Mapping[str, object]) -> str | None:
    """Return the name that the server gives a served entity, or None where its rule is not known.

    Args:
        entity: the served entity's fields. The server takes an external model's name with `.` and `:` turned
            into `-` (databricks-sdk, `ServedEntityInput.name`); what becomes of other characters that an entity's
            name may not hold (`meta-llama/Llama-3`) is not documented.
    """
    if isinstance(name := entity.get("name"), str):
        return name
    model = fields_of(entity.get("external_model")).get("name")
    derived = model.replace(".", "-").replace(":", "-") if isinstance(model, str) else ""
    return derived if re.fullmatch(r"[\w-]+", derived, re.ASCII) else None


def _mixed_kinds(entities: Sequence[Mapping[str, object]]) -> Iterator[Finding]:
    kinds = ("external_model", "entity_name")
    kind_of = {index: kind for index, each in enumerate(entities) for kind in kinds if each.get(kind) is not None}
    other = next((index for index, kind in kind_of.items() if kind != next(iter(kind_of.values()))), None)
    if other is not None:
        message = "external models and models that the workspace runs cannot share an endpoint"
        at = ("served_entities", other)
        yield Finding(message, at=at, kind="conflict", remedy="give each kind an endpoint of its own")


def _mixed_tasks(entities: Sequence[Mapping[str, object]]) -> Iterator[Finding]:
    tasks = [fields_of(each.get("external_model")).get("task") for each in entities]
    first = next((each for each in tasks if isinstance(each, str)), None)
    for index, task in enumerate(tasks):
        if isinstance(task, str) and task != first:
            message = f"the task {task!r} differs from the first entity's {first!r}; an endpoint has one task"
            yield Finding(message, at=("served_entities", index, "external_model", "task"), kind="conflict")


def _names_and_traffic(
    raw: Mapping[str, object], key: str, entities: Sequence[Mapping[str, object]]
) -> Iterator[Finding]:
    names = [default_entity_name(each) for each in entities]
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            message = f"the entity name {name!r} is taken by an earlier entity"
            yield Finding(message, at=(key, index, *(["name"] if "name" in entities[index] else [])), kind="twice")
    routes = items_of(fields_of(raw.get("traffic_config")).get("routes"))
    if len(entities) > 1 and not routes:
        message = f"with {len(entities)} entities, `traffic_config.routes` must say how calls are shared"
        yield Finding(message, kind="traffic", absence=True)
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        return  # the server's name for a custom entity without one is not documented
    for index, route in enumerate(routes):
        field = "served_entity_name" if fields_of(route).get("served_entity_name") is not None else "served_model_name"
        target = fields_of(route).get(field)
        if isinstance(target, str) and target not in known:
            near = did_you_mean(target, known)
            remedy = f"did you mean {near!r}?" if near else f"the entities are {', '.join(map(repr, known)) or 'none'}"
            at = ("traffic_config", "routes", index, field)
            yield Finding(f"no served entity is called {target!r}", at=at, kind="traffic", remedy=remedy)
