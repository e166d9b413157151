// A camera's picture with its boxes, drawn on a canvas for the pixels of this screen.

// Light colours, so that black text can be read on each; the first eight classes differ.
const COLOURS = ["#5cc8ff", "#ffd84d", "#6fe3a1", "#ff9ad5", "#ffab5e", "#c3b1ff", "#d9f06b", "#ff8f85"];

const LEAST_WIDTH = 160; // CSS pixels of a picture that has room for labels

function colourOf(classId) {
  return COLOURS[((classId % COLOURS.length) + COLOURS.length) % COLOURS.length];
}

/** The picture of a shot, decoded; rejects where it cannot be. */
export async function decode(shot) {
  const image = new Image();
  image.src = shot.picture;
  await image.decode();
  return image;
}

/** Draw a picture into its canvas as large as it fits, and the boxes over it; `scores`: behind the labels. */
export function paint(canvas, image, shot, { scores }) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0 || height === 0) return;
  const density = window.devicePixelRatio || 1;
  resize(canvas, Math.round(width * density), Math.round(height * density));
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  const zoom = Math.min(width / shot.width, height / shot.height);
  const place = { zoom, left: (width - shot.width * zoom) / 2, top: (height - shot.height * zoom) / 2 };
  const text = textSize(shot.width * zoom);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, place.left, place.top, shot.width * zoom, shot.height * zoom);
  const frames = shot.detections.map((detection) => ({ detection, frame: onScreen(detection.box, place) }));
  for (const { detection, frame } of frames) drawBox(context, frame, colourOf(detection.class_id), text);
  if (shot.width * zoom < LEAST_WIDTH) return;
  const labels = new Labels(context, { text, ...place, right: width - place.left, bottom: height - place.top });
  for (const { detection, frame } of frames) {
    const words = scores ? `${detection.label} ${detection.score.toFixed(2)}` : detection.label;
    labels.draw(words, frame, colourOf(detection.class_id));
  }
}

/** In CSS pixels: that of the page, and a little more on large pictures. */
function textSize(width) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return 0.63 * rem + Math.max(0, width - 260) / 100;
}

function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

function onScreen([x1, y1, x2, y2], { zoom, left, top }) {
  return { x: left + x1 * zoom, y: top + y1 * zoom, width: (x2 - x1) * zoom, height: (y2 - y1) * zoom };
}

function drawBox(context, { x, y, width, height }, colour, text) {
  const line = Math.max(1.5, text / 7);
  context.lineJoin = "round";
  context.lineWidth = line + 2;
  context.strokeStyle = "rgb(0 0 0 / 55%)";
  context.strokeRect(x, y, width, height);
  context.lineWidth = line;
  context.strokeStyle = colour;
  context.strokeRect(x, y, width, height);
}

/** Labels that stay in the picture and do not cover one another: above the box, below it, else left out. */
class Labels {
  #context;
  #size;
  #taken = [];

  constructor(context, size) {
    this.#context = context;
    this.#size = size;
    context.font = `600 ${size.text}px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif`;
    context.textBaseline = "middle";
  }

  draw(words, frame, colour) {
    const { text, left, top, right, bottom } = this.#size;
    const tag = { width: this.#context.measureText(words).width + text * 0.7, height: Math.round(text * 1.4) };
    const x = Math.max(left, Math.min(frame.x - 1, right - tag.width));
    const places = [frame.y - tag.height, frame.y + frame.height, frame.y].map((y) => ({ ...tag, x, y }));
    const free = places.find((place) => place.y >= top && place.y + place.height <= bottom && !this.#taken.some((other) => overlap(place, other)));
    if (free === undefined) return;
    this.#taken.push(free);
    this.#context.fillStyle = colour;
    this.#context.beginPath();
    this.#context.roundRect(free.x, free.y, free.width, free.height, 2);
    this.#context.fill();
    this.#context.fillStyle = "#000";
    this.#context.fillText(words, free.x + text * 0.35, free.y + free.height / 2 + 0.5);
  }
}

function overlap(one, other) {
  return one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
}

/** "2 gears, 1 screw" for who cannot see the boxes; at most `most` classes. */
export function inWords(detections, most = 4) {
  const counts = new Map();
  for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1);
  const sorted = [...counts].sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]));
  const words = sorted.slice(0, most).map(([label, number]) => `${number} ${label}`);
  if (sorted.length > most) words.push("others");
  return words.join(", ") || "nothing found";
}
