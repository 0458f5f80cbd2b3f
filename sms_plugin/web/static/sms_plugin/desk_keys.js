/* The approval desk without a mouse: from text to text, choose, edit, search. */
(() => {
  "use strict";

  const OFF = "sms-desk-keys-off";
  const help = document.getElementById("sms-keys");
  if (!help) {
    return;
  }
  const on = document.getElementById("sms-keys-on");

  function remembered() {
    try {
      return localStorage.getItem(OFF) !== "1";
    } catch {
      return true;
    }
  }

  function remember() {
    try {
      localStorage.setItem(OFF, on.checked ? "" : "1");
    } catch {
      /* A browser that keeps nothing uses the keys. */
    }
  }

  function texts() {
    return [...document.querySelectorAll(".sms-text")];
  }

  function here() {
    return document.activeElement?.closest(".sms-text");
  }

  function move(step) {
    const all = texts();
    const at = all.indexOf(here());
    const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1);
    all[next].focus();
    all[next].scrollIntoView({ block: "center" });
  }

  const deeds = {
    j: () => move(1),
    k: () => move(-1),
    x: () => here()?.querySelector("input[name=row]")?.click(),
    e: () => here()?.querySelector("[data-edit]")?.click(),
    "/": () => document.getElementById("sms-search")?.focus(),
    "?": () => {
      help.open = !help.open;
    },
  };

  function isTyping(target) {
    return Boolean(target.closest("textarea, select, [contenteditable]")) ||
      (target.matches("input") && !["checkbox", "submit", "button"].includes(target.type));
  }

  document.addEventListener("keydown", (event) => {
    const deed = deeds[event.key];
    if (!deed || !on.checked || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.isComposing || isTyping(event.target)) {
      return;
    }
    event.preventDefault();
    deed();
  });
  on.addEventListener("change", remember);
  on.checked = remembered();
  help.hidden = false;
})();
