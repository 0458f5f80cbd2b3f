/* Editing a text inside its row: the form of its own page, opened on the desk. */
(() => {
  "use strict";

  let open = null;

  function parsed(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    return holder.content;
  }

  function ask(address, options = {}) {
    return fetch(address, { credentials: "same-origin", ...options });
  }

  function close() {
    if (!open) {
      return;
    }
    const { row, box } = open;
    open = null;
    box.remove();
    row.classList.remove("sms-editing");
    row.querySelector("[data-edit]")?.focus();
  }

  /* The form of an answer with what was wrong above it; nothing where there is none. */
  function formOf(page) {
    const form = page.querySelector("textarea[data-measure]")?.closest("form");
    const problem = page.querySelector("#sms-problem");
    if (form && problem) {
      form.prepend(problem);
    }
    return form;
  }

  function show(row, form, address) {
    close();
    const box = document.createElement("div");
    box.className = "sms-edit";
    box.append(form);
    row.append(box);
    row.classList.add("sms-editing");
    open = { row, box };
    form.addEventListener("submit", (event) => save(event, row, form, address));
    form.querySelector(".sms-actions a").addEventListener("click", (event) => {
      event.preventDefault();
      close();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      }
    });
    form.dispatchEvent(new CustomEvent("sms:opened", { bubbles: true }));
    form.querySelector("textarea").focus();
  }

  async function edit(link) {
    const answer = await ask(link.href);
    const form = answer.ok && !answer.redirected && formOf(parsed(await answer.text()));
    if (!form) {
      throw new Error("no form");
    }
    show(link.closest(".sms-text"), form, link.href);
  }

  /* The form stands inside that of the desk, which must not take its submit for its own. */
  async function save(event, row, form, address) {
    event.preventDefault();
    event.stopPropagation();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await ask(address, { method: "POST", body });
      const page = parsed(await answer.text());
      const again = answer.redirected ? null : formOf(page);
      if (again) {
        show(row, again, address);
        return;
      }
      const fresh = answer.ok && page.querySelector(`#${row.id}`);
      if (!fresh) {
        location.assign(answer.redirected ? answer.url : address);
        return;
      }
      put(row, fresh);
    } catch {
      // Without an answer the browser sends the form itself, and says what is wrong.
      form.submit();
    }
  }

  function put(row, fresh) {
    close();
    const was = row.querySelector("input[name=row]");
    const now = fresh.querySelector("input[name=row]");
    if (was && now) {
      now.checked = was.checked;
    }
    row.replaceWith(fresh);
    fresh.focus();
    fresh.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-edit]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) {
      return;
    }
    event.preventDefault();
    // What cannot be opened here is opened as a page.
    edit(link).catch(() => location.assign(link.href));
  });
})();
