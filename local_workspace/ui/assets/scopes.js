// The scopes and the names of the keys in them. Their values are not asked for.

import { element, filled, listIn, say } from "./dom.js";

const OPEN_AT_FIRST = 8;

/**
 * @param {Element} section
 * @param {{keys: (scope: string) => Promise<object[]>}} how
 * @returns {(scopes: object[]) => void}
 */
export function scopesPanel(section, { keys }) {
  const container = section.querySelector(".rows");
  const list = listIn(container, {
    key: (scope) => scope.name,
    build: () => row(keys, { open: container.childElementCount < OPEN_AT_FIRST }),
  });
  return (scopes) => {
    list(scopes);
    section.querySelector(".empty").hidden = scopes.length > 0;
  };
}

function row(keys, { open }) {
  const [name, kind] = [element("span", { class: "name" }), element("span", { class: "badge" })];
  const body = element("ul", { class: "keys" });
  const node = element("details", {}, element("summary", {}, name, kind), body);
  node.open = open;
  const fill = filled(body, (said) => said.map((text) => element("li", {}, text)));
  let shown;
  const look = async () => {
    if (!node.open) return;
    try {
      const found = await keys(shown);
      fill(found.length ? found.map(said) : ["no keys"]);
    } catch (error) {
      fill([error.message]);
    }
  };
  node.addEventListener("toggle", look);
  const update = (scope) => {
    shown = scope.name;
    say(name, scope.name);
    say(kind, scope.backend_type === "DATABRICKS" ? "" : scope.backend_type);
    kind.hidden = scope.backend_type === "DATABRICKS";
    look();
  };
  return { node, update };
}

function said({ key, last_updated_timestamp: updated }) {
  return `${key}, written ${new Date(updated).toLocaleString("sv")}`;
}
