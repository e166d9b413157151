// A plot by hand: a frame with axes in whole units, drawn in CSS pixels so that its text keeps its size.

import { draw, make, setText } from "./dom.js";

/** Ticks from 0 on that look round, about `most` of them; the last is at least `top`. */
export function ticks(top, most = 4) {
  const rough = Math.max(top, 1e-9) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * 0.999);
  const found = [];
  for (let at = 0; at < top + step * 0.999; at += step) found.push(Number(at.toPrecision(6)));
  return found;
}

/** A figure with a title, a legend of [class, words], and an SVG that is drawn anew by `redraw(plot)` when it must be. */
export class Plot {
  #svg;
  #redraw = () => undefined;

  constructor({ title, description, legend = [] }) {
    this.note = make("span", "plot-note");
    this.#svg = draw("svg", { class: "plot", role: "img", "aria-label": description });
    const keys = legend.map(([name, words]) => make("span", "key", make("span", `mark ${name}`), words));
    const head = make("figcaption", "", make("span", "plot-title", title), this.note, make("span", "legend", ...keys));
    this.element = make("figure", "plot-figure", head, this.#svg);
    new ResizeObserver(() => this.#paint()).observe(this.#svg);
  }

  get font() {
    return parseFloat(getComputedStyle(this.#svg).fontSize) || 11;
  }

  /** Draw with `redraw`, now and whenever the size changes; `note` stands beside the title. */
  show(redraw, note = "") {
    this.#redraw = redraw;
    setText(this.note, note);
    this.#paint();
  }

  #paint() {
    const width = this.#svg.clientWidth;
    if (width === 0) return;
    const font = this.font;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${this.#svg.clientHeight}`);
    this.#svg.replaceChildren();
    this.#redraw(new Frame(this.#svg, width, this.#svg.clientHeight, font));
  }
}

/** The inside of a plot: scales, axes and marks. */
class Frame {
  constructor(svg, width, height, font) {
    this.svg = svg;
    this.font = font;
    this.left = font * 2.9;
    this.right = width - font * 0.9;
    this.top = font * 0.9;
    this.bottom = height - font * 1.6;
  }

  /** Set what the axes span; y starts at 0. */
  scale([x0, x1], yTop) {
    this.x = (value) => this.left + ((value - x0) / (x1 - x0)) * (this.right - this.left);
    this.y = (value) => this.bottom - (Math.min(value, yTop) / yTop) * (this.bottom - this.top);
  }

  /** Both axes on logarithms, from the first to the second of each. */
  scaleLogarithms([x0, x1], [y0, y1]) {
    const share = (value, low, high) => Math.log(Math.min(high, Math.max(low, value)) / low) / Math.log(high / low);
    this.x = (value) => this.left + share(value, x0, x1) * (this.right - this.left);
    this.y = (value) => this.bottom - share(value, y0, y1) * (this.bottom - this.top);
  }

  yAxis(values, words = String) {
    for (const value of values) {
      const y = this.y(value).toFixed(1);
      this.add("line", { class: value === values[0] ? "base" : "rule", x1: this.left, x2: this.right, y1: y, y2: y });
      this.text(this.left - this.font * 0.5, Number(y) + this.font * 0.35, words(value), "end");
    }
  }

  xAxis(values, words = String) {
    for (const value of values) this.text(this.x(value), this.bottom + this.font * 1.2, words(value), "middle");
  }

  /** Name the x axis below its ticks; to be called before `scale`. */
  xName(words) {
    this.bottom -= this.font * 1.2;
    this.text((this.left + this.right) / 2, this.bottom + this.font * 2.4, words, "middle");
  }

  /** Say that there is nothing to draw. */
  nothing(words) {
    this.text((this.left + this.right) / 2, (this.top + this.bottom) / 2, words, "middle", "nothing");
  }

  text(x, y, words, anchor, name = "tick") {
    this.add("text", { class: name, x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor }).textContent = words;
  }

  path(name, d) {
    return this.add("path", { class: name, d });
  }

  line(name, points) {
    return this.path(name, points.map(([x, y], index) => `${index ? "L" : "M"}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`).join(""));
  }

  /** Dots as one path of lines without length. */
  dots(name, points) {
    return this.path(name, points.map(([x, y]) => `M${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}h.01`).join(""));
  }

  /** Bars from `low` to `high` as one path; its stroke is as wide as a bar. */
  bars(name, points, width) {
    const path = this.path(name, points.map(([x, low, high]) => `M${this.x(x).toFixed(1)} ${this.y(low).toFixed(1)}V${this.y(high).toFixed(1)}`).join(""));
    path.style.strokeWidth = `${width.toFixed(1)}px`;
    return path;
  }

  add(tag, attributes) {
    const element = draw(tag, attributes);
    this.svg.append(element);
    return element;
  }
}
