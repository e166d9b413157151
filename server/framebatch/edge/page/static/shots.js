// Which pictures are asked for: those on screen, a new one about every second, a few requests at a time.

import { get } from "./connection.js";

const AT_ONCE = 4;
const EVERY_MS = 1000;

/** The last picture of a camera; null where there is none, with nothing to say about it. */
export async function fetchShot(id, { large = false } = {}) {
  const answer = await get(`page/cameras/${encodeURIComponent(id)}/shot${large ? "?large=1" : ""}`);
  return answer.ok ? answer.json() : null;
}

/**
 * Feeds what is on screen. A viewer has: id, newest (number of the newest shot or null), number (that it shows),
 * and show(shot), which resolves when it is drawn. At most one request per viewer, and AT_ONCE in all.
 */
export class Shots {
  #visible = new Set();
  #next = new Map();
  #busy = new Set();
  #observer;
  #viewers = new WeakMap();
  paused = false;

  constructor() {
    this.#observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "100px" });
    setInterval(() => this.#feed(), 100);
  }

  watch(element, viewer) {
    this.#viewers.set(element, viewer);
    this.#observer.observe(element);
  }

  forget(element) {
    const viewer = this.#viewers.get(element);
    this.#observer.unobserve(element);
    this.#visible.delete(viewer);
    this.#next.delete(viewer);
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const viewer = this.#viewers.get(target);
      if (isIntersecting) this.#visible.add(viewer);
      else this.#visible.delete(viewer);
    }
  }

  #feed() {
    if (this.paused || document.hidden) return;
    const now = performance.now();
    const due = [...this.#visible].filter((viewer) => !this.#busy.has(viewer) && isNew(viewer) && (this.#next.get(viewer) ?? 0) <= now);
    due.sort((one, other) => (this.#next.get(one) ?? 0) - (this.#next.get(other) ?? 0));
    for (const viewer of due.slice(0, AT_ONCE - this.#busy.size)) this.#fetch(viewer, now);
  }

  async #fetch(viewer, now) {
    this.#busy.add(viewer);
    this.#next.set(viewer, now + EVERY_MS);
    try {
      const shot = await fetchShot(viewer.id);
      if (shot !== null) await viewer.show(shot);
    } catch {
      this.#next.set(viewer, now + 3 * EVERY_MS); // no connection, or no picture: later
    } finally {
      this.#busy.delete(viewer);
    }
  }
}

function isNew(viewer) {
  return viewer.newest !== null && viewer.newest !== viewer.number;
}
