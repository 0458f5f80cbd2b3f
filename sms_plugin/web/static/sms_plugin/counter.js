/* Says below a textarea what its text takes, as the server counts it. */
(() => {
  "use strict";

  const PAUSE = 300;

  function watch(area) {
    const output = document.getElementById(area.dataset.output);
    const token = area.form.elements.csrf_token;
    let timer = 0;
    let latest = 0;

    async function measure() {
      const turn = ++latest;
      try {
        const answer = await fetch(area.dataset.measure, {
          method: "POST",
          credentials: "same-origin",
          redirect: "error",
          headers: { "X-CSRFToken": token.value },
          body: new URLSearchParams({ body: area.value }),
        });
        if (answer.ok && turn === latest) {
          output.textContent = (await answer.json()).words;
        }
      } catch {
        /* The count is a help; without an answer the last one stays. */
      }
    }

    area.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(measure, PAUSE);
    });
  }

  function watchAll(part) {
    part.querySelectorAll("textarea[data-measure]").forEach(watch);
  }

  watchAll(document);
  // A form that a script puts into the page says so.
  document.addEventListener("sms:opened", (event) => watchAll(event.target));
})();
