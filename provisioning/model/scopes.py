"""Secret scopes, as a bundle declares them under `resources.secret_scopes`, and the secrets that we add."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from provisioning.model.base import Model
from provisioning.model.permissions import ScopePermission
from provisioning.model.rules import Finding, RuledModel, fields_of, name_finding
from provisioning.model.secret import SecretSource
from provisioning.model.versions import LONGEST_KEY, ROOM_FOR_VERSION

MARKER_PREFIX = "_provisioning"
"""Keys that start so are ours: a scope's marker carries the set that owns it in its key."""

_LONGEST_NAME = 128


class KeyVaultMetadata(Model):
    """The Azure Key Vault that a scope shows."""

    resource_id: str
    """The vault's resource id (`/subscriptions/.../vaults/<name>`)."""
    dns_name: str
    """The vault's address (`https://<name>.vault.azure.net/`)."""


class ScopeLifecycle(Model):
    """What may never happen to the scope."""

    prevent_destroy: bool | None = None
    """True to refuse every plan that deletes or replaces it, since all its values would go with it."""
    keep_unmanaged_secrets: bool | None = None
    """True to leave keys alone that are not in the configs, `--prune` or not."""


class SecretScope(RuledModel):
    """A secret scope with its secrets and rights."""

    name: str
    """The scope's name: letters, digits, `-`, `_`, `@` and `.`; the workspace compares names without case."""
    backend_type: Literal["DATABRICKS", "AZURE_KEYVAULT"] | None = None
    """Where values are kept; the default follows from `keyvault_metadata`."""
    keyvault_metadata: KeyVaultMetadata | None = None
    """The Azure Key Vault that the scope shows; its keys are read-only here."""
    secrets: Mapping[str, SecretSource] | None = None
    """By key, where each secret's value comes from."""
    permissions: tuple[ScopePermission, ...] | None = None
    """Who may read, write and manage the scope. The list is exact; absent, rights are left as they are."""
    permissions_mode: Literal["exact", "additive"] | None = None
    """`exact` (the default) revokes what is not listed; `additive` only grants."""
    lifecycle: ScopeLifecycle | None = None
    """What may never happen to it."""

    @classmethod
    def findings(cls, raw: Mapping[str, object]) -> Iterator[Finding]:
        """Find bad names and keys, and what an Azure Key Vault scope cannot have."""
        allowed = "letters, digits, -, _, @ and ."
        yield from name_finding(raw, pattern=r"[A-Za-z0-9_@.-]+", longest=_LONGEST_NAME, allowed=allowed)
        secrets = fields_of(raw.get("secrets"))
        for key, source in secrets.items():
            yield from _key_finding(str(key), versioned=fields_of(source).get("rotation") == "versioned")
        vault = raw.get("backend_type") == "AZURE_KEYVAULT" or raw.get("keyvault_metadata") is not None
        if not vault:
            return
        if raw.get("keyvault_metadata") is None:
            yield Finding("an AZURE_KEYVAULT scope needs `keyvault_metadata`", kind="missing-field", absence=True)
        if raw.get("backend_type") == "DATABRICKS":
            message = "`keyvault_metadata` goes with backend_type AZURE_KEYVAULT"
            yield Finding(message, at=("backend_type",), kind="conflict")
        for key, source in secrets.items():
            if "external" not in fields_of(source):
                message = f"the secret {key!r} cannot be written: an Azure Key Vault scope is read-only here"
                remedy = "put it with Azure's tools and declare it as `{external: true}`"
                yield Finding(message, at=("secrets", key), kind="conflict", remedy=remedy)

    @property
    def backend(self) -> Literal["DATABRICKS", "AZURE_KEYVAULT"]:
        """Where values are kept, with the default filled in."""
        return self.backend_type or ("AZURE_KEYVAULT" if self.keyvault_metadata else "DATABRICKS")


def _key_finding(key: str, *, versioned: bool) -> Iterator[Finding]:
    if re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", key, re.ASCII) is None:
        message = f"a secret's key may hold letters, digits, -, _ and ., at most {_LONGEST_NAME} characters"
        yield Finding(message, at=("secrets", key), kind="name")
    elif versioned and len(key) + ROOM_FOR_VERSION > LONGEST_KEY:
        longest = LONGEST_KEY - ROOM_FOR_VERSION
        message = f"a versioned secret's key may have {longest} characters, since its versions are called {key[:8]}….v2"
        yield Finding(message, at=("secrets", key), kind="name")
    elif key.startswith(MARKER_PREFIX):
        yield Finding(
            f"keys that start with {MARKER_PREFIX!r} are kept for the scope's marker", at=("secrets", key), kind="name"
        )
