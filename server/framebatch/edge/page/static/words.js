// Figures and outcomes as people read them. Absent figures are a dash.

export const OUTCOMES = ["OK", "SUPERSEDED", "EXPIRED", "REJECTED", "FAILED", "INVALID"];

export const MEANING = {
  OK: "answered in time",
  SUPERSEDED: "a newer frame took its place",
  EXPIRED: "deadline passed",
  REJECTED: "refused on arrival",
  FAILED: "failed on the server",
  INVALID: "not a readable picture",
};

const NONE = "–";

/** A number with as many decimals as three digits need. */
export function figure(value) {
  if (value === null || value === undefined) return NONE;
  const size = Math.abs(value);
  if (size >= 99.95) return Math.round(value).toLocaleString("en").replaceAll(",", "\u202f");
  return value.toFixed(size >= 9.995 ? 1 : size === 0 ? 0 : 2).replace(/^(\d+)\.0+$/, "$1");
}

/** Milliseconds without their unit: whole from 10 on. */
export function ms(value) {
  if (value === null || value === undefined) return NONE;
  return Math.abs(value) >= 9.95 ? String(Math.round(value)) : value.toFixed(1);
}

export function rate(value) {
  return value === null || value === undefined ? NONE : value >= 99.95 ? figure(value) : value.toFixed(1);
}

/** A share as a percentage that never says 100 or 0 when it is not. */
export function percent(share) {
  if (share === null || share === undefined) return NONE;
  if (share === 1 || share === 0) return String(share * 100);
  if (share > 0.99) return Math.min(99.9, Math.floor(share * 1000) / 10).toFixed(1);
  if (share < 0.01) return Math.max(0.1, share * 100).toFixed(1);
  return String(Math.round(share * 100));
}

/** A time span in its two largest units. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  const days = Math.floor(whole / 86400);
  return `${days} ${days === 1 ? "day" : "days"} ${Math.floor((whole % 86400) / 3600)} h`;
}

/** A moment on this browser's clock and in its time zone. */
export function clock(unixSeconds) {
  return new Date(unixSeconds * 1000).toLocaleTimeString();
}

export function day(unixSeconds) {
  return new Date(unixSeconds * 1000).toLocaleString();
}

/** A camera as it is called; one without a name is said to have none. */
export function nameOf(id) {
  return id === "" ? "(no name)" : id;
}

/** With a capital where it begins with a word, and not with the name of what it is about. */
export function asSentence(text, ...names) {
  return names.some((name) => name && text.startsWith(name)) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

export function count(number, noun) {
  return `${figure(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** The outcomes that are not OK, most frequent first: "30 REJECTED, 4 EXPIRED". */
export function losses(outcomes) {
  return OUTCOMES.filter((name) => name !== "OK" && outcomes[name] > 0)
    .sort((one, other) => outcomes[other] - outcomes[one])
    .map((name) => `${figure(outcomes[name])} ${name}`)
    .join(", ");
}
