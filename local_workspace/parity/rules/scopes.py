"""Rules of secret scopes, secrets and their ACLs."""

from __future__ import annotations

from local_workspace.parity.rule import Certainty, Rule

RULES = (
    Rule(
        "scope-exists",
        'Creating a scope that exists is RESOURCE_ALREADY_EXISTS, "Scope X already exists!"; as HTTP 400.',
        Certainty.ASSUMED,
        "text and code: databricks/databricks-cli#340; status: the vendor CLI's test server",
        switch="existing_scope_status",
    ),
    Rule(
        "scope-missing",
        'Whatever asks for a scope that does not exist gets 404 RESOURCE_DOES_NOT_EXIST, "Scope X does not exist!".',
        Certainty.OBSERVED,
        "databricks/terraform-provider-databricks#68",
    ),
    Rule(
        "scope-name-case",
        "Scope names are unique whatever their case.",
        Certainty.DOCUMENTED,
        "docs: security/secrets",
    ),
    Rule(
        "scope-name-form",
        "A scope's name has letters, digits and -_@./, at most 128; the slash is undocumented, yet taken.",
        Certainty.SDK_EVIDENT,
        "the Terraform provider's validation and its acceptance test of a scope with a slash",
    ),
    Rule(
        "scope-creator-manages",
        "The creator of a scope gets MANAGE on it.",
        Certainty.DOCUMENTED,
        "docs: security/secrets; databricks-sdk, create_scope",
    ),
    Rule(
        "scope-users-manage",
        'With initial_manage_principal "users" the creator has no ACL of its own.',
        Certainty.ASSUMED,
        "the Terraform provider's acceptance test; whether still honoured is open",
        switch="initial_manage_principal",
    ),
    Rule(
        "scope-manager-users-alone",
        'initial_manage_principal takes "users" and nothing else.',
        Certainty.DOCUMENTED,
        "databricks-sdk, create_scope",
    ),
    Rule("scope-limit", "A workspace has at most 1000 scopes.", Certainty.DOCUMENTED, "databricks-sdk, put_secret"),
    Rule(
        "scope-delete-cascades",
        "Deleting a scope deletes its secrets and ACLs.",
        Certainty.DOCUMENTED,
        "docs: security/secrets",
    ),
    Rule(
        "scope-keyvault",
        "A scope on Azure Key Vault keeps its metadata and takes no secrets.",
        Certainty.DOCUMENTED,
        "databricks-sdk, put_secret: BAD_REQUEST",
    ),
    Rule(
        "scope-keyvault-creatable",
        "A Key Vault scope can be created; the real API wants an Entra user's token.",
        Certainty.ASSUMED,
        "databricks/terraform-provider-databricks#2465",
        switch="keyvault_scopes",
    ),
    Rule(
        "secret-one-value",
        "A secret is put with exactly one of string_value and bytes_value; else 400 MALFORMED_REQUEST.",
        Certainty.DOCUMENTED,
        "databricks-sdk, put_secret",
    ),
    Rule(
        "secret-read-base64",
        "A secret is read as base64, however it was written.",
        Certainty.DOCUMENTED,
        "databricks-sdk, get_secret",
    ),
    Rule(
        "secret-read-remotely",
        "A secret can be read from outside a notebook.",
        Certainty.ASSUMED,
        "documented as refused; answered in the vendor CLI's cloud recordings (secret_scopes/basic)",
        switch="remote_secret_reads",
    ),
    Rule(
        "secret-timestamp",
        "Listing shows when each key was last written, in milliseconds, and never a value.",
        Certainty.DOCUMENTED,
        "databricks-sdk, SecretMetadata",
    ),
    Rule(
        "secret-size",
        "A value holds at most 128 KB.",
        Certainty.DOCUMENTED,
        "databricks-sdk, put_secret",
    ),
    Rule("secret-limit", "A scope has at most 1000 secrets.", Certainty.DOCUMENTED, "databricks-sdk, put_secret"),
    Rule(
        "secret-delete-missing",
        "Deleting a key that is not there is 404 RESOURCE_DOES_NOT_EXIST.",
        Certainty.DOCUMENTED,
        "databricks-sdk, delete_secret",
    ),
    Rule(
        "acl-put-overwrites",
        "Putting an ACL replaces the level that its principal had.",
        Certainty.DOCUMENTED,
        "databricks-sdk, put_acl",
    ),
    Rule(
        "acl-missing",
        "Reading or deleting an ACL that is not there is 404 RESOURCE_DOES_NOT_EXIST.",
        Certainty.DOCUMENTED,
        "databricks-sdk, get_acl and delete_acl",
    ),
    Rule(
        "acl-list-needs-manage",
        "Listing a scope's ACLs takes MANAGE; else 403 PERMISSION_DENIED.",
        Certainty.DOCUMENTED,
        "databricks-sdk, list_acls",
    ),
    Rule(
        "acl-levels",
        "READ, WRITE and MANAGE each allow what the one before does, by the caller's name or a group.",
        Certainty.DOCUMENTED,
        "docs: security/auth/access-control (secret ACLs)",
    ),
    Rule(
        "acl-admins-manage",
        "Workspace admins have MANAGE on every scope.",
        Certainty.ASSUMED,
        "the access-control page says so; databricks/cli#4359 tells of admins locked out",
        switch="admins_manage_scopes",
    ),
    Rule(
        "acl-unknown-principal",
        "An ACL or grant for a principal that the workspace never met is taken.",
        Certainty.ASSUMED,
        "databricks-sdk, put_acl, lists INVALID_PARAMETER_VALUE without saying when",
        switch="known_principals_only",
    ),
    Rule(
        "acl-principal-case",
        "Principals that differ in case alone are different ones.",
        Certainty.ASSUMED,
        "the Terraform provider lower-cases them when it reads",
        switch="principal_case",
    ),
)
