// The stream of state documents, and how long it has been silent. Opens anew what the browser gave up.

const STALE_MS = 3000;
const RENEW_MS = 10000;
const RETRY_MS = 2000;

/** Calls `onState(document)` for each document and `onSilence(seconds | null)` once a second: null while they come. */
export class Connection {
  #source = null;
  #last = performance.now();
  #opened = 0;
  #onState;
  #onSilence;

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
      this.#onState(JSON.parse(event.data));
    });
  }

  #watch() {
    const now = performance.now();
    const silent = now - this.#last;
    this.#onSilence(silent > STALE_MS ? silent / 1000 : null);
    const waited = now - this.#opened;
    const gaveUp = this.#source.readyState === EventSource.CLOSED && waited > RETRY_MS;
    if (gaveUp || (silent > RENEW_MS && waited > RENEW_MS)) {
      this.#open();
      reloadIfLoggedOut();
    }
  }
}

/** An EventSource does not say that it was refused for want of a login; a plain request does. */
async function reloadIfLoggedOut() {
  try {
    await get(".");
  } catch {
    // no connection: the next try will tell
  }
}

/** A request whose 401 loads the page anew, so that whoever guards the port can ask who one is. */
export async function get(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  if (answer.status === 401) location.reload();
  return answer;
}
