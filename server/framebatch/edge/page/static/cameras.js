// The grid of cameras: which are shown, in which order; one large. Cards are made once and changed in place.

import { byId, setText } from "./dom.js";
import { Card } from "./card.js";
import { Large } from "./large.js";
import { rankOf } from "./verdict.js";
import { Shots } from "./shots.js";
import { count } from "./words.js";

const REST_MS = 2000; // cards keep their places while a pointer or the keyboard is among them

const DENSE_FROM = 15; // more cameras on a wall leave little room for each

const names = new Intl.Collator("en", { numeric: true });

const ORDERS = {
  problems: (one, other) => rankOf(other.verdict.level) - rankOf(one.verdict.level),
  name: () => 0,
  latency: (one, other) => (other.camera.p95_ms ?? -1) - (one.camera.p95_ms ?? -1),
  rate: (one, other) => (other.camera.frames_per_second ?? -1) - (one.camera.frames_per_second ?? -1),
};

export class Cameras {
  #cards = new Map();
  #list = [];
  #cardOf = new WeakMap();
  #shots = new Shots();
  #sizes;
  #large;
  #grid = byId("grid");
  #touched = -Infinity;
  #aspect = 0;
  #leftOut = 0;

  constructor() {
    this.#large = new Large(() => this.shown.map(({ camera }) => camera.id));
    const controls = byId("controls");
    controls.addEventListener("input", () => this.#arrange(true));
    controls.addEventListener("submit", (event) => event.preventDefault());
    this.#grid.addEventListener("pointermove", () => (this.#touched = performance.now()));
    new ResizeObserver(() => this.#fit()).observe(this.#grid);
    this.#sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => this.#cardOf.get(target)?.repaint()));
  }

  /** Nothing is fetched while the connection is lost. */
  set paused(paused) {
    this.#shots.paused = paused;
    this.#large.paused = paused;
  }

  /** Show `list`, of {camera, verdict}. */
  update(list, { pictures, cameras_left_out: leftOut }) {
    this.#list = list;
    this.#leftOut = leftOut;
    this.#grid.classList.toggle("no-pictures", !pictures);
    for (const { camera, verdict } of list) {
      let card = this.#cards.get(camera.id);
      if (card === undefined) {
        card = new Card(camera.id, (id) => this.#large.open(id), (aspect) => this.#shape(aspect));
        this.#cards.set(camera.id, card);
        this.#cardOf.set(card.view, card);
        this.#sizes.observe(card.view);
        this.#shots.watch(card.element, card);
      }
      card.update(camera, verdict);
    }
    this.#dropGone(new Set(list.map(({ camera }) => camera.id)));
    this.#arrange(false);
    this.#large.update(list, pictures);
  }

  #dropGone(ids) {
    for (const [id, card] of this.#cards) {
      if (ids.has(id)) continue;
      this.#shots.forget(card.element);
      this.#sizes.unobserve(card.view);
      card.element.remove();
      this.#cards.delete(id);
    }
  }

  /** The cameras that pass the filter, in their order. */
  get shown() {
    const wanted = byId("filter").value.trim().toLowerCase();
    const onlyProblems = byId("only-problems").checked;
    const found = this.#list.filter(({ camera, verdict }) => {
      if (onlyProblems && rankOf(verdict.level) < rankOf("warn")) return false;
      return `${camera.id} ${camera.model} ${camera.priority} ${verdict.words} ${camera.last_reason}`.toLowerCase().includes(wanted);
    });
    const order = ORDERS[byId("order").value];
    return found.sort((one, other) => order(one, other) || names.compare(one.camera.id, other.camera.id));
  }

  #arrange(asked) {
    const shown = this.shown;
    const visible = new Set(shown.map(({ camera }) => camera.id));
    for (const [id, card] of this.#cards) card.element.hidden = !visible.has(id);
    const fresh = shown.some(({ camera }) => this.#cards.get(camera.id).element.parentNode === null);
    if (asked || fresh || !this.#inUse()) this.#place(shown.map(({ camera }) => this.#cards.get(camera.id).element));
    const all = this.#list.length + this.#leftOut;
    setText(byId("camera-count"), shown.length === all ? String(all) : `${shown.length} of ${all}`);
    this.#note(shown.length);
    this.#fit();
  }

  #inUse() {
    return performance.now() - this.#touched < REST_MS || this.#grid.contains(document.activeElement);
  }

  /** Move only what is not in its place. */
  #place(elements) {
    let next = this.#grid.firstChild;
    for (const element of elements) {
      if (element === next) next = next.nextSibling;
      else this.#grid.insertBefore(element, next);
    }
  }

  #note(shown) {
    const notes = [];
    if (this.#list.length === 0) notes.push("No camera has sent a frame yet.");
    else if (shown === 0) notes.push("No camera passes the filter.");
    if (this.#leftOut > 0) notes.push(`${count(this.#leftOut, "more camera")} not listed here; /metrics has all.`);
    byId("cameras-note").hidden = notes.length === 0;
    setText(byId("cameras-note"), notes.join(" "));
  }

  #shape(aspect) {
    if (this.#aspect !== 0) return;
    this.#aspect = aspect;
    this.#grid.style.setProperty("--aspect", String(Math.min(2, Math.max(0.75, aspect))));
    this.#fit();
  }

  /** Choose columns: by the cards' least width, and on a wall so that all fit. */
  #fit() {
    const number = [...this.#cards.values()].filter((card) => !card.element.hidden).length;
    const crowd = number <= 1 ? "one" : number <= 4 ? "few" : number <= 12 ? "some" : number <= 60 ? "many" : "crowd";
    if (this.#grid.dataset.crowd !== crowd) this.#grid.dataset.crowd = crowd;
    if (document.documentElement.hasAttribute("data-wall")) this.#fitWall(number);
  }

  #fitWall(number) {
    const { clientWidth: width, clientHeight: height } = this.#grid;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const dense = number > DENSE_FROM;
    const facts = (dense ? 3.9 : 6.6) * rem;
    const most = Math.min(number, Math.max(1, Math.floor(width / ((dense ? 9 : 13) * rem))));
    let best = { columns: most, picture: 0 };
    for (let columns = 1; columns <= most; columns += 1) {
      const rows = Math.ceil(number / columns);
      const picture = Math.min(width / columns - rem, (height / rows - facts) * (this.#aspect || 4 / 3));
      if (picture > best.picture) best = { columns, picture };
    }
    this.#grid.classList.toggle("dense", dense);
    this.#grid.style.setProperty("--columns", String(best.columns));
  }
}
