/* The composer: what is written is kept on the server, and is sent once. */
(() => {
  "use strict";

  const composer = document.getElementById("sms-composer");
  if (!composer) {
    return;
  }
  const body = document.getElementById("sms-body");
  const said = document.getElementById("sms-kept");
  const PAUSE = 1000;
  let kept = body.value;
  let timer = 0;
  let sending = false;

  let last = Promise.resolve("");

  /* One after the other, so that what was written last is what is kept. */
  function keep() {
    clearTimeout(timer);
    timer = 0;
    last = last.then(save);
    return last;
  }

  /* Gives "" when it is kept, else what to tell. */
  async function save() {
    const written = body.value;
    const words = new FormData(composer);
    try {
      const answer = await fetch(composer.dataset.draft, {
        method: "POST",
        credentials: "same-origin",
        keepalive: true,
        redirect: "manual",
        headers: { "X-CSRFToken": composer.elements.csrf_token.value },
        body: new URLSearchParams({
          body: written,
          patient: words.get("patient") || "",
        }),
      });
      if (!answer.ok) {
        return composer.dataset.signedOut;
      }
      kept = written;
      return "";
    } catch {
      return composer.dataset.unkept;
    }
  }

  function tell(words, problem) {
    said.textContent = words;
    said.classList.toggle("sms-unkept", Boolean(problem));
  }

  body.addEventListener("input", () => {
    tell("", "");
    timer ||= setTimeout(async () => {
      const problem = await keep();
      tell(problem || (body.value ? composer.dataset.kept : ""), problem);
    }, PAUSE);
  });

  /* A quick reply comes in where the cursor is. */
  const quick = document.getElementById("sms-quick");
  quick?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = new URLSearchParams(new FormData(quick));
    asked.set("patient", new FormData(composer).get("patient") || "");
    try {
      const url = `${quick.dataset.words}?${asked}`;
      const answer = await fetch(url, { credentials: "same-origin", redirect: "error" });
      const found = await answer.json();
      tell(found.problem, found.problem);
      body.setRangeText(found.body, body.selectionStart, body.selectionEnd, "end");
      body.dispatchEvent(new Event("input", { bubbles: true }));
      tell(found.problem, found.problem);
      body.focus();
    } catch {
      tell(composer.dataset.unkept, true);
    }
  });

  addEventListener("pagehide", () => {
    if (!sending && body.value !== kept) {
      keep();
    }
  });

  body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      composer.requestSubmit();
    }
  });

  /* Before the page is left the text is safe: a session that ran out would take it. */
  composer.addEventListener("submit", async (event) => {
    if (composer.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (sending) {
      composer.dataset.sent = "1";
      return;
    }
    event.preventDefault();
    const pressed = event.submitter;
    sending = true;
    const problem = await keep();
    if (problem) {
      sending = false;
      tell(problem, problem);
      return;
    }
    composer.requestSubmit(pressed);
  });

  addEventListener("pageshow", () => {
    delete composer.dataset.sent;
    sending = false;
  });
  if (!body.disabled && matchMedia("(min-width: 768px)").matches) {
    body.focus({ preventScroll: true });
    body.setSelectionRange(body.value.length, body.value.length);
  }
})();
