// What is drawn of a model: its batches, its throughput, and its device beside the measured curve.

import { Plot, ticks } from "./plot.js";
import { figure } from "./words.js";

const SECONDS = 60;
const MOST_BATCHES = 300; // the server sends no more: they may reach back less than a minute

export function makePlots() {
  return { throughput: makeThroughput(), batches: makeBatches(), curve: makeCurve() };
}

export function showPlots(plots, model) {
  showThroughput(plots.throughput, model);
  showBatches(plots.batches, model);
  showCurve(plots.curve, model);
}

function makeThroughput() {
  return new Plot({
    title: "Frames per second",
    description: "Frames per second over the last minute, answered in time and missed",
    legend: [["ok", "in time"], ["missed", "missed"]],
  });
}

function showThroughput(plot, { throughput }) {
  plot.show((frame) => {
    if (throughput.length === 0) return frame.nothing("nothing yet");
    const values = ticks(Math.max(1, ...throughput.map(([, ok, missed]) => ok + missed)), 3);
    frame.scale([-SECONDS, 0], values.at(-1));
    frame.yAxis(values, figure);
    timeAxis(frame, SECONDS);
    const width = Math.max(1, ((frame.right - frame.left) / SECONDS) * 0.78);
    const inside = throughput.filter(([age]) => age <= SECONDS).map(([age, ok, missed]) => [-Math.min(age, SECONDS - 0.5), ok, missed]);
    frame.bars("bars ok", inside.map(([x, ok]) => [x, 0, ok]), width);
    frame.bars("bars missed", inside.filter(([, , missed]) => missed > 0).map(([x, ok, missed]) => [x, ok, ok + missed]), width);
  });
}

function makeBatches() {
  return new Plot({ title: "Frames in a batch", description: "Frames in each batch over the last minute" });
}

function showBatches(plot, { batches, batch_limit: limit }) {
  const oldest = batches.length ? batches[0][0] : 0;
  const seconds = batches.length >= MOST_BATCHES && oldest > 0 ? Math.min(SECONDS, 4 * Math.ceil(oldest / 4)) : SECONDS;
  plot.show(
    (frame) => {
      if (batches.length === 0) return frame.nothing("no batch in the last minute");
      const values = wholeTicks(Math.max(2, ...batches.map((batch) => batch[1])));
      frame.scale([-seconds, 0], values.at(-1) * 1.06);
      frame.yAxis(values);
      timeAxis(frame, seconds);
      frame.dots("dots batch", batches.map(([age, frames]) => [-age, frames]));
    },
    limit ? `at most ${limit}` : "",
  );
}

function wholeTicks(top) {
  return ticks(Math.ceil(top / 4) * 4, 4).filter(Number.isInteger);
}

function timeAxis(frame, seconds) {
  const places = [1, 0.75, 0.5, 0.25, 0].map((share) => share * seconds);
  frame.xAxis(places.map((place) => -place), (value) => (value === 0 ? "now" : `${-value} s`));
}

function makeCurve() {
  return new Plot({
    title: "Time of a batch, ms", // on logarithms: being so many times slower is the same step everywhere
    description: "Device time over the batch size: the measured median and 95th percentile, and the batches of the last minute",
    legend: [["p50", "measured p50"], ["p95", "p95"], ["live", "now"]],
  });
}

function showCurve(plot, { batches, profile, drift }) {
  const curve = profile?.curve ?? [];
  const live = batches.filter((batch) => batch[3] > 0).map(([, , bucket, took]) => [bucket, took]);
  const note = drift === null || drift === undefined ? "" : `now ${drift.toFixed(2)} × measured`;
  plot.show((frame) => {
    if (curve.length + live.length === 0) return frame.nothing("no profile, and no batch in the last minute");
    frame.xName("frames in the batch");
    const sizes = [...new Set([...curve.map(([batch]) => batch), ...live.map(([bucket]) => bucket)])];
    const tails = curve.filter(([, , p95]) => p95 !== null);
    const times = [...curve.map(([, p50]) => p50), ...tails.map(([, , p95]) => p95), ...withoutFew(live.map(([, took]) => took))];
    const values = roundTimes(Math.min(...times), Math.max(...times));
    frame.scaleLogarithms([Math.min(...sizes) / 1.2, Math.max(...sizes, 2) * 1.12], [values[0], values.at(-1)]);
    frame.yAxis(values.length > 6 ? values.filter((value) => /^[0.]*1/.test(value)) : values);
    frame.xAxis(apart(frame, sizes));
    frame.dots("dots live", spread(live));
    if (curve.length > 1) {
      frame.line("curve p95", tails.map(([batch, , p95]) => [batch, p95]));
      frame.line("curve p50", curve.map(([batch, p50]) => [batch, p50]));
    }
    frame.dots("dots p50", curve.map(([batch, p50]) => [batch, p50]));
  }, note);
}

/** Sizes whose labels do not touch, the largest always. */
function apart(frame, sizes) {
  const kept = [];
  for (const size of [...sizes].sort((one, other) => other - one)) {
    if (kept.length === 0 || frame.x(kept.at(-1)) - frame.x(size) >= frame.font * 1.7) kept.push(size);
  }
  return kept;
}

/** Batches of one size beside one another, so that many are seen to be many. */
function spread(points) {
  return points.map(([bucket, took], index) => [bucket * (0.94 + ((index * 7) % 11) * 0.012), took]);
}

/** All but the slowest in a hundred: one batch that took for ever does not press the others together. */
function withoutFew(times) {
  return [...times].sort((one, other) => one - other).slice(0, Math.ceil(times.length * 0.99));
}

/** 1, 2 and 5 times powers of ten from at most `low` to at least `high`. */
function roundTimes(low, high) {
  const all = [];
  for (let power = -3; power <= 5; power += 1) for (const each of [1, 2, 5]) all.push(Number((each * 10 ** power).toPrecision(1)));
  const first = all.findLastIndex((each) => each <= low);
  const last = all.findIndex((each) => each >= high);
  return all.slice(Math.max(0, first), Math.max(last, first + 1) + 1);
}
