// Elements, made and changed. Text comes in as text nodes only: names and reasons are the network's.

const SVG = "http://www.w3.org/2000/svg";

/** An element with a class and children (elements or strings). */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** An SVG element with attributes and children. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The element of index.html with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Set text, only where it differs: layout is not asked for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute, only where it differs; null takes it away. */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** Set a length from 0 to 1 as a width in percent. */
export function setWidth(element, share) {
  const width = `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`;
  if (element.style.width !== width) element.style.width = width;
}

/** Paths on a grid of 24 x 24, one for each level. */
export const ICONS = {
  ok: "M4.5 12.5l5 5 10-11",
  idle: "M5 12h14",
  warn: "M12 4.5v9.5M12 19.2v.3",
  bad: "M5.5 5.5l13 13M18.5 5.5l-13 13",
  unknown: "M6 12h.1M12 12h.1M18 12h.1",
};

/** A level as a small icon; `setIcon` changes it. */
export function makeIcon(className = "icon") {
  return draw("svg", { class: className, viewBox: "0 0 24 24", "aria-hidden": "true" }, draw("path"));
}

export function setIcon(icon, level) {
  setAttribute(icon, "data-level", level);
  setAttribute(icon.firstChild, "d", ICONS[level]);
}
