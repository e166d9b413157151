// One camera in the grid: its picture, its name, how it does, and what is wrong. Changed in place.

import { make, makeIcon, setAttribute, setIcon, setText, setWidth } from "./dom.js";
import { decode, inWords, paint } from "./picture.js";
import { losses, ms, OUTCOMES, rate } from "./words.js";

export class Card {
  id;
  newest = null;
  number = null;
  level = "";
  #parts;
  #image = null;
  #shot = null;
  #onAspect;

  /** `onOpen(id)` when it is clicked; `onAspect(width / height)` when its picture's shape is known. */
  constructor(id, onOpen, onAspect) {
    this.id = id;
    this.#onAspect = onAspect;
    const parts = {
      canvas: make("canvas"),
      why: make("p", "why"),
      icon: makeIcon(),
      name: make("button", "name", id),
      tags: make("span", "tags"),
      words: make("p", "words"),
      rate: make("span", "rate"),
      latency: new Latency(),
      outcomes: new OutcomeBar(),
    };
    parts.name.type = "button";
    parts.name.title = id;
    setAttribute(parts.name, "aria-haspopup", "dialog");
    setAttribute(parts.canvas, "role", "img");
    parts.name.addEventListener("click", () => onOpen(id));
    parts.view = make("div", "view", parts.canvas, parts.why);
    const title = make("h3", "title", parts.icon, parts.name, parts.rate);
    this.element = make("li", "card", parts.view, make("div", "facts", title, parts.words, parts.latency.element, parts.outcomes.element, parts.tags));
    this.#parts = parts;
  }

  get view() {
    return this.#parts.view;
  }

  /** Show the newest figures; `verdict` is {level, words}. */
  update(camera, verdict) {
    const parts = this.#parts;
    this.newest = camera.shot;
    this.level = verdict.level;
    setAttribute(this.element, "data-level", verdict.level);
    setIcon(parts.icon, verdict.level);
    setText(parts.words, verdict.words);
    setText(parts.rate, `${rate(camera.frames_per_second)}/s`);
    parts.latency.update(camera);
    parts.outcomes.update(camera.outcomes);
    setText(parts.tags, tagsOf(camera).join(" · "));
    const trouble = verdict.level !== "ok" && camera.last_outcome !== "OK" && camera.last_reason;
    setText(parts.why, trouble ? `${camera.last_outcome}: ${camera.last_reason}` : "");
    if (this.#shot === null) setAttribute(parts.canvas, "aria-label", `No picture of ${this.id} yet`);
  }

  /** Decode and draw a shot. */
  async show(shot) {
    const image = await decode(shot);
    this.#image = image;
    this.#shot = shot;
    this.number = shot.number;
    this.#onAspect(shot.width / shot.height);
    setAttribute(this.element, "data-pictured", "");
    setAttribute(this.#parts.canvas, "aria-label", `Last picture of ${this.id}: ${inWords(shot.detections)}`);
    this.repaint();
  }

  /** Draw again, when the size has changed. */
  repaint() {
    const { canvas } = this.#parts;
    if (this.#image === null) return;
    const text = Math.max(10, Math.min(26, canvas.clientWidth / 24));
    paint(canvas, this.#image, this.#shot, { text, scores: false });
  }
}

/** What is out of the ordinary about a camera. */
function tagsOf(camera) {
  const tags = [];
  if (camera.priority !== "normal") tags.push(camera.priority);
  if (camera.live) tags.push("newest only");
  return tags;
}

/** The last answer's latency as a bar that is as long as the deadline, with a mark at the 95th percentile. */
export class Latency {
  constructor() {
    this.fill = make("span", "fill");
    this.mark = make("span", "mark");
    this.figures = make("span", "figures-of");
    this.element = make("div", "latency", make("span", "track", this.fill, this.mark), this.figures);
  }

  update({ latency_ms: last, p95_ms: p95, deadline_ms: deadline }) {
    const whole = deadline ?? Math.max(last ?? 0, p95 ?? 0, 1);
    setWidth(this.fill, (last ?? 0) / whole);
    this.mark.hidden = p95 === null;
    const left = `${Math.min(100, (100 * (p95 ?? 0)) / whole).toFixed(1)}%`;
    if (this.mark.style.left !== left) this.mark.style.left = left;
    setAttribute(this.element, "data-near", (p95 ?? 0) > 0.9 * whole ? "" : null);
    setText(this.figures, deadline === null ? `${ms(last)} ms` : `${ms(last)} of ${ms(deadline)} ms`);
    setAttribute(this.element, "title", `last answer ${ms(last)} ms, 95 % within ${ms(p95)} ms, deadline ${ms(deadline)} ms`);
  }
}

/** The outcomes of the window as one stacked bar, and the lost ones in words. */
export class OutcomeBar {
  constructor() {
    this.parts = new Map(OUTCOMES.map((name) => [name, make("span", `part ${name}`)]));
    this.words = make("span", "lost");
    this.bar = make("span", "stack", ...this.parts.values());
    this.element = make("div", "outcomes", this.bar, this.words);
  }

  update(outcomes) {
    const all = OUTCOMES.reduce((sum, name) => sum + (outcomes[name] ?? 0), 0);
    for (const [name, part] of this.parts) setWidth(part, all === 0 ? 0 : outcomes[name] / all);
    const lost = losses(outcomes);
    setText(this.words, lost);
    setAttribute(this.element, "title", `last 10 s: ${outcomes.OK} OK${lost ? `, ${lost}` : ""}`);
  }
}
