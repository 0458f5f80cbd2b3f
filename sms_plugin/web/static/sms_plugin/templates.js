// The editor of a template: inserts variables at the cursor and asks for a preview
// while somebody types. Without it the page's own buttons do the same.
"use strict";

(() => {
  const form = document.querySelector("[data-sms-editor]");
  if (!form) return;
  const body = form.elements.body;
  const part = (name) => document.querySelector(`[data-sms-${name}]`);
  let timer = 0;
  let asked = 0;

  part("inserts").hidden = false;
  for (const button of form.querySelectorAll("[data-sms-insert]")) {
    button.addEventListener("click", () => {
      body.setRangeText(button.dataset.smsInsert, body.selectionStart, body.selectionEnd, "end");
      body.focus();
      later();
    });
  }
  body.addEventListener("input", later);
  document.getElementById("sms-about")?.addEventListener("change", ask);
  // Somebody may have typed before this script was there.
  if (body.value !== body.defaultValue) later();

  function later() {
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  }

  async function ask() {
    const mine = ++asked;
    let answer;
    try {
      const response = await fetch(form.dataset.preview, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        credentials: "same-origin",
      });
      if (!response.ok) throw new Error(String(response.status));
      answer = await response.json();
    } catch {
      answer = { error: form.dataset.lost };
    }
    // An answer that was overtaken by a later one is old.
    if (mine === asked) show(answer);
  }

  function show(draft) {
    put(part("error"), draft.error);
    put(part("text"), draft.text);
    part("size").textContent = draft.size || "";
    put(part("dearer"), draft.dearer);
    put(part("names"), draft.names);
  }

  // A test is of what stands in the editor now, and is shown for the same patient.
  const test = document.querySelector("[data-sms-test]");
  test.addEventListener("submit", (event) => {
    if (test.dataset.sent) event.preventDefault();
    test.dataset.sent = "1";
    test.elements.body.value = body.value;
    test.elements.patient.value = form.elements.patient?.value || "";
  });
  addEventListener("pageshow", () => delete test.dataset.sent);

  const tried = part("tried");
  // Whoever waits longer for a phone to ring has put it away.
  const LOOKS = 60;
  if (tried?.dataset.smsTried) look(0);

  function look(times) {
    if (times === LOOKS) return;
    setTimeout(async () => {
      try {
        const answer = await fetch(tried.dataset.smsTried, {
          credentials: "same-origin",
          redirect: "error",
          cache: "no-store",
        });
        if (!answer.ok) return;
        const now = await answer.json();
        if (tried.textContent !== now.standing) tried.textContent = now.standing;
        tried.className = `sms-badge sms-badge-${now.tone}`;
        if (now.over) return;
      } catch {
        // The next look may find the way again.
      }
      look(times + 1);
    }, 2000);
  }

  function put(element, text) {
    element.textContent = text || "";
    element.hidden = !text;
  }
})();
