// The endpoints: each with its state and its calls; folded out, what serves it and for which share of the traffic.

import { count, element, filled, listIn, say } from "./dom.js";

const UPDATES = new Map([
  ["IN_PROGRESS", "updating"],
  ["UPDATE_FAILED", "update failed"],
  ["UPDATE_CANCELED", "update canceled"],
]);

/**
 * @param {Element} section
 * @param {{detail: (name: string) => Promise<object>}} how
 * @returns {(endpoints: object[], traffic: Object<string, {calls: number, errors: number}>) => void}
 */
export function endpointsPanel(section, { detail }) {
  const list = (container) => listIn(container, { key: ({ endpoint }) => endpoint.name, build: () => row(detail) });
  const own = list(section.querySelector(".own"));
  const given = list(section.querySelector(".given"));
  return (endpoints, traffic) => {
    const counted = new Map(Object.entries(traffic));
    const items = endpoints.map((endpoint) => ({ endpoint, calls: counted.get(endpoint.name) }));
    const theirs = items.filter(({ endpoint }) => isGiven(endpoint));
    const ours = items.filter(({ endpoint }) => !isGiven(endpoint));
    own(ours);
    given(theirs);
    section.querySelector(".empty").hidden = ours.length > 0;
    section.querySelector(".group").hidden = theirs.length === 0;
    say(section.querySelector(".group .count"), `(${theirs.length})`);
  };
}

/** Whether the workspace had it from the start. */
export function isGiven(endpoint) {
  return endpoint.endpoint_type === "FOUNDATION_MODEL_API";
}

function row(detail) {
  const [name, state] = [element("span", { class: "name" }), element("span")];
  const calls = element("span", { class: "calls" });
  const body = element("div", { class: "detail" });
  const node = element("details", {}, element("summary", {}, name, state, calls), body);
  const fill = filled(body, facts);
  let shown;
  const look = async () => {
    if (!node.open) return;
    try {
      fill(await detail(shown));
    } catch (error) {
      // What stands may be old, which the page's head says; before there is anything, it is said here.
      if (!body.hasChildNodes()) fill({ problem: error.message });
    }
  };
  node.addEventListener("toggle", look);
  const update = ({ endpoint, calls: counted }) => {
    shown = endpoint.name;
    say(name, endpoint.name);
    const { text, mood } = stateOf(endpoint);
    say(state, text);
    state.className = `badge ${mood}`;
    say(calls, counted ? `${count(counted.calls, "call")}, ${count(counted.errors, "error")}` : "no calls");
    look();
  };
  return { node, update };
}

function stateOf({ state = {} }) {
  const ready = state.ready === "READY";
  const update = UPDATES.get(state.config_update);
  const text = [ready ? "ready" : "not ready", update].filter(Boolean).join(", ");
  if (state.config_update === "UPDATE_FAILED") return { text, mood: "bad" };
  return { text, mood: update || !ready ? "busy" : "good" };
}

function facts({ problem, ...endpoint }) {
  if (problem) return [element("p", { class: "problem" }, problem)];
  const served = servedBy(endpoint.config, "");
  const pending = servedBy(endpoint.pending_config, "This config does not serve yet.");
  const about = [endpoint.task, endpoint.route_optimized && "route-optimized", ...gatewayOf(endpoint.ai_gateway)];
  return [
    element("p", {}, about.filter(Boolean).join(" · ")),
    element("ul", { class: "entities" }, ...served, ...pending),
    ...(endpoint.creator ? [element("p", { class: "hint" }, `Created by ${endpoint.creator}`)] : []),
  ];
}

function servedBy(config, remark) {
  const routes = config?.traffic_config?.routes ?? [];
  return (config?.served_entities ?? []).map((entity) => {
    const item = element("li", {}, element("strong", {}, entity.name), ` ${modelOf(entity)}`);
    // Pay-per-token endpoints show no routes.
    if (routes.length) item.append(...shareOf(routes, entity.name));
    if (remark) item.append(element("p", { class: "hint" }, remark));
    const message = entity.state?.deployment_state_message;
    if (message) item.append(element("p", { class: "problem" }, message));
    return item;
  });
}

function shareOf(routes, name) {
  const route = routes.find((each) => (each.served_entity_name ?? each.served_model_name) === name);
  const percentage = route?.traffic_percentage ?? 0;
  const bar = element("span", { class: "bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", `${percentage}%`);
  return [`, ${percentage} % of the traffic`, bar];
}

function modelOf(entity) {
  if (entity.external_model) return `${entity.external_model.provider} ${entity.external_model.name}`;
  if (entity.foundation_model) return entity.entity_name ?? entity.foundation_model.name;
  return `${entity.entity_name} version ${entity.entity_version}`;
}

function gatewayOf(gateway) {
  return [
    gateway?.rate_limits?.length && "rate limits",
    gateway?.guardrails && "guardrails",
    gateway?.usage_tracking_config?.enabled && "usage tracking",
    gateway?.inference_table_config?.enabled && "inference table",
    gateway?.fallback_config?.enabled && "fallbacks",
  ];
}
