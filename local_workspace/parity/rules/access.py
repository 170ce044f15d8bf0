"""Rules of credentials, identity and unknown routes."""

from __future__ import annotations

from local_workspace.parity.rule import Certainty, Rule

RULES = (
    Rule(
        "auth-none",
        'Without a credential: 401, "Credential was not sent or was of an unsupported type"; error_code is a number.',
        Certainty.OBSERVED,
        "PipedreamHQ/pipedream#20701",
    ),
    Rule(
        "auth-bad-token",
        'A bad token is 403, "Invalid access token."; error_code is a number.',
        Certainty.OBSERVED,
        "databricks/databricks-sdk-go#873",
    ),
    Rule(
        "auth-basic",
        'A token is also taken as the password of a user "token" (curl -u token:…).',
        Certainty.DOCUMENTED,
        "docs: machine-learning/model-serving/query-gemini-api, and other pages with curl",
    ),
    Rule(
        "auth-me",
        "SCIM Me answers the token's identity; the header X-Databricks-Org-Id has the workspace's id.",
        Certainty.SDK_EVIDENT,
        "databricks-sdk, get_workspace_id",
    ),
    Rule(
        "auth-discovery",
        "/.well-known/databricks-config answers without a token.",
        Certainty.SDK_EVIDENT,
        "databricks-sdk, Config",
    ),
    Rule(
        "auth-m2m",
        "A service principal gets a token for its client id and secret, which expires.",
        Certainty.DOCUMENTED,
        "docs: dev-tools/auth/oauth-m2m",
    ),
    Rule(
        "route-unknown",
        "An unknown route is 404, \"No API found for 'GET /…'\", the API's prefix left out.",
        Certainty.OBSERVED,
        "mondoohq/mql#9770",
    ),
    Rule(
        "route-trailing-slash",
        "A route is found with a trailing slash too.",
        Certainty.SDK_EVIDENT,
        "MLflow's deployment client sends one",
    ),
    Rule(
        "permissions-by-id",
        "Permissions are kept by the endpoint's id; a name is 400, \"'X' is not a valid Inference Endpoint ID.\"",
        Certainty.OBSERVED,
        "mondoohq/mql#9770",
    ),
    Rule(
        "permissions-concurrency",
        'More than 20 requests for permissions at a time are refused: "Workspace X exceeded the concurrent limit".',
        Certainty.OBSERVED,
        "databrickslabs/ucx#401 has the words; 429 REQUEST_LIMIT_EXCEEDED is what other APIs say with them",
    ),
    Rule(
        "permissions-object-type",
        'object_type is "serving-endpoint", though path and object_id are plural.',
        Certainty.SDK_EVIDENT,
        "the Terraform provider refuses any other; the vendor CLI's test server answers so",
    ),
    Rule(
        "permissions-admins-inherit",
        "admins have CAN_MANAGE on every endpoint by inheritance.",
        Certainty.SDK_EVIDENT,
        "the Terraform provider skips inherited entries; databricks-sdk, get_permissions",
    ),
    Rule(
        "permissions-put-replaces",
        "PUT replaces all direct grants and leaves what is inherited; PATCH removes nothing.",
        Certainty.DOCUMENTED,
        "databricks-sdk, set_permissions and update_permissions",
    ),
    Rule(
        "permissions-creator-stays",
        "The creator keeps CAN_MANAGE after a PUT that leaves it out.",
        Certainty.ASSUMED,
        "no client ever risks it: both Terraform and the vendor's CLI add the caller",
        switch="creator_keeps_manage",
    ),
    Rule(
        "permissions-linger",
        "After an endpoint is deleted its grants stay under the old id; the name's next endpoint has a new one.",
        Certainty.SDK_EVIDENT,
        "the vendor CLI's acceptance test recreated_same_name",
    ),
    Rule(
        "permissions-unknown-id",
        "An id that never existed has an empty list.",
        Certainty.ASSUMED,
        "the vendor CLI's test server",
        switch="unknown_permission_object",
    ),
    Rule(
        "permissions-levels",
        "CAN_VIEW, CAN_QUERY and CAN_MANAGE each allow what the one before does.",
        Certainty.DOCUMENTED,
        "docs: security/auth/access-control (serving endpoints)",
    ),
    Rule(
        "permissions-denied",
        "A missing right is 403, \"User does not have permission 'View' on Endpoint X\".",
        Certainty.OBSERVED,
        "databricks-demos/dbdemos#218",
    ),
)
