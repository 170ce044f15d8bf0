// The page: asks for the token once, then shows the workspace and looks again every two seconds.

import { Api, GoneError, RefusedError } from "./api.js";
import { callsPanel } from "./calls.js";
import { say } from "./dom.js";
import { endpointsPanel } from "./endpoints.js";
import { faultsPanel } from "./faults.js";
import { playgroundPanel } from "./playground.js";
import { scopesPanel } from "./scopes.js";
import * as session from "./session.js";

const EVERY_MS = 2_000;
const at = (id) => document.getElementById(id);

/** Show the workspace's panels, and keep them as it is. */
function open(api, { user, workspace }) {
  say(at("who"), `${workspace} as ${user}`);
  at("door").hidden = true;
  at("panels").hidden = at("leave").hidden = false;
  at("leave").addEventListener("click", () => session.leave());

  const then = (action) => async (...given) => {
    await action(...given);
    await look();
  };
  const quietly = (action) => () => then(action)().catch(unwell);
  const endpoints = endpointsPanel(at("endpoints"), { detail: (name) => api.endpoint(name) });
  const playground = playgroundPanel(at("playground"), { stream: (...given) => api.stream(...given) });
  const calls = callsPanel(at("calls"), { forget: quietly(() => api.forgetRequests()) });
  const scopes = scopesPanel(at("scopes"), { keys: (scope) => api.keys(scope) });
  const faults = faultsPanel(at("faults"), {
    arm: then((fault) => api.arm(fault)),
    clear: quietly(() => api.clearFaults()),
  });

  let looks = 0;
  async function look() {
    const mine = ++looks;
    const [served, traffic, requests, unknown, kept, armed] = await Promise.all([
      api.endpoints(),
      api.traffic(),
      api.requests(),
      api.unknownRoutes(),
      api.scopes(),
      api.armedFaults(),
    ]);
    if (mine !== looks) return; // a later look is on its way, and may show what this one came too early for
    endpoints(served, traffic);
    calls(requests, unknown);
    scopes(kept);
    playground(served);
    faults(armed);
    well();
  }

  let waiting;
  async function lookAgain() {
    clearTimeout(waiting);
    if (document.hidden) return; // until it is looked at again
    await look().catch(unwell);
    clearTimeout(waiting);
    waiting = setTimeout(lookAgain, EVERY_MS);
  }
  document.addEventListener("visibilitychange", lookAgain);
  lookAgain();
}

function well() {
  at("panels").classList.remove("old");
  at("health").className = "";
  say(at("health"), "up to date");
}

function unwell(error) {
  if (error instanceof RefusedError) {
    session.leave("The workspace does not take the token any more.");
    return;
  }
  at("panels").classList.add("old");
  at("health").className = "problem";
  say(at("health"), `${error.message} What is shown may be old; trying again.`);
}

/** Ask for the token, and come in with it. */
function ask(reason) {
  const [door, field, refused] = [at("door"), at("token"), at("refused")];
  door.hidden = false;
  say(refused, reason);
  field.focus();
  door.addEventListener("submit", async (event) => {
    event.preventDefault();
    say(refused, await enter(field.value.trim()));
    if (refused.textContent) field.select();
    else field.value = "";
  });
}

/** Try a token. @returns {Promise<string>} why it is of no use; empty if it is */
async function enter(token) {
  // A header takes no other characters, and the browser's own error would repeat them.
  if (!/^[!-~]+$/.test(token)) return "That is no token: it holds spaces or characters that no token has.";
  const api = new Api(token);
  let who;
  try {
    who = await api.me();
  } catch (error) {
    if (error instanceof RefusedError) return "The workspace refuses this token.";
    if (error instanceof GoneError) return `${error.message} Is it running?`;
    return error.message;
  }
  session.keep(token);
  open(api, who);
  return "";
}

const known = session.token();
const problem = known === null ? session.reasonForLeaving() : await enter(known);
if (known === null || problem) ask(problem);
