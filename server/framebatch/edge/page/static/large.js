// One camera large: faster pictures, its figures, what was found. A dialog that Escape closes; arrows go to the next camera.

import { Latency, OutcomeBar } from "./card.js";
import { byId, make, makeIcon, setAttribute, setIcon, setText } from "./dom.js";
import { decode, inWords, paint } from "./picture.js";
import { fetchShot } from "./shots.js";
import { clock, figure, MEANING, ms, nameOf, OUTCOMES, percent, rate, span } from "./words.js";

const EVERY_MS = 250;
const FACTS = ["last answer", "95 % within", "deadline", "frames received", "last frame", "model", "priority", "mode"];

export class Large {
  paused = false;
  #id = null;
  #neighbours;
  #parts = null;
  #newest = null;
  #number = null;
  #image = null;
  #shot = null;
  #busy = false;
  #dialog = byId("large");

  /** `neighbours()` gives the ids that the arrows walk through. */
  constructor(neighbours) {
    this.#neighbours = neighbours;
    this.#dialog.addEventListener("close", () => (this.#id = null));
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#dialog.addEventListener("keydown", (event) => this.#walk(event.key));
    setInterval(() => this.#feed(), EVERY_MS);
  }

  open(id) {
    if (this.#parts === null) this.#build();
    this.#show(id);
    this.#dialog.showModal();
    this.#feed();
  }

  #show(id) {
    this.#id = id;
    this.#number = this.#image = this.#shot = null;
    const { canvas, title, found, why } = this.#parts;
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    setText(title, nameOf(id));
    setText(found, "");
    setText(why, "");
    if (this.#last) this.update(...this.#last);
  }

  #last = null;

  #walk(key) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    const ids = this.#neighbours();
    if (step === undefined || ids.length === 0) return;
    this.#show(ids[(ids.indexOf(this.#id) + step + ids.length) % ids.length]);
  }

  #build() {
    const parts = {
      canvas: make("canvas"),
      icon: makeIcon(),
      title: make("span"),
      verdict: make("p", "verdict"),
      why: make("p", "reason"),
      found: make("p", "found"),
      latency: new Latency(),
      outcomes: new OutcomeBar(),
      facts: new Map(FACTS.map((name) => [name, make("dd")])),
      counts: new Map(OUTCOMES.map((name) => [name, { number: make("td"), share: make("td") }])),
    };
    setAttribute(parts.canvas, "role", "img");
    parts.view = make("div", "view", parts.canvas);
    const close = make("button", "tool", "Close");
    close.type = "button";
    close.addEventListener("click", () => this.#dialog.close());
    const heading = make("h2", "", parts.icon, parts.title);
    heading.id = "large-title";
    const facts = make("dl", "large-facts", ...[...parts.facts].map(([name, value]) => make("div", "", make("dt", "", name), value)));
    const rows = [...parts.counts].map(([name, { number, share }]) => {
      const head = make("th", "", make("span", `swatch ${name}`), name, make("span", "meaning", MEANING[name]));
      head.scope = "row";
      return make("tr", "", head, number, share);
    });
    const table = make("table", "counts", make("caption", "", "Outcomes of the last 10 s"), make("tbody", "", ...rows));
    const side = make("div", "side", parts.verdict, parts.why, parts.latency.element, facts, parts.outcomes.element, table);
    this.#dialog.append(make("div", "large-top", heading, close), make("div", "large-body", make("div", "", parts.view, parts.found), side));
    new ResizeObserver(() => this.#repaint()).observe(parts.view);
    this.#parts = parts;
  }

  /** Show the newest figures of the camera that is open. */
  update(list, pictures) {
    this.#last = [list, pictures];
    if (this.#id === null || this.#parts === null) return;
    const entry = list.find(({ camera }) => camera.id === this.#id);
    if (entry === undefined) {
      this.#newest = null;
      setText(this.#parts.verdict, "The server does not list this camera any more");
      return;
    }
    this.#figures(entry);
    this.#parts.view.hidden = !pictures;
    if (!pictures) setText(this.#parts.found, "Pictures are switched off on this server.");
  }

  #figures({ camera, verdict }) {
    const parts = this.#parts;
    this.#newest = camera.shot;
    setIcon(parts.icon, verdict.level);
    setAttribute(this.#dialog, "data-level", verdict.level);
    setText(parts.verdict, verdict.words);
    setText(parts.why, camera.last_outcome !== "OK" && camera.last_reason ? `Last frame ${camera.last_outcome}: ${camera.last_reason}` : "");
    parts.latency.update(camera);
    parts.outcomes.update(camera.outcomes);
    const all = OUTCOMES.reduce((sum, name) => sum + camera.outcomes[name], 0);
    for (const [name, { number, share }] of parts.counts) {
      setAttribute(number.parentElement, "data-none", camera.outcomes[name] === 0 ? "" : null);
      setText(number, figure(camera.outcomes[name]));
      setText(share, all === 0 ? "–" : `${percent(camera.outcomes[name] / all)} %`);
    }
    const values = [`${ms(camera.latency_ms)} ms`, `${ms(camera.p95_ms)} ms`, `${ms(camera.deadline_ms)} ms`, `${rate(camera.frames_per_second)} a second`];
    values.push(camera.last_age_seconds === null ? "–" : `${span(camera.last_age_seconds)} ago`);
    values.push(camera.model || "–", camera.priority || "–", camera.live ? "newest frame only" : "every frame");
    FACTS.forEach((name, index) => setText(parts.facts.get(name), values[index]));
  }

  async #feed() {
    if (this.#id === null || this.paused || this.#busy || document.hidden) return;
    if (this.#newest === null) return;
    this.#busy = true;
    const id = this.#id;
    try {
      const shot = await fetchShot(id, { large: true });
      if (shot === null || id !== this.#id || shot.number === this.#number) return;
      const image = await decode(shot);
      if (id !== this.#id) return;
      Object.assign(this.#parts.view.style, { aspectRatio: `${shot.width} / ${shot.height}` });
      this.#number = shot.number;
      this.#image = image;
      this.#shot = shot;
      this.#repaint();
      const found = inWords(shot.detections, 8);
      setAttribute(this.#parts.canvas, "aria-label", `Last picture of ${nameOf(id)}: ${found}`);
      const outcome = shot.outcome === "OK" ? found : `no verdict, ${shot.outcome}`;
      setText(this.#parts.found, `${outcome} · ${clock(Date.now() / 1000 - shot.age_seconds)}, ${shot.width} × ${shot.height}`);
    } catch {
      // no connection, or no picture: the next turn tries again
    } finally {
      this.#busy = false;
    }
  }

  #repaint() {
    if (this.#image === null) return;
    paint(this.#parts.canvas, this.#image, this.#shot, { scores: true });
  }
}
