// Questions to the server. Of many that come fast only the newest is asked: one is under way, one waits.

const client = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const KINDS = { float32: Float32Array, int32: Int32Array, int8: Int8Array };
const AGAIN = 400; // ms between questions whose answer is not there yet
const LOOK = 1000; // ms between looks whether a server that was gone is back
const GONE = "The explorer does not answer. Is it still running in its terminal? This page goes on by itself once it does.";
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
let gone = false;

/** Begins to look for the server, which did not answer; the window hears "latelier-back" once it does. */
async function lost() {
  if (gone) return;
  gone = true;
  while (gone) {
    await pause(LOOK);
    gone = await fetch("/api/site").then(() => false, () => true);
  }
  dispatchEvent(new Event("latelier-back"));
}

/** Status and content of an answer; of long work `share` hears how far it is. */
async function read(answer, share) {
  if (!answer.headers.get("content-type")?.startsWith("application/x-ndjson")) return [answer.status, await answer.json().catch(() => ({}))];
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, last] = ["", {}];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      last = JSON.parse(line);
      if (last.share !== undefined) share(last.share);
    }
  }
  if (last.status === undefined) throw new Error(GONE);
  return [last.status, last.answer ?? last];
}

/** What `take` reads of an answer. */
async function reached(path, options, take) {
  try {
    return await take(await fetch(path, options));
  } catch (error) {
    if (options.signal?.aborted) throw error;
    lost();
    throw Object.assign(new Error(GONE), { gone: true });
  }
}

async function fetched(path, options = {}, share = () => {}) {
  const [status, content] = await reached(path, options, (answer) => read(answer, share));
  if (status >= 300) throw new Error(content.error ?? `The explorer answered ${status}.`);
  return content;
}

/** What there is. */
export function site() {
  return fetched("/api/site");
}

/** Keeps a file at the server; gives the id of its image. */
export async function upload(file) {
  const headers = { "content-type": "application/octet-stream" };
  return (await fetched("/api/upload", { method: "POST", headers, body: file })).image;
}

/**
 * One answer of a panel's action; null if a newer question overtook it, or `signal` left it. `waiting` hears what share
 * of all codes is there, `share` what share of the work itself is done; `wanted` says whether it is still waited for.
 */
export async function ask(run, panel, action, question, waiting = () => {}, wanted = () => true, { share = waiting, signal } = {}) {
  const path = `/api/${run}/${panel}/${action}`;
  const headers = { "content-type": "application/json", "x-client": client };
  while (!signal?.aborted) {
    const sent = { method: "POST", headers, body: JSON.stringify(question), signal };
    const answer = await fetched(path, sent, share).catch((error) => (signal?.aborted ? { overtaken: true } : Promise.reject(error)));
    if (answer.overtaken) return null;
    if (answer.waiting === undefined) return answer;
    waiting(answer.waiting);
    await pause(AGAIN);
    if (!wanted()) return null;
  }
  return null;
}

/** One answer of an action that is never overtaken; what is sent arrives also when the page is left meanwhile. */
export function post(run, panel, action, question) {
  const headers = { "content-type": "application/json", "x-client": client };
  return fetched(`/api/${run}/${panel}/${action}`, { method: "POST", headers, body: JSON.stringify(question), keepalive: true });
}

/** Many numbers that a panel has ready, as a typed array. */
export async function table(run, panel, name, query = {}) {
  const path = `/api/${run}/${panel}/${name}.bin?${new URLSearchParams(query)}`;
  const [kind, content, status] = await reached(path, { headers: { "x-client": client } }, async (answer) => {
    const known = answer.headers.get("x-table")?.split(" ")[0];
    return [known, known ? await answer.arrayBuffer() : await answer.json().catch(() => ({})), answer.status];
  });
  if (!kind) throw new Error(content.error ?? `The explorer answered ${status}.`);
  return new KINDS[kind](content);
}

/** Asks the newest question only; `show` gets each answer in turn, `fail` an error. */
export class Newest {
  constructor(send, show, fail) {
    Object.assign(this, { send, show, fail, busy: false, next: null });
  }

  ask(question) {
    this.next = question;
    if (!this.busy) this.work();
  }

  async work() {
    this.busy = true;
    while (this.next !== null) {
      const question = this.next;
      this.next = null;
      try {
        const answer = await this.send(question);
        if (answer !== null) this.show(answer, question);
      } catch (error) {
        this.fail(error);
      }
    }
    this.busy = false;
  }
}
