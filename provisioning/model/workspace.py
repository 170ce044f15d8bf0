"""The two snapshots that a plan compares: `Desired`, from the configs, and `Live`, from a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue

from provisioning.errors import Diagnostic, Position
from provisioning.model.address import Address
from provisioning.model.base import Model
from provisioning.model.endpoints import ModelServingEndpoint
from provisioning.model.permissions import ScopeLevel
from provisioning.model.scopes import SecretScope
from provisioning.model.secret import EnvSource


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
    keys: Mapping[str, Address] = Field(default_factory=dict)
    """The address of each resource by its key in the configs (`model_serving_endpoints.chat`)."""
    selected: frozenset[Address] = frozenset()
    """What `--select` chose; empty if these are all of the configs. A selection never prunes."""
    unselected_variables: frozenset[str] = frozenset()
    """The environment variables that hold the secrets which were not selected: no program that is run sees them."""
    positions: Mapping[str, Position] = Field(default_factory=dict)
    """Where things are declared, by address, and by address with a field's path appended after `#`
    (`model_serving_endpoints.chat#config.served_entities[0].name`)."""
    notes: tuple[Diagnostic, ...] = ()
    """Warnings and notes that loading produced."""

    @property
    def source_variables(self) -> frozenset[str]:
        """The environment variables that hold secrets, selected or not."""
        sources = [source for scope in self.scopes for source in (scope.secrets or {}).values()]
        return self.unselected_variables | {each.env for each in sources if isinstance(each, EnvSource)}


class Verdict(StrEnum):
    """Whether a secret's value in the workspace is the one that its source holds. Found without showing either."""

    SAME = "same"
    DIFFERS = "differs"
    CHANGED_OUTSIDE = "changed outside"
    """Written after our record of it: by somebody else, or by an apply that was cut off."""
    UNRECORDED = "unrecorded"
    """It exists, and we have no record of having written it."""
    UNKNOWN = "unknown"
    """The marker cannot be read by this identity, so there is nothing to compare with."""
    NOT_CHECKED = "not checked"
    """Its source was not read, or holds nothing."""
    ABSENT = "absent"


class LiveScope(Model):
    """A secret scope as the workspace shows it."""

    name: str
    backend_type: str = "DATABRICKS"
    keyvault_metadata: Mapping[str, JsonValue] | None = None
    keys: Mapping[str, int] = Field(default_factory=dict)
    """Each key's `last_updated_timestamp` in milliseconds, marker included."""
    acls: Mapping[str, ScopeLevel] | None = None
    """Each principal's right; None if this identity may not list them (it needs MANAGE)."""
    owner_sets: tuple[str, ...] = ()
    """The set ids in the keys of its markers."""
    verdicts: Mapping[str, Verdict] = Field(default_factory=dict)
    """For each declared key, whether its current version's value differs."""
    recorded: frozenset[str] | None = None
    """The keys that our marker says we wrote, or were about to; None if it cannot be read."""
    completed: bool = False
    """Whether our marker vouches for a value: an apply came to the end of its writes."""
    grants: str | None = None
    """The digest of the rights that the configs declared at our last write of them; None if that cannot be told."""
    visible: bool = True
    """False if it exists but this identity may not look into it."""


class LiveEndpoint(Model):
    """A serving endpoint as `GET /api/2.0/serving-endpoints/{name}` shows it."""

    name: str
    id: str | None = None
    """None for system endpoints, which have no id."""
    body: Mapping[str, JsonValue]
    """The whole answer: the differ reads it by the field rules' paths."""
    permissions: tuple[Mapping[str, JsonValue], ...] | None = None
    """The permission API's `access_control_list`; None if unread or not permitted."""
    visible: bool = True
    """False if it exists but this identity may not look at it."""

    @property
    def tags(self) -> tuple[Mapping[str, JsonValue], ...]:
        """Its tags, as the API lists them."""
        listed = self.body.get("tags")
        return tuple(each for each in listed if isinstance(each, dict)) if isinstance(listed, list) else ()


class Live(Model):
    """What the workspace holds of the names that matter to a plan, at one moment."""

    host: str
    workspace_id: str
    user: str
    """`userName` of the identity: an e-mail, or a service principal's application id."""
    taken_on: date = date.min
    """The day on which it was read, in UTC."""
    scopes: Mapping[str, LiveScope] = Field(default_factory=dict)
    """By name, lower-cased: the workspace compares scope names without case."""
    endpoints: Mapping[str, LiveEndpoint] = Field(default_factory=dict)
    """By name."""
    referenced: Mapping[str, LiveScope] = Field(default_factory=dict)
    """The scopes that endpoints refer to and the configs don't declare, by name, lower-cased; keys alone."""
    neighbours: tuple[LiveEndpoint, ...] = ()
    """Endpoints that the configs don't name, where a secret that is there already is to be sent to a new address."""
    scope_names: tuple[str, ...] = ()
    """The names of all scopes that this identity may see, where anything refers to one."""


class Standing(Model):
    """How one declared object stands in the workspace."""

    address: str
    state: str
    """READY, PENDING, FAILED or NO CONFIG for an endpoint; PRESENT, ABSENT or NOT VISIBLE for anything."""
    detail: str
    """What else there is to say of it: the live state, traffic, keys."""
