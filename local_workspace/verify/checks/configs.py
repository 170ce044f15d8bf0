"""What a config may say: each of these creates is meant to be refused, and the words are what is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.verify.check import KEY, Answer, Check

if TYPE_CHECKING:
    from local_workspace.verify.check import Probe


def _refused(probe: Probe, name: str, config: dict[str, object], words: str = "") -> Answer:
    reply = probe.scratch.create_endpoint(name, config=config)
    return Answer(reply.refuses(400, saying=words), reply.summary())


def _both_keys(probe: Probe) -> Answer:
    both = {"openai_api_key": f"{{{{secrets/{probe.scope}/key}}}}", "openai_api_key_plaintext": KEY}
    return _refused(probe, "both", probe.config(**both))


def _traffic_required(probe: Probe) -> Answer:
    return _refused(probe, "split", {"served_entities": [probe.entity("a"), probe.entity("b")]})


def _traffic_sum(probe: Probe) -> Answer:
    traffic = {"routes": [{"served_model_name": "model", "traffic_percentage": 50}]}
    return _refused(probe, "half", {**probe.config(), "traffic_config": traffic})


def _one_task(probe: Probe) -> Answer:
    other = probe.entity("b")
    other["external_model"] = {**other["external_model"], "task": "llm/v1/embeddings"}
    routes = [{"served_model_name": each, "traffic_percentage": 50} for each in ("a", "b")]
    entities = [probe.entity("a"), other]
    return _refused(probe, "tasks", {"served_entities": entities, "traffic_config": {"routes": routes}})


def _external_fields(probe: Probe) -> Answer:
    entity = {**probe.entity(), "min_provisioned_throughput": 0}
    return _refused(probe, "zero", {"served_entities": [entity]})


def _scale_to_zero(probe: Probe) -> Answer:
    entity = {"name": "m", "entity_name": "main.default.none", "entity_version": "1", "workload_size": "Small"}
    return _refused(probe, "scale", {"served_entities": [entity]}, "scaleToZeroEnabled is undefined")


def _dangling(probe: Probe) -> Answer:
    reference = f"{{{{secrets/{probe.scope}/none}}}}"
    reply = probe.scratch.create_endpoint("dangling", config=probe.config(openai_api_key=reference))
    return Answer("accept" if reply.ok else "refuse", reply.summary())


CHECKS = (
    Check("config-key-pair", _both_keys, calls=1),
    Check("config-traffic-required", _traffic_required, calls=1),
    Check("config-traffic-sum", _traffic_sum, calls=1),
    Check("config-one-task", _one_task, calls=1),
    Check("config-external-fields", _external_fields, calls=1),
    Check("config-scale-to-zero", _scale_to_zero, calls=1),
    Check("key-dangling", _dangling, calls=1, makes="an endpoint"),
)
