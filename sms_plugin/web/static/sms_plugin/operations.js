/* The Operations page takes over what changed, and waits while somebody is at a deed. */
(() => {
  "use strict";

  const part = document.getElementById("sms-operations");
  const state = document.getElementById("sms-operations-state");
  if (!part) {
    return;
  }
  const PAUSE = 10000;
  let timer = 0;
  let sent = false;
  let over = false;

  /* Whoever reads a question or reaches for a button must not have it moved away. */
  function isAtWork() {
    return (
      sent ||
      part.querySelector("details[open], form:hover, summary:hover") !== null ||
      part.contains(document.activeElement)
    );
  }

  function say(words) {
    if (state.textContent !== words) {
      state.textContent = words;
    }
  }

  async function ask() {
    if (!isAtWork()) {
      try {
        const answer = await fetch(part.dataset.live, {
          credentials: "same-origin",
          cache: "no-store",
        });
        if (answer.redirected || [401, 403, 404].includes(answer.status)) {
          over = true;
          say(part.dataset.closed);
        } else if (!answer.ok) {
          throw new Error(String(answer.status));
        } else {
          const holder = document.createElement("template");
          holder.innerHTML = await answer.text();
          if (!isAtWork()) {
            part.replaceChildren(holder.content);
          }
          say("");
        }
      } catch {
        say(part.dataset.lost);
      }
    }
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (!over && !document.hidden) {
      timer = setTimeout(ask, PAUSE);
    }
  }

  part.addEventListener("submit", (event) => {
    if (sent) {
      event.preventDefault();
    }
    sent = true;
  });
  // A page that the browser shows again from memory may be used again.
  addEventListener("pageshow", () => {
    sent = false;
  });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !over) {
      ask();
    }
  });
  plan();
})();
