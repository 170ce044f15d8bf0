"""The two snapshots that a plan compares: `Desired`, from the configs, and `Live`, from a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, JsonValue

from provisioning.errors import Diagnostic, Position
from provisioning.model.base import Model
from provisioning.model.endpoints import ModelServingEndpoint
from provisioning.model.permissions import ScopeLevel
from provisioning.model.scopes import SecretScope


class Target(Model):
    """One entry of the bundle's `targets`, or what stands in for it where the configs declare none."""

    name: str = "default"
    """The target's name; `local` is refused off loopback."""
    host: str | None = None
    """`workspace.host`: authoritative where given."""
    profile: str | None = None
    """`workspace.profile`: a section of ~/.databrickscfg; authoritative where given."""
    mode: Literal["development", "production"] | None = None
    """What the bundle's `mode` means; production adds guards."""
    deployer: str | None = None
    """The identity that is to run applies; its MANAGE and CAN_MANAGE are never removed."""
    position: Position | None = None
    """Where the target's workspace is declared."""


class Desired(Model):
    """What the configs say must be there, with every reference resolved that can be without a workspace."""

    set_name: str
    """`bundle.name`, or else the folder's or file's name."""
    named: bool
    """False if `set_name` is only a folder's or file's name: such a set never prunes."""
    target: Target
    """Where it is to be applied."""
    scopes: tuple[SecretScope, ...] = ()
    """The secret scopes, in the configs' order."""
    endpoints: tuple[ModelServingEndpoint, ...] = ()
    """The serving endpoints, in the configs' order."""
    positions: Mapping[str, Position] = Field(default_factory=dict)
    """Where things are declared, by address, and by address with a field's path appended after `#`
    (`model_serving_endpoints.chat#config.served_entities[0].name`)."""
    notes: tuple[Diagnostic, ...] = ()
    """Warnings and notes that loading produced."""


class LiveScope(Model):
    """A secret scope as the workspace shows it."""

    name: str
    backend_type: str = "DATABRICKS"
    keys: Mapping[str, int] = Field(default_factory=dict)
    """Each key's `last_updated_timestamp` in milliseconds, marker included."""
    acls: Mapping[str, ScopeLevel] | None = None
    """Each principal's right; None if this identity may not list them (it needs MANAGE)."""
    owner_set: str | None = None
    """The set id in the marker's key, if there is a marker."""


class LiveEndpoint(Model):
    """A serving endpoint as `GET /api/2.0/serving-endpoints/{name}` shows it."""

    name: str
    id: str | None = None
    """None for system endpoints, which have no id."""
    body: Mapping[str, JsonValue]
    """The whole answer: the differ reads it by the field rules' paths."""
    permissions: tuple[Mapping[str, JsonValue], ...] | None = None
    """The permission API's `access_control_list`; None if unread or not permitted."""


class Live(Model):
    """What the workspace holds of the names that matter to a plan, at one moment."""

    host: str
    workspace_id: str
    user: str
    """`userName` of the identity: an e-mail, or a service principal's application id."""
    scopes: Mapping[str, LiveScope] = Field(default_factory=dict)
    """By name, lower-cased: the workspace compares scope names without case."""
    endpoints: Mapping[str, LiveEndpoint] = Field(default_factory=dict)
    """By name."""
