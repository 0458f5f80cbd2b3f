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

  for (const button of form.querySelectorAll("[data-sms-insert]")) {
    button.addEventListener("click", () => {
      body.setRangeText(button.dataset.smsInsert, body.selectionStart, body.selectionEnd, "end");
      body.focus();
      later();
    });
  }
  body.addEventListener("input", later);

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

  function put(element, text) {
    element.textContent = text || "";
    element.hidden = !text;
  }
})();
