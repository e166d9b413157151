// The stream of state documents, and how long it has been silent. Opens anew what the browser gave up.

const STALE_MS = 3000;
const RENEW_MS = 10000;
const RETRY_MS = 2000;

/** Calls `onState(document)` for each document and, while none comes, `onSilence(seconds, why)` twice a second. */
export class Connection {
  #source = null;
  #last = performance.now();
  #opened = 0;
  #onState;
  #onSilence;
  #why = "";

  constructor(onState, onSilence) {
    this.#onState = onState;
    this.#onSilence = onSilence;
    this.#open();
    setInterval(() => this.#watch(), 500);
  }

  #open() {
    this.#opened = performance.now();
    this.#source?.close();
    this.#source = new EventSource("page/events");
    this.#source.addEventListener("state", (event) => {
      this.#last = performance.now();
      this.#why = "";
      this.#onState(JSON.parse(event.data));
    });
  }

  #watch() {
    const now = performance.now();
    const silent = now - this.#last;
    if (silent > STALE_MS) this.#onSilence(silent / 1000, this.#why);
    const waited = now - this.#opened;
    const gaveUp = this.#source.readyState === EventSource.CLOSED && waited > RETRY_MS;
    if (gaveUp || (silent > RENEW_MS && waited > RENEW_MS)) {
      this.#open();
      whyRefused().then((why) => (this.#why = why));
    }
  }
}

/** An EventSource does not say why it was refused; a plain request does, and is given up once it is let in. */
async function whyRefused() {
  const asking = new AbortController();
  try {
    const answer = await fetch("page/events", { signal: asking.signal });
    if (answer.status === 401) location.reload();
    return answer.ok ? "" : (await answer.json()).reason;
  } catch {
    return ""; // no connection: the next try will tell
  } finally {
    asking.abort();
  }
}

/** A request whose 401 loads the page anew, so that whoever guards the port can ask who one is. */
export async function get(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  if (answer.status === 401) location.reload();
  return answer;
}
