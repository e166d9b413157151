// The page: documents come from the connection and are shown; keys and the wall view are wired here.

import { Cameras } from "./cameras.js";
import { Connection } from "./connection.js";
import { byId, setAttribute, setText } from "./dom.js";
import { showModels } from "./models.js";
import { showAlerts, showFigures, showSentence, showServer } from "./summary.js";
import { ofCamera, ofServer } from "./verdict.js";
import { clock, span } from "./words.js";

const cameras = new Cameras();
const root = document.documentElement;
let newest = null; // the last document

function onState(state) {
  newest = state;
  const list = state.cameras.map((camera) => ({ camera, verdict: ofCamera(camera) }));
  setAttribute(root, "data-stale", null);
  cameras.paused = false;
  showSentence(ofServer(state, list));
  showServer(state);
  showFigures(state);
  showAlerts(state);
  cameras.update(list, state);
  showModels(state);
}

function onSilence(seconds, why) {
  cameras.paused = true;
  setAttribute(root, "data-stale", "");
  const sentence = newest === null ? `No answer from the server, for ${span(seconds)}` : `Connection lost, since ${span(seconds)}`;
  const old = newest === null ? "" : `What is shown below is as of ${clock(newest.time_unix_seconds)}`;
  showSentence({ level: "bad", key: "lost", sentence, detail: why || old });
}

function showWall(on) {
  root.toggleAttribute("data-wall", on);
  setText(byId("wall"), on ? "Leave wall view" : "Wall view");
  const address = new URL(location.href);
  if (on) address.searchParams.set("wall", "");
  else address.searchParams.delete("wall");
  history.replaceState(null, "", address);
}

function toggleWall() {
  showWall(!root.hasAttribute("data-wall"));
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input[type=search], select");
  if (typing || byId("large").open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    byId("filter").focus();
  } else if (event.key === "f" || event.key === "F") {
    toggleWall();
  }
});

byId("more-alerts").addEventListener("click", ({ target }) => {
  target.setAttribute("aria-expanded", String(target.getAttribute("aria-expanded") !== "true"));
  if (newest !== null) showAlerts(newest);
});
byId("wall").addEventListener("click", toggleWall);
showWall(new URL(location.href).searchParams.has("wall"));
new Connection(onState, onSilence);
