/* The desk of a job that is prepared or sent: its figures follow while it is looked at. */
(() => {
  "use strict";

  const part = document.getElementById("sms-progress");
  if (!part) {
    return;
  }
  const PAUSE = 2000;
  const LONGEST = 30000;
  const words = document.getElementById("sms-progress-words");
  const bar = part.querySelector("progress");
  const lost = part.querySelector("[data-lost-words]");
  let timer = 0;
  let pause = PAUSE;
  let known = "";
  let over = false;

  function show(found) {
    words.textContent = found.sentence;
    bar.max = found.most;
    bar.value = found.value;
    document.querySelectorAll("[data-count]").forEach((count) => {
      const number = found.counts[count.dataset.count] ?? "0";
      count.textContent = number;
      if (number !== "0") {
        count.closest("li").hidden = false;
      }
    });
    over = !found.moves;
    // Buttons and texts of another state are on the page as it would be now.
    if (over || found.state !== part.dataset.state) {
      part.querySelector("[data-again]").hidden = false;
    }
  }

  async function ask() {
    try {
      const answer = await fetch(part.dataset.live, {
        credentials: "same-origin",
        headers: known ? { "If-None-Match": known } : {},
      });
      if (answer.redirected || [401, 403, 404].includes(answer.status)) {
        over = true;
      } else if (answer.status === 304) {
        // Texts that wait for the morning change nothing all night.
        pause = Math.min(pause * 1.1, LONGEST);
      } else {
        if (!answer.ok) {
          throw new Error(String(answer.status));
        }
        pause = PAUSE;
        show(await answer.json());
        known = answer.headers.get("ETag") ?? "";
      }
      lost.textContent = "";
    } catch {
      lost.textContent = part.dataset.lost;
    }
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (!over && !document.hidden) {
      timer = setTimeout(ask, pause);
    }
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !over) {
      ask();
    }
  });
  plan();
})();
