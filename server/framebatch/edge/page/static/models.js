// A section for each model: how it does, its profile, where the time goes, its plots. Several can be folded.

import { byId, make, makeIcon, setAttribute, setIcon, setText, setWidth } from "./dom.js";
import { makePlots, showPlots } from "./plots.js";
import { day, figure, ms, percent, rate, span } from "./words.js";

const STAGES = { decode: "decode", queue: "queue", device: "device", post: "after" };
const FACTS = ["latency", "slack", "waiting", "device busy", "load", "derate", "since start"];

const OPEN_MODELS = 2; // more begin folded

const sections = new Map();

/** Show every model in place; those that left go. */
export function showModels({ models }) {
  const list = byId("model-list");
  for (const model of models) {
    if (!sections.has(model.name)) {
      sections.set(model.name, new Section(model.name));
      list.append(sections.get(model.name).element);
    }
    sections.get(model.name).update(model);
  }
  const names = new Set(models.map((model) => model.name));
  for (const [name, section] of sections) {
    if (names.has(name)) continue;
    section.element.remove();
    sections.delete(name);
  }
  list.classList.toggle("single", models.length === 1);
}

class Section {
  #parts;
  #plots = makePlots();

  constructor(name) {
    const parts = {
      icon: makeIcon(),
      about: make("span", "about"),
      warnings: make("ul", "warnings"),
      profile: make("p", "profile"),
      stages: new Stages(),
      facts: new Map(FACTS.map((fact) => [fact, make("dd")])),
    };
    const title = make("h3", "title", parts.icon, make("span", "model-name", name), parts.about);
    const facts = make("dl", "facts-of", ...[...parts.facts].map(([fact, value]) => make("div", "", make("dt", "", fact), value)));
    const { throughput, batches, curve } = this.#plots;
    curve.element.classList.add("tall");
    const plots = make("div", "plots", throughput.element, batches.element, curve.element, make("div", "", parts.stages.element, facts));
    this.element = make("details", "model", make("summary", "", title), parts.warnings, plots, parts.profile);
    this.element.open = sections.size < OPEN_MODELS;
    this.#parts = parts;
  }

  update(model) {
    const parts = this.#parts;
    setIcon(parts.icon, model.up ? "ok" : "bad");
    setAttribute(this.element, "data-level", model.up ? null : "bad");
    setText(parts.about, `${model.family}, ${model.input.join(" × ")}, version ${model.version}`);
    this.#warn(model);
    setText(parts.profile, profileInWords(model.profile));
    parts.stages.update(model.stages_ms);
    this.#facts(model);
    showPlots(this.#plots, model);
  }

  #warn(model) {
    const warnings = [];
    if (!model.up) warnings.push(`Cannot be run: ${model.why_down || "no reason given"}`);
    if (model.recalibration_due) warnings.push("Batches have long taken other times than were measured: calibrate anew");
    if (model.one_by_one) warnings.push("Frames are run one at a time, because batches would answer otherwise");
    const list = this.#parts.warnings;
    list.hidden = warnings.length === 0;
    while (list.childElementCount > warnings.length) list.lastChild.remove();
    while (list.childElementCount < warnings.length) list.append(make("li"));
    warnings.forEach((words, index) => setText(list.children[index], words));
  }

  #facts(model) {
    const { latency_ms: latency, slack_ms: slack, totals } = model;
    const all = Object.values(totals).reduce((sum, number) => sum + number, 0);
    const values = {
      latency: `p50 ${ms(latency.p50)} · p95 ${ms(latency.p95)} · p99 ${ms(latency.p99)} ms`,
      slack: `p1 ${ms(slack.p1)} · p50 ${ms(slack.p50)} ms left`,
      waiting: `${figure(model.waiting)} frames`,
      "device busy": `${percent(model.busy)} %`,
      load: model.load === null ? "–" : `${model.load.toFixed(2)} of the device, ${rate(model.frames_per_second)}/s answered`,
      derate: model.derate === null ? "–" : `${percent(model.derate)} % of what was measured`,
      "since start": `${figure(totals.OK)} of ${figure(all)} frames OK`,
    };
    for (const [fact, value] of this.#parts.facts) setText(value, values[fact]);
  }
}

function profileInWords(profile) {
  if (profile === null || profile === undefined) return "No profile: times of batches are learned while serving.";
  const words = [`Profile ${profile.source}`];
  if (profile.created) words.push(`made ${day(Date.parse(profile.created) / 1000)} (${span(profile.age_seconds)} ago)`);
  words.push(`largest batch ${profile.max_batch}${profile.bound_by ? `, bound by ${profile.bound_by}` : ""}`);
  return `${words.join(", ")}.`;
}

/** The median latency by stage as one stacked bar with its figures. */
class Stages {
  #bars = new Map(Object.keys(STAGES).map((stage) => [stage, make("span", `part ${stage}`)]));
  #figures = new Map(Object.keys(STAGES).map((stage) => [stage, make("span", "number")]));
  #total = make("span", "plot-note");

  constructor() {
    const keys = Object.entries(STAGES).map(([stage, words]) => make("span", "key", make("span", `mark ${stage}`), words, this.#figures.get(stage)));
    const head = make("figcaption", "", make("span", "plot-title", "Where the time goes"), this.#total);
    this.element = make("figure", "plot-figure stages", head, make("span", "stack", ...this.#bars.values()), make("p", "legend", ...keys));
  }

  update(stages) {
    const all = Object.keys(STAGES).reduce((sum, stage) => sum + (stages[stage] ?? 0), 0);
    for (const stage of Object.keys(STAGES)) {
      setWidth(this.#bars.get(stage), all === 0 ? 0 : (stages[stage] ?? 0) / all);
      setText(this.#figures.get(stage), `${ms(stages[stage])} ms`);
    }
    setText(this.#total, all === 0 ? "" : `median, ${ms(all)} ms in all`);
    setAttribute(this.element, "data-empty", all === 0 ? "" : null);
  }
}
