// A conversation with an endpoint, streamed.

import { count, element, filled, say } from "./dom.js";
import { isGiven } from "./endpoints.js";
import { events, textOf } from "./sse.js";

/**
 * @param {Element} section
 * @param {{stream: (endpoint: string, messages: object[], signal: AbortSignal) => Promise<ReadableStream>}} how
 * @returns {(endpoints: object[]) => void}
 */
export function playgroundPanel(section, { stream }) {
  const [form, select, prompt] = [section.querySelector("form"), ...section.querySelectorAll("select, textarea")];
  const [turns, figures] = [section.querySelector(".turns"), section.querySelector(".figures")];
  const [send, stop, anew] = [...section.querySelectorAll("button")];
  let messages = [];
  let running;

  const busy = (controller) => {
    running = controller;
    const held = document.activeElement; // a button that is disabled would lose the keyboard
    stop.disabled = !controller;
    send.disabled = anew.disabled = Boolean(controller);
    if (held === send) stop.focus();
    if (held === stop) prompt.focus();
    turns.setAttribute("aria-busy", String(Boolean(controller)));
  };

  const ask = async () => {
    const question = { role: "user", content: prompt.value };
    const controller = new AbortController();
    const answer = answerIn(turns, figures);
    turns.insertBefore(turn("You", question.content), answer.node);
    busy(controller);
    prompt.value = "";
    try {
      const asked = [...messages, question];
      const body = await stream(select.value, asked, controller.signal);
      for await (const event of events(body)) answer.add(event);
      // Only what was answered whole is part of what is sent the next time.
      messages = [...asked, { role: "assistant", content: answer.end() }];
    } catch (error) {
      answer.fail(controller.signal.aborted ? "Stopped." : error.message);
    } finally {
      busy(undefined);
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running && prompt.value.trim() && select.value) ask();
  });
  prompt.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  stop.addEventListener("click", () => running?.abort());
  anew.addEventListener("click", () => {
    messages = [];
    turns.replaceChildren();
    say(figures, "");
    prompt.focus();
  });
  return choices(select);
}

/** Offer the endpoints that chat; what was chosen stays chosen. */
function choices(select) {
  const fill = filled(select, ({ own, given }) => [...group("Your endpoints", own), ...group("Pay-per-token", given)]);
  return (endpoints) => {
    const chosen = select.value;
    const chatting = endpoints.filter((each) => each.task?.endsWith("/chat"));
    const names = (these) => these.map((each) => each.name);
    fill({ own: names(chatting.filter((each) => !isGiven(each))), given: names(chatting.filter(isGiven)) });
    if ([...select.options].some((each) => each.value === chosen)) select.value = chosen;
  };
}

function group(label, names) {
  return names.length ? [element("optgroup", { label }, ...names.map((name) => element("option", {}, name)))] : [];
}

function turn(who, ...said) {
  return element("li", {}, element("strong", {}, who), element("div", { class: "said" }, ...said));
}

/** An answer that grows. */
function answerIn(turns, figures) {
  const [text, reasoning] = [document.createTextNode(""), element("span", { class: "hint" })];
  const node = turn("Answer", reasoning, text);
  turns.append(node);
  say(figures, "");
  const began = performance.now();
  let first;
  let usage;
  return {
    node,
    add(event) {
      const added = textOf(event);
      if (added.text || added.reasoning) first ??= performance.now() - began;
      usage = event.usage ?? usage;
      // Only one who reads at the end is kept there.
      const atEnd = turns.scrollHeight - turns.scrollTop - turns.clientHeight < 40;
      text.appendData(added.text);
      reasoning.append(added.reasoning);
      if (atEnd) turns.scrollTop = turns.scrollHeight;
    },
    end() {
      const tokens = usage?.completion_tokens;
      const parts = [
        first !== undefined && `first text after ${Math.round(first)} ms`,
        `whole after ${Math.round(performance.now() - began)} ms`,
        typeof tokens === "number" && count(tokens, "token"),
      ];
      say(figures, parts.filter(Boolean).join(", "));
      return text.data;
    },
    fail(message) {
      node.append(element("p", { class: "problem", role: "alert" }, message));
      turns.scrollTop = turns.scrollHeight;
    },
  };
}
