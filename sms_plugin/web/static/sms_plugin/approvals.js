/* How long an approval can still be taken back. */
(() => {
  "use strict";

  // Counted from the server's own moment: the clock of this machine may be wrong.
  const rows = [...document.querySelectorAll("[data-until]")].map((row) => ({
    row,
    left: Date.parse(row.dataset.until) - Date.parse(row.dataset.now),
    words: row.querySelector("[data-left]"),
  }));

  function show() {
    let open = 0;
    rows.forEach(({ row, left, words }) => {
      const seconds = Math.ceil((left - performance.now()) / 1000);
      if (seconds > 0) {
        open += 1;
        const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
        words.textContent = words.dataset.left.replace("{left}", clock);
        return;
      }
      words.textContent = words.dataset.over;
      row.querySelector(".sms-actions")?.remove();
    });
    if (!open) {
      clearInterval(timer);
    }
  }

  const timer = setInterval(show, 1000);
  show();
})();
