// Calls to the workspace, as any client makes them; `/_local/api` answers as `/api` does, but leaves no trace.

const PATIENCE_MS = 10_000;

/** The workspace does not take the token. */
export class RefusedError extends Error {}

/** There was no answer, or it broke off. */
export class GoneError extends Error {}

/** The workspace answered with an error. */
export class ApiError extends Error {
  constructor(status, { error_code: code, message }) {
    super(`${status} ${code ?? ""}: ${message ?? "no message"}`);
    // The gateway writes the status where every other error has a code: that is how a bad token is told from a right
    // that is missing.
    this.refusesToken = (status === 401 || status === 403) && typeof code === "number";
  }
}

/** A client for one token. */
export class Api {
  #token;

  constructor(token) {
    this.#token = token;
  }

  /** Who the token is, and of which workspace. */
  async me() {
    const answer = await this.#observe("GET", "/_local/api/2.0/preview/scim/v2/Me");
    const { userName } = await json(answer);
    return { user: userName, workspace: answer.headers.get("x-databricks-org-id") };
  }

  async endpoints() {
    return (await this.#read("/_local/api/2.0/serving-endpoints")).endpoints ?? [];
  }

  endpoint(name) {
    return this.#read(`/_local/api/2.0/serving-endpoints/${encodeURIComponent(name)}`);
  }

  async scopes() {
    return (await this.#read("/_local/api/2.0/secrets/scopes/list")).scopes ?? [];
  }

  async keys(scope) {
    return (await this.#read(`/_local/api/2.0/secrets/list?scope=${encodeURIComponent(scope)}`)).secrets ?? [];
  }

  async requests() {
    return (await this.#read("/_local/requests")).requests;
  }

  async traffic() {
    return (await this.#read("/_local/traffic")).endpoints;
  }

  async unknownRoutes() {
    return (await this.#read("/_local/unknown")).unknown;
  }

  async armedFaults() {
    return (await this.#read("/_local/faults")).armed;
  }

  async arm(fault) {
    await json(await this.#observe("POST", "/_local/faults", { faults: [fault] }));
  }

  async clearFaults() {
    await json(await this.#observe("DELETE", "/_local/faults"));
  }

  async forgetRequests() {
    await json(await this.#observe("DELETE", "/_local/requests"));
  }

  /**
   * Call an endpoint and let it stream. This one is a call like any other: it is recorded, and faults hit it.
   * @returns {Promise<ReadableStream<Uint8Array>>}
   */
  async stream(endpoint, messages, signal) {
    const path = `/serving-endpoints/${encodeURIComponent(endpoint)}/invocations`;
    const answer = await this.#send("POST", path, { messages, stream: true }, signal);
    if (!answer.ok) await json(answer);
    return answer.body;
  }

  async #read(path) {
    return json(await this.#observe("GET", path));
  }

  /** Ask something of which the answer is about the workspace: a refusal can only mean the token. */
  async #observe(method, path, body) {
    const answer = await this.#send(method, path, body, AbortSignal.timeout(PATIENCE_MS));
    if (answer.ok) return answer;
    const error = await errorOf(answer);
    throw error.refusesToken ? new RefusedError(error.message) : error;
  }

  async #send(method, path, body, signal) {
    const headers = { Authorization: `Bearer ${this.#token}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
      return await fetch(path, { method, headers, body: JSON.stringify(body), signal, cache: "no-store" });
    } catch (error) {
      throw error.name === "AbortError" ? error : new GoneError("The workspace does not answer.");
    }
  }
}

async function json(answer) {
  if (!answer.ok) throw await errorOf(answer);
  try {
    return await answer.json();
  } catch {
    throw new GoneError("The workspace's answer broke off.");
  }
}

async function errorOf(answer) {
  let body = {};
  try {
    body = (await answer.json()) ?? {};
  } catch {
    // An error without JSON still has its status.
  }
  return new ApiError(answer.status, body);
}
