// How it stands, as a level (ok, idle, warn, bad, unknown) and a sentence. Pure: documents in, words out.

import { asSentence, count, nameOf, percent, span } from "./words.js";

const RANK = { bad: 3, warn: 2, unknown: 1, idle: 1, ok: 0 };
const ALLOWED = 0.01; // the objective: 99 % in time
const MUCH = 0.1;
const SILENT_SECONDS = 10;
const GONE_SECONDS = 12 * 3600; // after that a camera counts as taken away, as for the alert of silent cameras

export function rankOf(level) {
  return RANK[level];
}

/** Frames of a window that had to be answered: superseded ones were replaced by their own camera, invalid ones are its fault. */
function due(outcomes) {
  return outcomes.OK + missed(outcomes);
}

export function missed(outcomes) {
  return outcomes.EXPIRED + outcomes.REJECTED + outcomes.FAILED;
}

/** The share answered in time, null where nothing was due. */
export function inTime(outcomes) {
  const all = due(outcomes);
  return all === 0 ? null : outcomes.OK / all;
}

export function sumOutcomes(list) {
  const sum = { OK: 0, SUPERSEDED: 0, EXPIRED: 0, REJECTED: 0, FAILED: 0, INVALID: 0 };
  for (const outcomes of list) for (const name of Object.keys(sum)) sum[name] += outcomes[name] ?? 0;
  return sum;
}

/** A camera's level, words that go behind its name (`short`: where there is little room), and whether it is silent. */
export function ofCamera(camera) {
  const { outcomes } = camera;
  const received = due(outcomes) + outcomes.INVALID + outcomes.SUPERSEDED;
  if (camera.frames_per_second === null) return { level: "idle", words: "figures follow" };
  if (received === 0) {
    const age = camera.last_age_seconds;
    if (age === null) return { level: "idle", silent: true, words: "no frame yet" };
    if (age < SILENT_SECONDS) return { level: "idle", silent: true, words: "waiting for a frame" };
    if (age > GONE_SECONDS) return { level: "idle", silent: true, words: `gone, for ${span(age)}` };
    return { level: "warn", silent: true, words: `sends nothing, for ${span(age)}` };
  }
  if (outcomes.INVALID > ALLOWED * received) {
    const part = percent(outcomes.INVALID / received);
    return { level: "warn", words: `sends ${part} % invalid frames`, short: `${part} % invalid` };
  }
  const share = due(outcomes) === 0 ? 0 : missed(outcomes) / due(outcomes);
  if (share === 0) return { level: "ok", words: "all in time" };
  if (camera.priority === "best-effort") return { level: "idle", words: `${percent(share)} % given up, best effort` };
  if (share <= ALLOWED) return { level: "ok", words: `${percent(1 - share)} % in time` };
  return { level: share > MUCH ? "bad" : "warn", words: `misses ${percent(share)} % of its deadlines`, short: `${percent(share)} % missed` };
}

/** All candidates for the sentence; the first of the highest rank wins. */
function* findings(state, cameras) {
  const { server, models, alerts } = state;
  if (!server.ready) yield { level: "bad", key: "not-ready", sentence: `Not ready: ${server.why_not_ready || "no reason given"}` };
  for (const model of models) {
    if (!model.up) yield { level: "bad", key: `down ${model.name}`, sentence: `Model ${model.name} cannot be run: ${model.why_down || "no reason given"}` };
  }
  const troubled = cameras.filter(({ verdict }) => RANK[verdict.level] >= RANK.warn);
  const worst = troubled.reduce((one, other) => (worse(other, one) ? other : one), troubled[0]);
  if (troubled.length === 1) yield { level: worst.verdict.level, key: worst.camera.id, sentence: `${nameOf(worst.camera.id)} ${worst.verdict.words}` };
  if (troubled.length > 1) {
    const cause = alerts.find((alert) => alert.model && !alert.camera);
    yield {
      level: worst.verdict.level,
      key: `${troubled.length} cameras`,
      sentence: `${troubled.length} of ${cameras.length} cameras have a problem`,
      detail: cause
        ? asSentence(cause.summary, cause.model, cause.camera)
        : `Worst: ${nameOf(worst.camera.id)} ${worst.verdict.words}`,
    };
  }
  for (const alert of alerts) {
    const level = alert.severity === "critical" ? "bad" : "warn";
    yield { level, key: `${alert.name} ${alert.model} ${alert.camera}`, sentence: asSentence(alert.summary, alert.model, alert.camera), alert: true };
  }
}

function worse(one, other) {
  const rank = RANK[one.verdict.level] - RANK[other.verdict.level];
  return rank !== 0 ? rank > 0 : missed(one.camera.outcomes) > missed(other.camera.outcomes);
}

function quiet(state, cameras) {
  const share = inTime(sumOutcomes(state.models.map((model) => model.outcomes)));
  const all = count(cameras.length + state.cameras_left_out, "camera");
  if (cameras.length === 0) return { level: "ok", key: "no cameras", sentence: "Ready: waiting for the first camera" };
  const counted = state.models.some((model) => model.frames_per_second !== null);
  if (!counted) return { level: "unknown", key: "begin", sentence: `${all}, figures follow` };
  if (share === null) return { level: "idle", key: "no frames", sentence: `${all}, no frames now` };
  if (share === 1) return { level: "ok", key: "ok", sentence: `${all}, every frame answered in time` };
  return { level: "ok", key: "ok", sentence: `${all}, ${percent(share)} % of the frames answered in time` };
}

/** The state of the whole server: {level, key, sentence, detail}. The key changes when it should be read out again. */
export function ofServer(state, cameras) {
  let found = null;
  for (const finding of findings(state, cameras)) {
    if (found === null || RANK[finding.level] > RANK[found.level]) found = finding;
  }
  const calm = quiet(state, cameras);
  if (found === null) return calm;
  if (!found.alert || calm.level !== "ok") return found;
  // The sentence is about frames: what costs none of them is told below it, unless it is critical.
  return found.level === "bad" ? { ...found, detail: calm.sentence } : { ...calm, detail: `Warning: ${found.sentence}` };
}
