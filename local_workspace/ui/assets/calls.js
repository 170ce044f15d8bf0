// The calls that clients made, newest first, and the routes that they looked for in vain.

import { count, element, filled } from "./dom.js";

const SHOWN = 50;

/**
 * @param {Element} section
 * @param {{forget: () => Promise<void>}} how
 * @returns {(requests: object[], unknown: Object<string, number>) => void}
 */
export function callsPanel(section, { forget }) {
  const errorsOnly = section.querySelector(".errors-only");
  const rows = filled(section.querySelector("tbody"), (requests) => requests.map(row));
  const summary = filled(section.querySelector(".summary"), (text) => [text]);
  const unknowns = filled(section.querySelector(".unknown ul"), (unknown) =>
    unknown.map(([route, times]) => element("li", {}, `${route} (${count(times, "time")})`)),
  );
  let heard = [];
  const draw = () => {
    const errors = heard.filter(failed);
    const chosen = errorsOnly.checked ? errors : heard;
    rows(chosen.slice(-SHOWN).reverse());
    const shown = chosen.length > SHOWN ? `; the last ${SHOWN} are shown` : "";
    summary(`${count(heard.length, "call")}, ${count(errors.length, "error")}${shown}`);
  };
  errorsOnly.addEventListener("change", draw);
  section.querySelector(".forget").addEventListener("click", forget);
  return (requests, unknown) => {
    heard = requests;
    draw();
    unknowns(Object.entries(unknown));
    section.querySelector(".unknown").hidden = Object.keys(unknown).length === 0;
  };
}

/** Whether a call came to nothing; status 0 is no answer at all. */
function failed({ status }) {
  return status === 0 || status >= 400;
}

function row(request) {
  const status = element("td", { class: failed(request) ? "bad" : "good" }, String(request.status || "none"));
  const method = element("span", { class: "method" }, request.method);
  const call = element("td", { class: "path" }, method, ` ${request.path}`);
  return element("tr", {}, status, call, element("td", { class: "path" }, request.identity ?? "nobody known"));
}
