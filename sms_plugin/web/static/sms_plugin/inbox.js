/* The inbox keeps itself up to date: it asks for the pulse and takes over what changed. */
(() => {
  "use strict";

  const inbox = document.getElementById("sms-inbox");
  if (!inbox) {
    return;
  }
  const BEAT = 1300;
  const LONGEST = 15000;

  const live = document.getElementById("sms-live");
  const list = document.getElementById("sms-list");
  const texts = document.getElementById("sms-texts");
  const scroll = document.getElementById("sms-scroll");
  const composer = document.getElementById("sms-composer");
  let pulse = "";
  let pause = BEAT;
  let timer = 0;
  let asking = false;
  let over = false;

  function parsed(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    return holder.content;
  }

  function atEnd() {
    return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  }

  function toEnd() {
    scroll.scrollTop = scroll.scrollHeight;
  }

  function showList(html) {
    const focused = list.contains(document.activeElement)
      ? document.activeElement.getAttribute("href")
      : null;
    list.replaceChildren(parsed(html));
    if (focused) {
      list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  /* Only what is new is added and only what changed is replaced, so that a screen
     reader reads out new texts and nothing twice. */
  function showTexts(html) {
    const stay = !atEnd();
    const fresh = [...parsed(html).children];
    const ids = new Set(fresh.map((item) => item.id));
    const first = fresh.find((item) => item.dataset.text);
    let next = null;
    fresh.reverse().forEach((item) => {
      const known = document.getElementById(item.id);
      if (!known) {
        texts.insertBefore(item, next);
        next = item;
        return;
      }
      const standing = item.querySelector(".sms-standing");
      const shown = known.querySelector(".sms-standing");
      if (standing && shown && standing.textContent !== shown.textContent) {
        shown.replaceWith(standing);
      }
      const files = item.querySelector(".sms-files");
      const held = known.querySelector(".sms-files");
      if (files && held && files.dataset.states !== held.dataset.states) {
        held.replaceWith(files);
      }
      next = known;
    });
    texts.querySelectorAll("[data-text]").forEach((item) => {
      const within = first && Number(item.dataset.text) >= Number(first.dataset.text);
      if (within && !ids.has(item.id)) {
        item.remove();
      }
    });
    document.querySelector("#sms-scroll .sms-none")?.remove();
    if (!stay) {
      toEnd();
    }
  }

  function showLock(reason) {
    const locked = document.getElementById("sms-locked");
    if (composer && locked) {
      locked.textContent = reason;
      locked.hidden = !reason;
      document.getElementById("sms-write").disabled = Boolean(reason);
    }
  }

  function showCounts(counts) {
    document.querySelectorAll(".sms-filters [data-count]").forEach((shown) => {
      shown.textContent = counts[shown.dataset.count];
      shown.hidden = shown.textContent === "0";
    });
  }

  function take(answer) {
    pulse = answer.pulse;
    showCounts(answer.counts);
    if ("live" in list.dataset) {
      showList(answer.list);
    }
    if (texts && "live" in texts.dataset) {
      showTexts(answer.texts);
      showLock(answer.locked);
      markRead();
    }
  }

  function lastShown() {
    const all = texts.querySelectorAll("[data-text]");
    return all.length ? all[all.length - 1].dataset.text : "0";
  }

  async function markRead() {
    const opened = list.querySelector("li.sms-unread a[aria-current]");
    if (!composer || !opened || document.hidden || !("live" in texts.dataset)) {
      return;
    }
    try {
      await fetch(composer.action.replace(/reply$/, "read"), {
        method: "POST",
        credentials: "same-origin",
        redirect: "error",
        headers: { "X-CSRFToken": composer.elements.csrf_token.value },
        body: new URLSearchParams({ seen: lastShown() }),
      });
      document.getElementById("sms-read")?.remove();
    } catch {
      /* It stays unread; the next change tries again. */
    }
  }

  function stop(words) {
    over = true;
    live.textContent = words;
  }

  async function ask() {
    if (asking || over || document.hidden) {
      return;
    }
    asking = true;
    try {
      const url = new URL(inbox.dataset.updates, location.href);
      url.searchParams.set("pulse", pulse);
      const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
      if (answer.redirected || answer.status === 401) {
        stop(inbox.dataset.signedOut);
      } else if (answer.status === 403 || answer.status === 404) {
        stop(inbox.dataset.closed);
      } else if (!answer.ok) {
        throw new Error(String(answer.status));
      } else {
        if (answer.status === 200) {
          take(await answer.json());
        }
        pause = BEAT;
        live.textContent = "";
      }
    } catch {
      pause = Math.min(pause * 2, LONGEST);
      live.textContent = inbox.dataset.lost;
    }
    asking = false;
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
    ask();
    if (texts) {
      markRead();
    }
  });

  document.getElementById("sms-older")?.addEventListener("click", async (event) => {
    const link = event.currentTarget;
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    event.preventDefault();
    const page = await fetch(link.href, { credentials: "same-origin" }).then(
      (answer) => (answer.ok && !answer.redirected ? answer.text() : ""),
      () => "",
    );
    const older = new DOMParser().parseFromString(page, "text/html");
    const found = older.getElementById("sms-texts");
    if (!found) {
      location.assign(link.href);
      return;
    }
    const height = scroll.scrollHeight;
    // The day at the seam is named by the older texts now.
    [...found.children].forEach((item) => document.getElementById(item.id)?.remove());
    texts.prepend(...found.children);
    scroll.scrollTop += scroll.scrollHeight - height;
    const further = older.getElementById("sms-older");
    if (further) {
      link.href = further.getAttribute("href");
    } else {
      link.parentElement.remove();
    }
  });

  if (composer) {
    const body = document.getElementById("sms-body");
    body.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        composer.requestSubmit();
      }
    });
    composer.addEventListener("submit", (event) => {
      if (composer.dataset.sent) {
        event.preventDefault();
      }
      composer.dataset.sent = "1";
    });
    addEventListener("pageshow", () => delete composer.dataset.sent);
    if (!body.disabled && matchMedia("(min-width: 768px)").matches) {
      body.focus({ preventScroll: true });
    }
  }
  if (texts) {
    toEnd();
    markRead();
  }
  plan();
})();
