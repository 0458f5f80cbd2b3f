/* The inbox keeps itself up to date: it asks for the pulse and takes over what changed. */
(() => {
  "use strict";

  const inbox = document.getElementById("sms-inbox");
  if (!inbox) {
    return;
  }
  // With what the server keeps for a moment, news are there within two seconds.
  const BEAT = 1600;
  const LONGEST = 15000;
  const WRITING = 15000;

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
  let news = null;
  let quiet = 0;
  let moved = false;
  const title = document.title;

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
      [".sms-standing", ".sms-msg-who"].forEach((part) => {
        const now = item.querySelector(part);
        const shown = known.querySelector(part);
        if (now && shown && now.textContent !== shown.textContent) {
          shown.replaceWith(now);
        }
      });
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

  /* The buttons of the team are left alone while somebody uses them. */
  function showTeam(html) {
    const team = document.getElementById("sms-team");
    if (!team.contains(document.activeElement) && !team.querySelector("details[open]")) {
      team.replaceChildren(parsed(html));
    }
  }

  function showWriting(words) {
    const shown = document.getElementById("sms-writing");
    if (shown && shown.textContent !== words) {
      shown.textContent = words;
    }
    clearTimeout(quiet);
    quiet = words ? setTimeout(() => showWriting(""), WRITING) : 0;
  }

  function tell(answer) {
    const unread = answer.counts.unread;
    document.title = unread === "0" ? title : `(${unread}) ${title}`;
    if (news !== null && answer.news > news) {
      document.dispatchEvent(new Event("sms:news"));
    }
    news = Math.max(answer.news, news || 0);
  }

  function take(answer) {
    pulse = answer.pulse;
    tell(answer);
    showCounts(answer.counts);
    if ("live" in list.dataset) {
      showList(answer.list);
    }
    if (texts && "live" in texts.dataset) {
      showTexts(answer.texts);
      showLock(answer.locked);
      showTeam(answer.team);
      showWriting(answer.writing);
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
      await fetch(composer.dataset.read, {
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

  /* A page may stay open for longer than the token of its forms lives. */
  function renew(token) {
    if (token) {
      document.querySelectorAll("[name=csrf_token]").forEach((field) => {
        field.value = token;
      });
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
      const answer = await fetch(inbox.dataset.updates, {
        credentials: "same-origin",
        cache: "no-store",
        headers: { "X-SMS-Pulse": pulse },
      });
      if (answer.redirected || answer.status === 401) {
        stop(inbox.dataset.signedOut);
      } else if (answer.status === 403 || answer.status === 404) {
        stop(inbox.dataset.closed);
      } else if (!answer.ok) {
        throw new Error(String(answer.status));
      } else {
        pulse = answer.headers.get("X-SMS-Pulse") || pulse;
        renew(answer.headers.get("X-CSRFToken"));
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

  /* Back from sleep, from another window, or from signing in there again. */
  function again() {
    clearTimeout(timer);
    over = false;
    pause = BEAT;
    ask();
    if (texts) {
      markRead();
    }
  }
  document.addEventListener("visibilitychange", again);
  addEventListener("focus", again);
  addEventListener("online", again);

  const older = document.getElementById("sms-older");
  let fetching = false;
  async function showOlder(link) {
    if (fetching) {
      return;
    }
    fetching = true;
    const page = await fetch(link.href, { credentials: "same-origin" }).then(
      (answer) => (answer.ok && !answer.redirected ? answer.text() : ""),
      () => "",
    );
    fetching = false;
    const before = new DOMParser().parseFromString(page, "text/html");
    const found = before.getElementById("sms-texts");
    if (!found) {
      location.assign(link.href);
      return;
    }
    const height = scroll.scrollHeight;
    // The day at the seam is named by the older texts now.
    [...found.children].forEach((item) => document.getElementById(item.id)?.remove());
    texts.prepend(...found.children);
    scroll.scrollTop += scroll.scrollHeight - height;
    const further = before.getElementById("sms-older");
    if (further) {
      link.href = further.getAttribute("href");
    } else {
      link.parentElement.remove();
    }
  }
  older?.addEventListener("click", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      showOlder(older);
    }
  });
  /* Whoever scrolls up to the link wants what is behind it. */
  scroll?.addEventListener("scroll", () => {
    if (older?.isConnected && moved && scroll.scrollTop < 60) {
      showOlder(older);
    }
  });
  scroll?.addEventListener("wheel", () => (moved = true), { passive: true });
  scroll?.addEventListener("touchmove", () => (moved = true), { passive: true });
  scroll?.addEventListener("keydown", () => (moved = true));

  if (texts) {
    // A search leads to the text that it found.
    const hit = location.hash && document.getElementById(location.hash.slice(1));
    if (hit) {
      hit.scrollIntoView({ block: "center" });
    } else {
      toEnd();
    }
    markRead();
  }
  plan();
})();
