// Elements from data. Whatever a server said becomes a text node: nothing here, or on this page, parses HTML.

/**
 * Make an element.
 * @param {string} tag
 * @param {Object<string, string>} attributes fixed words of this page, never what a server said
 * @param {...(Node|string)} children strings become text
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Set an element's text, if it is another: what does not change is not announced again. */
export function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Make a function that shows a list: an item's node stays as long as there is an item of its key, and with it focus
 * and whatever is folded out.
 * @template T
 * @param {Element} container
 * @param {{key: (item: T) => string, build: (key: string) => {node: Element, update: (item: T) => void}}} how
 * @returns {(items: T[]) => void}
 */
export function listIn(container, { key, build }) {
  let standing = new Map();
  return (items) => {
    const wanted = new Map();
    for (const item of items) {
      const entry = standing.get(key(item)) ?? build(key(item));
      entry.update(item);
      wanted.set(key(item), entry);
    }
    for (const [each, { node }] of standing) if (!wanted.has(each)) node.remove();
    let at = container.firstElementChild;
    for (const { node } of wanted.values()) {
      if (node === at) at = at.nextElementSibling;
      else container.insertBefore(node, at);
    }
    standing = wanted;
  };
}

/**
 * Make a function that fills a container anew, but only when what it shows has changed.
 * @template T
 * @param {Element} container
 * @param {(shown: T) => Node[]} build
 * @returns {(shown: T) => void}
 */
export function filled(container, build) {
  let last;
  return (shown) => {
    const now = JSON.stringify(shown);
    if (now === last) return;
    last = now;
    container.replaceChildren(...build(shown));
  };
}

/** "1 call", "2 calls". */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
