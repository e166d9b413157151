// The top of the page: the sentence of state, what serves, the key figures and the alerts.

import { byId, ICONS, make, makeIcon, setAttribute, setIcon, setText, setWidth } from "./dom.js";
import { asSentence, clock, figure, ms, percent, rate, span } from "./words.js";
import { inTime, missed, sumOutcomes } from "./verdict.js";

const SPOKEN_EVERY_MS = 5000;
let spokenKey = "";
let spokenAt = -Infinity;

/** Show {level, key, sentence, detail}; it is read out when its key changes, at most every 5 s. */
export function showSentence({ level, key, sentence, detail = "" }) {
  byId("state").dataset.level = level;
  setAttribute(byId("state-icon"), "d", ICONS[level]);
  setText(byId("sentence"), sentence);
  setText(byId("detail"), detail);
  document.title = `${{ ok: "✓", idle: "–", warn: "!", bad: "✕", unknown: "…" }[level]} ${sentence} · framebatch`;
  if (key !== spokenKey && performance.now() - spokenAt > SPOKEN_EVERY_MS) {
    spokenKey = key;
    spokenAt = performance.now();
    setText(byId("spoken"), sentence);
  }
}

/** What serves, since when; a simulated device is said to be one. */
export function showServer({ server, time_unix_seconds: now }) {
  const facts = [server.device, `version ${server.version}`, `up ${span(server.uptime_seconds)}`];
  const device = byId("device");
  if (device.childElementCount === 0) device.append(make("strong", "simulated", "simulated device"), make("span"));
  device.firstChild.hidden = !server.simulated;
  setText(device.lastChild, facts.join(" · "));
  setText(byId("clock"), clock(now));
  byId("leave").hidden = !server.asks_who;
}

const FIRST_ALERTS = 3;
const FIGURES = ["in time", "latency, p99", "frames", "device busy", "load", "mean batch"];
const shown = new Map();

function makeFigure(name) {
  const value = make("span", "value");
  const unit = make("span", "unit");
  const fill = make("span", "fill");
  const note = make("dd", "note");
  const element = make("div", "figure", make("dt", "", name), make("dd", "number", value, unit), make("dd", "meter", fill), note);
  return { element, value, unit, fill, note };
}

function showFigure(name, { value, unit = "", note, share = null, level = "" }) {
  const figure = shown.get(name);
  setText(figure.value, value);
  setText(figure.unit, unit);
  setText(figure.note, note);
  setAttribute(figure.element, "data-level", level || null);
  figure.fill.parentElement.classList.toggle("none", share === null);
  setWidth(figure.fill, share ?? 0);
}

/** The key figures of all models together; latency is that of the model nearest to its deadlines. */
export function showFigures({ models, cameras }) {
  if (shown.size === 0) {
    for (const name of FIGURES) {
      shown.set(name, makeFigure(name));
      byId("figures").append(shown.get(name).element);
    }
  }
  showInTime(models);
  showLatency(models, cameras);
  const answered = total(models.map((model) => model.frames_per_second));
  const received = total(cameras.map((camera) => camera.frames_per_second));
  showFigure("frames", { value: rate(answered), unit: "/s", note: `of ${rate(received)} received`, share: received ? answered / received : null });
  const busy = total(models.map((model) => model.busy));
  showFigure("device busy", { value: percent(busy), unit: "%", note: "of the time", share: busy });
  const load = total(models.map((model) => model.load));
  const over = load !== null && load > 1;
  const spare = load === null ? "no figures yet" : over ? "more than it carries" : `${percent(1 - load)} % to spare`;
  showFigure("load", { value: load === null ? "–" : load.toFixed(2), note: spare, share: load, level: over ? "bad" : "" });
  showBatch(models);
}

function showInTime(models) {
  const outcomes = sumOutcomes(models.map((model) => model.outcomes));
  const share = inTime(outcomes);
  const lost = missed(outcomes);
  const level = share === null || share >= 0.99 ? "" : share < 0.9 ? "bad" : "warn";
  showFigure("in time", { value: percent(share), unit: "%", note: `${lost === 0 ? "none" : figure(lost)} missed in 10 s`, share, level });
}

function showLatency(models, cameras) {
  let nearest = null;
  for (const model of models) {
    const deadlines = cameras.filter((camera) => camera.model === model.name && camera.deadline_ms !== null).map((camera) => camera.deadline_ms);
    const p99 = model.latency_ms.p99;
    if (p99 === null) continue;
    const deadline = deadlines.length ? Math.min(...deadlines) : null;
    const share = deadline === null ? null : p99 / deadline;
    if (nearest === null || (share ?? 0) > (nearest.share ?? 0)) nearest = { p99, deadline, share, several: new Set(deadlines).size > 1 };
  }
  if (nearest === null) return showFigure("latency, p99", { value: "–", note: "no answers yet" });
  const { p99, deadline, share, several } = nearest;
  const note = deadline === null ? "" : several ? `shortest deadline ${ms(deadline)} ms` : `deadline ${ms(deadline)} ms`;
  return showFigure("latency, p99", { value: ms(p99), unit: "ms", note, share, level: share !== null && share > 1 && !several ? "warn" : "" });
}

function showBatch(models) {
  const recent = models.flatMap((model) => model.batches.filter(([age]) => age <= 10));
  const frames = total(recent.map((batch) => batch[1])) ?? 0;
  const limit = Math.max(0, ...models.map((model) => model.batch_limit ?? 0));
  const mean = recent.length ? frames / recent.length : null;
  const note = limit ? `of at most ${limit}` : "";
  showFigure("mean batch", { value: mean === null ? "–" : mean.toFixed(1), note, share: mean === null || !limit ? null : mean / limit });
}

function total(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length ? known.reduce((sum, value) => sum + value, 0) : null;
}

/** The alerts, in place: summary, since when, which page says what to do. The first few, until all are asked for. */
export function showAlerts({ alerts: all, time_unix_seconds: now }) {
  const list = byId("alert-list");
  const more = byId("more-alerts");
  const alerts = more.getAttribute("aria-expanded") === "true" ? all : all.slice(0, FIRST_ALERTS);
  byId("alerts").hidden = all.length === 0;
  more.hidden = all.length <= FIRST_ALERTS;
  setText(more, alerts.length < all.length ? `Show all ${all.length} alerts` : "Show fewer");
  while (list.childElementCount > alerts.length) list.lastChild.remove();
  while (list.childElementCount < alerts.length) {
    const about = make("p", "about");
    list.append(make("li", "alert", makeIcon(), make("div", "", make("p", "summary"), about)));
    about.append(make("span"), make("code", "runbook"));
  }
  alerts.forEach((alert, index) => {
    const item = list.children[index];
    const level = alert.severity === "critical" ? "bad" : "warn";
    setAttribute(item, "data-level", level);
    setIcon(item.firstChild, level);
    const [summary, about] = item.lastChild.children;
    setText(summary, asSentence(alert.summary, alert.model, alert.camera));
    const age = span(now - alert.since_unix_seconds);
    setText(about.firstChild, `${alert.severity}, since ${clock(alert.since_unix_seconds)} (${age}). What to do: `);
    setText(about.lastChild, alert.runbook);
  });
}
