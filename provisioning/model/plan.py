"""What an apply would do: an immutable value that can be shown, stored and carried out.

A plan is a list of changes; a change is a list of steps; a step is one API call (or the wait for an endpoint).
Showing a plan and carrying it out read the same list, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import Field, JsonValue

from provisioning.errors import Diagnostic
from provisioning.model.address import Address, parent
from provisioning.model.base import Model


class Action(StrEnum):
    """What happens to an object."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"


class Operation(StrEnum):
    """What a step does. Their order here is the order in which a scope's or an endpoint's steps are carried out."""

    CREATE_SCOPE = "create_scope"
    PUT_MARKER = "put_marker"
    PUT_SECRET = "put_secret"  # noqa: S105 - names a call, not a credential
    PUT_ACL = "put_acl"
    DELETE_ACL = "delete_acl"
    DELETE_SECRET = "delete_secret"  # noqa: S105 - names a call, not a credential
    RECORD_GRANTS = "record_grants"
    RECORD_SECRETS = "record_secrets"
    DELETE_SCOPE = "delete_scope"
    REQUIRE_READY = "require_ready"
    DELETE_ENDPOINT = "delete_endpoint"
    CREATE_ENDPOINT = "create_endpoint"
    UPDATE_CONFIG = "update_config"
    RECORD_TOLD = "record_told"
    UPDATE_AI_GATEWAY = "update_ai_gateway"
    UPDATE_RATE_LIMITS = "update_rate_limits"
    UPDATE_NOTIFICATIONS = "update_notifications"
    UPDATE_PERMISSIONS = "update_permissions"
    WAIT_READY = "wait_ready"
    UPDATE_TELEMETRY = "update_telemetry"
    UPDATE_TAGS = "update_tags"


Origin: TypeAlias = Literal["config", "outside"]
"""Which side changed since the last apply."""


class FieldChange(Model):
    """One difference between what is declared and what is live."""

    path: str
    """Where in the object (`config.served_entities[gpt-4o].external_model.name`); empty for the object itself."""
    old: JsonValue = None
    """The live value; null if there is none. Never a secret's value."""
    new: JsonValue = None
    """The declared value; null if it is to go. Never a secret's value."""
    reason: str
    """Why they differ, or why the field counts."""
    origin: Origin | None = None
    """Which side is known to have changed since the last apply; null where that cannot be told."""


class Step(Model):
    """One API call of a change."""

    operation: Operation
    name: str
    """The scope or endpoint it is about."""
    item: str | None = None
    """The key or principal within it, where there is one."""
    body: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What is sent besides the names; secret values are read and added when the call is made."""


class Change(Model):
    """What happens to one object."""

    address: Address
    action: Action
    fields: tuple[FieldChange, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader has to know besides the fields (values kept, costs)."""
    after: tuple[Address, ...] = ()
    """Scopes that must be in place before the first step."""

    @property
    def group(self) -> Address:
        """The scope or endpoint whose changes are carried out in order, one after another."""
        return parent(self.address)


class Guard(Model):
    """A reason why a plan may not be carried out as it is."""

    address: Address
    message: str
    """What was found, in one sentence."""
    remedy: str
    """The flag or edit that lets it pass, or what to do instead."""


class Summary(Model):
    """How many objects meet which fate."""

    create: int = 0
    update: int = 0
    replace: int = 0
    delete: int = 0
    adopt: int = 0
    unchanged: int = 0


class Plan(Model):
    """Everything that differs between the configs and one workspace at one moment."""

    format: Literal[1] = 1
    host: str
    workspace_id: str
    target: str
    identity: str
    set_name: str
    set_id: str
    changes: tuple[Change, ...] = ()
    """In the order in which they are shown; `Change.after` and `Change.group` say what waits for what."""
    unchanged: tuple[Address, ...] = ()
    """What is as declared."""
    not_ready: tuple[str, ...] = ()
    """Endpoints that are as declared but not ready yet: an apply waits for them."""
    guards: tuple[Guard, ...] = ()
    """What stops an apply; empty if nothing does."""
    notes: tuple[str, ...] = ()
    """What a reader has to know of the plan as a whole."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """What the workspace showed to be wrong with the configs; an error among them stops an apply."""
    undecided: tuple[Address, ...] = ()
    """Secrets of which it cannot be told whether they differ: they count as pending."""

    @property
    def summary(self) -> Summary:
        """The counts by action."""
        counts = {action.value: 0 for action in Action}
        for change in self.changes:
            counts[change.action.value] += 1
        return Summary(**counts, unchanged=len(self.unchanged))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that stop an apply."""
        return tuple(each for each in self.diagnostics if each.severity == "error")

    @property
    def pending(self) -> bool:
        """Whether an apply has something to do, or might have."""
        return bool(self.changes or self.undecided)
