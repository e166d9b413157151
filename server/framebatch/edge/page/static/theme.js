// Light or dark, set before the first paint: what was chosen here before, else what the system prefers.
"use strict";

(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      return localStorage.getItem("framebatch-theme");
    } catch {
      return null; // storage is forbidden: the system decides
    }
  };

  const apply = () => {
    document.documentElement.dataset.theme = chosen() ?? (system.matches ? "dark" : "light");
  };

  const label = (button) => {
    const other = document.documentElement.dataset.theme === "dark" ? "Light" : "Dark";
    button.textContent = other;
    button.setAttribute("aria-label", `${other} colours`);
  };

  apply();
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    label(button);
    system.addEventListener("change", () => {
      apply();
      label(button);
    });
    button.addEventListener("click", () => {
      const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      const wanted = other === (system.matches ? "dark" : "light") ? null : other;
      document.documentElement.dataset.theme = other;
      try {
        if (wanted === null) localStorage.removeItem("framebatch-theme");
        else localStorage.setItem("framebatch-theme", wanted);
      } catch {
        // not remembered
      }
      label(button);
    });
  });
})();
