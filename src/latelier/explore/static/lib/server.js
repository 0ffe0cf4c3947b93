// Questions to the server. Of many that come fast only the newest is asked: one is under way, one waits.

const client = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const KINDS = { float32: Float32Array, int32: Int32Array, int8: Int8Array };
const AGAIN = 400; // ms between questions whose answer is not there yet

async function reached(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Error("The explorer does not answer. Is it still running in its terminal?");
  }
}

async function fetched(path, options) {
  const answer = await reached(path, options);
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(content.error ?? `The explorer answered ${answer.status}.`);
  return content;
}

/** What there is. */
export function site() {
  return fetched("/api/site");
}

/** Keeps a file at the server; gives the id of its picture. */
export async function upload(file) {
  const headers = { "content-type": "application/octet-stream" };
  return (await fetched("/api/upload", { method: "POST", headers, body: file })).picture;
}

/**
 * One answer of a panel's action; null if a newer question overtook it. `waiting` hears what share is done; `wanted`
 * says whether it is still waited for.
 */
export async function ask(run, panel, action, question, waiting = () => {}, wanted = () => true) {
  const path = `/api/${run}/${panel}/${action}`;
  const headers = { "content-type": "application/json", "x-client": client };
  for (;;) {
    const answer = await fetched(path, { method: "POST", headers, body: JSON.stringify(question) });
    if (answer.overtaken) return null;
    if (answer.waiting === undefined) return answer;
    waiting(answer.waiting);
    await new Promise((done) => setTimeout(done, AGAIN));
    if (!wanted()) return null;
  }
}

/** Many numbers that a panel has ready, as a typed array. */
export async function table(run, panel, name, query = {}) {
  const answer = await reached(`/api/${run}/${panel}/${name}.bin?${new URLSearchParams(query)}`, { headers: { "x-client": client } });
  const kind = answer.headers.get("x-table")?.split(" ")[0];
  if (!kind) throw new Error((await answer.json().catch(() => ({}))).error ?? `The explorer answered ${answer.status}.`);
  return new KINDS[kind](await answer.arrayBuffer());
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
