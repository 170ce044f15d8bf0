// What a streamed answer says: server-sent events, put together from pieces of bytes that end anywhere.

/** A stream that went wrong after it began. */
export class StreamError extends Error {}

/**
 * Read the JSON events of a stream.
 * @param {ReadableStream<Uint8Array>} body
 * @yields {object}
 * @throws {StreamError} it breaks off, holds an error, or ends without `[DONE]`
 */
export async function* events(body) {
  let broken = false;
  for await (const data of dataOf(linesOf(body))) {
    const event = data === "[DONE]" ? undefined : parsed(data);
    if (event?.error) throw new StreamError(`The stream failed: ${event.error.message ?? data}`);
    if (broken) break;
    if (data === "[DONE]") return;
    // An error may follow half an event, and says why it is half.
    if (event === undefined) broken = true;
    else yield event;
  }
  throw new StreamError(broken ? "The stream broke off within an event." : "The stream ended before its answer did.");
}

/** The text that an event adds to the answer; reasoning is told apart. */
export function textOf(event) {
  const content = event.choices?.[0]?.delta?.content ?? "";
  if (typeof content === "string") return { text: content, reasoning: "" };
  const parts = Array.isArray(content) ? content : [];
  return {
    text: parts.map((part) => part.text ?? "").join(""),
    reasoning: parts.flatMap((part) => part.summary ?? []).map((part) => part.text ?? "").join(""),
  };
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

async function* dataOf(lines) {
  let data = [];
  for await (const line of lines) {
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    else if (line === "" && data.length) {
      yield data.join("\n");
      data = [];
    }
  }
  // A last event without its empty line is what a truncated stream leaves: it is told, not dropped.
  if (data.length) yield data.join("\n");
}

async function* linesOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await next(reader);
      if (done) break;
      // A CR at the very end may be half of a CRLF: it waits for what follows.
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      yield* lines;
    }
    yield rest.replace(/\r$/, "");
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function next(reader) {
  try {
    return await reader.read();
  } catch (error) {
    throw error.name === "AbortError" ? error : new StreamError("The connection broke before the answer ended.");
  }
}
