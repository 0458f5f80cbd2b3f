/* The approval desk: choosing a whole page, and no decision twice. */
(() => {
  "use strict";

  document.querySelectorAll(".sms-page form[method=post]").forEach((form) => {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
      }
      form.dataset.sent = "1";
    });
  });
  // A page that the browser shows again from memory may be sent again.
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  const desk = document.getElementById("sms-desk");
  if (!desk) {
    return;
  }
  const all = document.getElementById("sms-all");
  // Looked for anew each time: a row that was edited in its place is another one.
  const boxes = () => [...desk.querySelectorAll("input[name=row]")];
  const count = desk.querySelector("[data-chosen]");

  function show() {
    const rows = boxes();
    const chosen = rows.filter((row) => row.checked).length;
    count.textContent = chosen ? `(${chosen})` : "";
    all.checked = chosen === rows.length;
    all.indeterminate = chosen > 0 && chosen < rows.length;
    desk.querySelectorAll("button[value=chosen]").forEach((button) => {
      button.disabled = chosen === 0;
    });
  }

  all.closest("label").hidden = false;
  all.addEventListener("change", () => {
    boxes().forEach((row) => {
      row.checked = all.checked;
    });
    show();
  });
  desk.addEventListener("change", show);
  addEventListener("pageshow", show);
  show();
})();
