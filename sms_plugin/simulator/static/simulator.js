// Keeps the handsets fresh without reloading, and posts their forms in place.
// Without this script every form still works; the page then reloads.
"use strict";

(() => {
  const POLL_MS = 1000;

  const localTimes = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      time.textContent = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      time.title = at.toLocaleString();
    }
  };

  const toEnd = (thread) => {
    thread.scrollTop = thread.scrollHeight;
  };

  // Only what changed is touched: nobody's selection jumps, and a screen reader hears
  // the new texts alone.
  const renewThread = (thread, fresh) => {
    for (const item of fresh.querySelectorAll("li[id]")) {
      const known = document.getElementById(item.id);
      const word = (li) => li.querySelector(".status")?.textContent;
      if (!known) {
        thread.querySelector(".empty")?.remove();
        localTimes(item);
        thread.append(item);
        toEnd(thread);
      } else if (known.className !== item.className || word(known) !== word(item)) {
        localTimes(item);
        known.replaceWith(item);
      }
    }
  };

  // A phone answers whoever wrote to it last, until a person chose another number.
  const renewRecipient = (select, fresh) => {
    if (select && fresh && !("chosen" in select.dataset)) select.value = fresh.value;
  };

  const renew = (phone, fresh) => {
    const [condition, now] = [phone, fresh].map((p) => p.querySelector(".condition"));
    condition.className = now.className;
    condition.textContent = now.textContent;
    renewThread(phone.querySelector(".thread"), fresh.querySelector(".thread"));
    renewRecipient(...[phone, fresh].map((p) => p.querySelector("select[name=to]")));
  };

  const holder = document.querySelector("[data-phones]");
  let version = holder ? Number(holder.dataset.version) : 0;

  const refresh = async () => {
    const answer = await fetch(holder.dataset.phones);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const grid = holder.querySelector(".phones");
    for (const fresh of [...page.querySelectorAll(".phone")].reverse()) {
      const old = document.getElementById(fresh.id);
      if (old) {
        renew(old, fresh);
      } else {
        localTimes(fresh);
        grid.prepend(fresh);
        toEnd(fresh.querySelector(".thread"));
      }
    }
    const nothing = holder.querySelector(".nothing");
    if (nothing && grid.childElementCount) nothing.remove();
  };

  const typing = () =>
    [...document.querySelectorAll("textarea, input[type=tel]")].some((field) => field.value);

  const poll = async () => {
    if (document.visibilityState === "visible") {
      try {
        const now = await (await fetch("/simulator/version.json")).json();
        if (now.numbers !== Number(holder.dataset.numbers) && !typing()) {
          location.reload(); // every form lists the numbers
          return;
        }
        if (now.version !== version) {
          await refresh();
          version = now.version;
        }
        document.body.classList.remove("away");
      } catch {
        document.body.classList.add("away");
      }
    }
    setTimeout(poll, POLL_MS);
  };

  document.addEventListener("change", (event) => {
    if (event.target.name === "to") event.target.dataset.chosen = "";
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-quiet]")) return;
    event.preventDefault();
    const said = form.querySelector(".said");
    const say = (words, wrong) => {
      said.textContent = words;
      said.classList.toggle("wrong", wrong);
    };
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form, event.submitter)),
        redirect: "manual",
      });
      // What was done is answered with a redirect, what cannot be done in words.
      if (answer.type !== "opaqueredirect") {
        say(await answer.text(), true);
        return;
      }
      say(form.dataset.quiet, false);
      const text = form.querySelector("textarea");
      if (text && event.submitter?.name !== "body") text.value = "";
      if (holder) await refresh();
    } catch {
      say("The simulator does not answer.", true);
    }
  });

  localTimes(document);
  document.querySelectorAll(".thread").forEach(toEnd);
  if (holder) poll();
})();
