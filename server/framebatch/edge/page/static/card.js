// One camera in the grid: its picture, its name, how it does, and what is wrong. Changed in place.

import { make, makeIcon, setAttribute, setIcon, setText, setWidth } from "./dom.js";
import { decode, inWords, paint } from "./picture.js";
import { losses, ms, nameOf, OUTCOMES, rate, span } from "./words.js";

const OLD_SECONDS = 5; // a picture that is older says so

export class Card {
  id;
  newest = null;
  number = null;
  level = "";
  #parts;
  #image = null;
  #shot = null;
  #taken = null;
  #onAspect;

  /** `onOpen(id)` when it is clicked; `onAspect(width / height)` when its picture's shape is known. */
  constructor(id, onOpen, onAspect) {
    this.id = id;
    this.#onAspect = onAspect;
    const parts = {
      canvas: make("canvas"),
      why: make("p", "why"),
      icon: makeIcon(),
      name: make("button", "name", nameOf(id)),
      tags: make("span", "tags"),
      words: make("p", "words"),
      rate: make("span", "rate"),
      latency: new Latency(),
      outcomes: new OutcomeBar(),
    };
    parts.name.type = "button";
    parts.name.title = nameOf(id);
    setAttribute(parts.name, "aria-haspopup", "dialog");
    setAttribute(parts.canvas, "role", "img");
    parts.name.addEventListener("click", () => onOpen(id));
    parts.view = make("div", "view", parts.canvas, parts.why);
    const title = make("h3", "title", parts.icon, parts.name);
    const line = make("div", "line", parts.words, parts.rate);
    this.element = make("li", "card", parts.view, make("div", "facts", title, line, parts.latency.element, parts.outcomes.element));
    parts.outcomes.element.append(parts.tags);
    this.#parts = parts;
  }

  /** Seconds since the picture was taken, 0 without one. */
  get #age() {
    return this.#taken === null ? 0 : performance.now() / 1000 - this.#taken;
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
    setText(parts.words, verdict.short ?? verdict.words);
    setText(parts.rate, `${rate(camera.frames_per_second)} fps`);
    parts.latency.update(verdict.silent ? { ...camera, latency_ms: null, p95_ms: null } : camera);
    parts.outcomes.update(camera.outcomes);
    setText(parts.tags, tagsOf(camera).join(" · "));
    setText(parts.why, whyOf(camera, verdict, this.#age));
    setAttribute(this.element, "data-silent", verdict.silent ? "" : null);
    if (this.#shot === null) setAttribute(parts.canvas, "aria-label", `No picture of ${nameOf(this.id)} yet`);
  }

  /** Decode and draw a shot. */
  async show(shot) {
    const image = await decode(shot);
    this.#image = image;
    this.#shot = shot;
    this.number = shot.number;
    this.#taken = performance.now() / 1000 - shot.age_seconds;
    this.#onAspect(shot.width / shot.height);
    setAttribute(this.element, "data-pictured", "");
    setAttribute(this.#parts.canvas, "aria-label", `Last picture of ${nameOf(this.id)}: ${inWords(shot.detections)}`);
    this.repaint();
  }

  /** Draw again, when the size has changed. */
  repaint() {
    const { canvas } = this.#parts;
    if (this.#image === null) return;
    paint(canvas, this.#image, this.#shot, { scores: false });
  }
}

/** What is written over the picture: that it is old, or why the last frame has no verdict. */
function whyOf(camera, verdict, age) {
  if (verdict.silent) return camera.last_age_seconds === null ? "" : `last frame ${span(camera.last_age_seconds)} ago`;
  const trouble = verdict.level !== "ok" && camera.last_outcome !== "OK" && camera.last_reason;
  if (trouble) return `${camera.last_outcome}: ${camera.last_reason}`;
  return age > OLD_SECONDS ? `picture from ${span(age)} ago` : "";
}

/** What is out of the ordinary about a camera. */
function tagsOf(camera) {
  const tags = [];
  if (camera.priority && camera.priority !== "normal") tags.push(camera.priority);
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
    const figures = deadline === null ? `${ms(last)} ms` : last === null ? `deadline ${ms(deadline)} ms` : `${ms(last)} of ${ms(deadline)} ms`;
    setText(this.figures, figures);
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
