"""How endpoints are created, shown and updated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.verify.check import ENDPOINTS, KEY, Answer, Check

if TYPE_CHECKING:
    from typing import Any

    from local_workspace.verify.check import Probe

_WRITES = 51


def _missing(probe: Probe) -> Answer:
    name = probe.scratch.named("none")
    reply = probe.call("GET", f"{ENDPOINTS}/{name}")
    holds = reply.refuses(404, saying=f"Endpoint with name '{name}' does not exist")
    return Answer(holds, reply.summary())


def _without_config(probe: Probe) -> Answer:
    probe.need(probe.scratch.create_endpoint("empty"))
    shown = probe.need(probe.call("GET", f"{ENDPOINTS}/{probe.scratch.named('empty')}"))
    state = shown.get("state") or {}
    holds = "config" not in shown and (state.get("ready"), state.get("config_update")) == ("NOT_READY", "NOT_UPDATING")
    return Answer(holds, f"{state}, {'with' if 'config' in shown else 'without'} config")


def _not_ready(probe: Probe) -> Answer:
    probe.need(probe.scratch.create_endpoint("idle"))
    reply = probe.ask(probe.scratch.named("idle"))
    return Answer(reply.status, reply.summary())


def _exists(probe: Probe) -> Answer:
    taken = probe.endpoint
    reply = probe.scratch.create_endpoint("chat", config=probe.config())
    return Answer(reply.refuses(409, "RESOURCE_ALREADY_EXISTS"), reply.summary().replace(taken, "X"))


def _busy(probe: Probe) -> Answer:
    probe.need(probe.scratch.create_endpoint("busy", config=probe.config()))
    path = f"{ENDPOINTS}/{probe.scratch.named('busy')}/config"
    # The create took this very config: what refuses it now is the update that runs.
    for attempt in range(4):
        reply = probe.call("PUT", path, probe.config(f"model-{attempt}"))
        if not reply.ok:
            return Answer(reply.status, reply.summary())
    return Answer(None, "each update was over before the next one came")


def _ready_meanwhile(probe: Probe) -> Answer:
    name = probe.endpoint
    probe.need(probe.call("PUT", f"{ENDPOINTS}/{name}/config", probe.config("renamed")))
    state = probe.need(probe.call("GET", f"{ENDPOINTS}/{name}")).get("state") or {}
    probe.ready(name)
    if state.get("config_update") != "IN_PROGRESS":
        return Answer(None, "the update was over at once")
    return Answer(state.get("ready") == "READY", str(state))


def _config(probe: Probe) -> dict[str, Any]:
    shown: dict[str, Any] = probe.ready(probe.endpoint).get("config") or {}
    return shown


def _entity_state(probe: Probe) -> Answer:
    entities = _config(probe).get("served_entities") or [{}]
    return Answer("state" in entities[0], f"an entity has {', '.join(sorted(entities[0]))}")


def _served_models(probe: Probe) -> Answer:
    config = _config(probe)
    return Answer(bool(config.get("served_models")), f"config has {', '.join(sorted(config))}")


def _defaults(probe: Probe) -> Answer:
    routes = (_config(probe).get("traffic_config") or {}).get("routes") or []
    return Answer([each.get("traffic_percentage") for each in routes] == [100], f"{len(routes)} routes")


def _plaintext(probe: Probe) -> tuple[dict[str, Any], str]:
    config = probe.config(openai_api_key_plaintext=KEY)
    # Two checks look at it: the second create is refused, and that does not matter.
    probe.scratch.create_endpoint("plain", config=config)
    shown = probe.ready(probe.scratch.named("plain"))
    active: dict[str, Any] = shown.get("config") or shown.get("pending_config") or {}
    entity = (active.get("served_entities") or [{}])[0]
    openai = (entity.get("external_model") or {}).get("openai_config") or {}
    return openai, f"openai_config has {', '.join(sorted(openai)) or 'nothing'}"


def _hidden(probe: Probe) -> Answer:
    openai, said = _plaintext(probe)
    return Answer(KEY not in str(openai), said)


def _reference_shown(probe: Probe) -> Answer:
    openai, said = _plaintext(probe)
    return Answer(bool(openai.get("openai_api_key")), said)


def _missing_tag(probe: Probe) -> Answer:
    reply = probe.call("PATCH", f"{ENDPOINTS}/{probe.endpoint}/tags", {"delete_tags": ["none"]})
    return Answer("ignore" if reply.ok else "refuse", reply.summary())


def _write_limit(probe: Probe) -> Answer:
    for each in range(_WRITES):
        reply = probe.scratch.create_endpoint(f"write-{each}")
        if not reply.ok:
            return Answer(reply.refuses(429) or None, reply.summary())
    return Answer(value=False, said=f"{_WRITES} creates were taken")


CHECKS = (
    Check("endpoint-missing", _missing, calls=1),
    Check("endpoint-without-config", _without_config, makes="an endpoint"),
    Check("call-not-ready", _not_ready, makes="an endpoint"),
    Check("endpoint-exists", _exists, calls=1),
    Check("config-busy", _busy, calls=5, makes="an endpoint"),
    Check("config-ready-meanwhile", _ready_meanwhile, calls=20),
    Check("entities-external-state", _entity_state, calls=1),
    Check("entities-external-twins", _served_models, calls=1),
    Check("entities-defaults", _defaults, calls=1),
    Check("key-plaintext-hidden", _hidden, calls=20, makes="an endpoint"),
    Check("key-plaintext-reference", _reference_shown, calls=20),
    Check("tags-delete-missing", _missing_tag, calls=1),
)

LAST = (
    Check(
        "endpoint-write-limit",
        _write_limit,
        calls=_WRITES,
        makes=f"{_WRITES} endpoints without a config",
        reserved="for five minutes, nobody in the workspace can create or update an endpoint",
    ),
)
