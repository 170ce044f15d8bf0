// What is armed to go wrong, and the form that arms more.

import { count, element, filled, say } from "./dom.js";

/**
 * @param {Element} section
 * @param {{arm: (fault: object) => Promise<void>, clear: () => Promise<void>}} how
 * @returns {(armed: object[]) => void}
 */
export function faultsPanel(section, { arm, clear }) {
  const form = section.querySelector("form");
  const problem = section.querySelector(".problem");
  const list = filled(section.querySelector(".armed"), (armed) => armed.map(item));
  const fit = () => fitTo(form, form.querySelector("[data-field=kind]").value);
  form.addEventListener("change", fit);
  fit();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await arm(faultOf(form));
      say(problem, "");
    } catch (error) {
      say(problem, error.message);
    }
  });
  section.querySelector(".clear").addEventListener("click", clear);
  return (armed) => {
    list(armed);
    section.querySelector(".empty").hidden = armed.length > 0;
  };
}

/** Show the fields that mean something for a kind; the others are neither shown nor sent. */
function fitTo(form, kind) {
  for (const label of form.querySelectorAll("[data-kinds]")) {
    label.hidden = !label.dataset.kinds.split(" ").includes(kind);
  }
}

/** The object that `POST /_local/faults` takes; the workspace checks it. */
function faultOf(form) {
  const fields = [...form.querySelectorAll("[data-field]")].filter((each) => !each.closest("label").hidden);
  const { method, path, ...fault } = Object.fromEntries(fields.map((each) => [each.dataset.field, valueOf(each)]));
  return { ...fault, match: { method, path } };
}

function valueOf(field) {
  if (field.type !== "number") return field.value;
  return field.value === "" ? null : Number(field.value);
}

function item({ fault, matched, hit, spent }) {
  const text = `${fault.match.method === "*" ? "any method" : fault.match.method} ${fault.match.path}`;
  const left = spent ? "used up" : fault.times === null ? "each time" : `${count(fault.times - hit, "hit")} to come`;
  return element(
    "li",
    {},
    element("strong", {}, kindOf(fault)),
    ` ${text}`,
    element("p", { class: "hint" }, `${count(matched, "request")} matched, ${hit} hit, ${left}`),
  );
}

function kindOf(fault) {
  if (fault.kind === "status") return `status ${fault.status}`;
  if (fault.kind === "latency" || fault.kind === "slow") return `${fault.kind} ${fault.ms} ms`;
  return fault.kind;
}
