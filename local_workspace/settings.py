"""What a workspace can be told when it starts: how it is run, and how it behaves where the real one is uncertain."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

from local_workspace import registries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROVIDERS_WITHOUT_URL = ("amazon-bedrock", "anthropic", "cohere", "google-cloud-vertex-ai")
"""The providers whose configs have no field for a URL, or need not use it."""


@dataclass(frozen=True)
class Behaviour:
    """Switches for what no public source settles; each default is the likelier answer.

    Attributes:
        existing_scope_status: HTTP status of "Scope X already exists!": the code is on record, the status is not.
        busy_status: HTTP status of a config update while another one runs. The telemetry route's 409 is the
            only written hint.
        ready_during_update: whether an endpoint whose old config still serves reports READY while a new config
            is deployed; the docs say that it keeps serving.
        external_entity_state: whether entities of external models carry `state`.
        external_served_models: whether `served_models` mirrors entities of external models, as it does for
            custom ones.
        plaintext_reference_shown: whether a key that was given as `*_plaintext` shows up on GET as a generated
            reference in the field without the suffix.
        dangling_reference: whether a reference to a scope or key that does not exist is accepted when the
            config is written (and fails when called) or refused at once.
        key_freshness: whether a call reads a referenced secret's present value, or the one that it had when
            the config was written.
        admins_manage_scopes: whether workspace admins have MANAGE on every scope, as the access-control page
            says; off, a scope whose MANAGE was given away is locked for them too.
        creator_keeps_manage: whether a permissions PUT that leaves the endpoint's creator out keeps the
            creator's CAN_MANAGE.
        unknown_permission_object: what the permissions API answers for an id that never existed: an `empty`
            list (as the vendor's own fake) or `not_found`.
        known_principals_only: whether ACLs and permissions refuse principals that the workspace never met.
        remote_secret_reads: whether GET secrets/get works outside a notebook; documented as refused, recorded
            as working.
        keyvault_scopes: whether Azure Key Vault scopes can be created; the real API wants an Entra user's token
            for it, which no local token is.
        not_ready_status: HTTP status of a call to an endpoint while nothing serves.
        missing_tag: whether deleting a tag that is not there is ignored, as by the vendor's own fake, or refused.
        principal_case: whether ACLs and permissions tell principals that differ in case alone apart.
        initial_manage_principal: whether "users" is honoured when a scope is created, or the creator manages it
            all the same.
        limit_retry_after: whether a rate limit of an AI gateway that is used up says when to try again.
        write_limit: whether more than 50 creates and config updates of endpoints in 5 minutes are refused, as the
            limits page says; off, since tests make more.
        stream_usage: how pay-per-token endpoints report usage on streams: `by_model` as each family was seen to,
            else all of them alike.
    """

    existing_scope_status: Literal[400, 409] = 400
    busy_status: Literal[400, 409] = 409
    ready_during_update: bool = True
    external_entity_state: bool = True
    external_served_models: bool = False
    plaintext_reference_shown: bool = False
    dangling_reference: Literal["accept", "refuse"] = "accept"
    key_freshness: Literal["per_call", "per_config"] = "per_call"
    admins_manage_scopes: bool = True
    creator_keeps_manage: bool = True
    unknown_permission_object: Literal["empty", "not_found"] = "empty"
    known_principals_only: bool = False
    remote_secret_reads: bool = True
    keyvault_scopes: bool = True
    not_ready_status: Literal[404, 503] = 503
    missing_tag: Literal["ignore", "refuse"] = "ignore"
    principal_case: Literal["sensitive", "insensitive"] = "sensitive"
    initial_manage_principal: Literal["honour", "ignore"] = "honour"
    limit_retry_after: bool = True
    write_limit: bool = False
    stream_usage: Literal["by_model", "on_request", "cumulative", "nulls_until_end", "final_chunk"] = "by_model"

    def __post_init__(self) -> None:
        """Refuse a value that a switch does not have (ValueError)."""
        for name, choices in _choices().items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {_listed(choices)}")

    def principal(self, name: str) -> str:
        """Return a principal's name as it is compared and kept."""
        return name if self.principal_case == "sensitive" else name.casefold()

    @classmethod
    def parse(cls, switches: Iterable[str]) -> Behaviour:
        """Read switches as the command line takes them, `busy_status=400`.

        Raises:
            ValueError: no such switch, or not one of its values; says which there are.
        """
        given: dict[str, Any] = {}
        for switch in switches:
            name, _, text = switch.partition("=")
            choices = _choices().get(name)
            if choices is None:
                raise ValueError(f"no switch {name!r}; there are {', '.join(_choices())}")
            # What is none of them is refused with the rest.
            given[name] = next((each for each in choices if str(each).lower() == text.lower()), text)
        return cls(**given)


@cache
def _choices() -> Mapping[str, tuple[object, ...]]:
    """Return the values that each switch has."""
    return {name: get_args(hint) or (True, False) for name, hint in get_type_hints(Behaviour).items()}


def _listed(choices: Iterable[object]) -> str:
    return ", ".join(str(each).lower() for each in choices)


@dataclass(frozen=True)
class Settings:
    """How a workspace is run.

    Attributes:
        deploy_seconds: how long the config of an endpoint of external models stays IN_PROGRESS. Not zero by
            default, so that a client which does not wait is found out.
        custom_deploy_seconds: the same for custom models, which build a container.
        latency_ms: added to each answer, in milliseconds.
        model: what answers pay-per-token chat endpoints: the deterministic `builtin` one, or a real small one on
            this machine, `local` (the extra `local-llm`).
        upstreams: `simulated`: providers are answered by the built-in simulators unless a config names a base
            URL; `live`: by the real providers.
        allow_upstream: hosts other than loopback that external models may call in simulated mode.
        upstream_urls: base URLs of providers by their name (`("anthropic", "http://127.0.0.1:9000")`), where their
            configs have no field for one; what may be called is judged as ever.
        simulated_key: the only key that the simulators take; None: any that looks like the provider's.
        registry: the MLflow registry that custom models are loaded from, as `sqlite:////path/mlflow.db` or
            `http://127.0.0.1:5000`; by default the environment's, where that is on this machine; None: they are
            deployed in name only.
        model_memory_mb: megabytes that one custom model's process may take.
        model_call_seconds: how long a call to a custom model may take, a cold start included.
        entra_authority: base URL that issues tokens for `azuread`; None: the simulator's, or the real one in
            live mode.
        seed: makes traffic splits and random faults repeat.
        behaviour: the switches.
    """

    deploy_seconds: float = 0.3
    custom_deploy_seconds: float = 2.0
    latency_ms: float = 0.0
    model: Literal["builtin", "local"] = "builtin"
    upstreams: Literal["simulated", "live"] = "simulated"
    allow_upstream: tuple[str, ...] = ()
    upstream_urls: tuple[tuple[str, str], ...] = ()
    simulated_key: str | None = field(default=None, repr=False)
    registry: str | None = field(default_factory=registries.of_environment)
    model_memory_mb: int = 4096
    model_call_seconds: float = 297.0
    entra_authority: str | None = None
    seed: int = 0
    behaviour: Behaviour = field(default_factory=Behaviour)

    def __post_init__(self) -> None:
        """Refuse a setting that makes no sense (ValueError)."""
        for name in ("deploy_seconds", "custom_deploy_seconds", "latency_ms"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite number, 0 or more")
        if self.model not in {"builtin", "local"}:
            raise ValueError("model must be builtin or local")
        if self.upstreams not in {"simulated", "live"}:
            raise ValueError("upstreams must be simulated or live")
        if self.model_memory_mb <= 0 or not self.model_call_seconds > 0:
            raise ValueError("model_memory_mb and model_call_seconds must be more than 0")
        for provider, url in self.upstream_urls:
            _require_provider_url(provider, url)
        for host in self.allow_upstream:
            if not host or set(host) & set("/@?# "):
                raise ValueError(f"allow_upstream takes host names, without scheme or path: {host!r} is none")
        if self.registry is not None:
            object.__setattr__(self, "registry", registries.checked(self.registry))


def _require_provider_url(provider: str, url: str) -> None:
    if provider not in PROVIDERS_WITHOUT_URL:
        known = ", ".join(PROVIDERS_WITHOUT_URL)
        raise ValueError(f"upstream_urls can move {known}: {provider!r} is none, or has its URL in its config")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"upstream_urls takes http or https URLs: {url!r} is none")
