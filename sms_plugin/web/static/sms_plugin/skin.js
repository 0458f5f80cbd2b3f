/* Makes our pages dark where the host's page is dark: where its text is lighter than the
   ground below it. It runs before the page is painted, and again when the host switches
   its theme. Themes that the server knows are right without it. */
(() => {
  "use strict";

  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  /* A colour as red, green, blue and opacity, from 0 to 1, in whatever way it is written. */
  function parts(colour) {
    const plain = colour.match(/^rgba?\(([\d., ]+)\)$/);
    if (plain) {
      const [red, green, blue, opacity = 1] = plain[1].split(",").map(Number);
      return [red / 255, green / 255, blue / 255, opacity];
    }
    if (!brush) return [1, 1, 1, 0];
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
  }

  /* Relative luminance, as the contrast rules of WCAG define it. */
  function luminance([red, green, blue]) {
    const [r, g, b] = [red, green, blue].map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function ground(node) {
    for (let place = node; place; place = place.parentElement) {
      const colour = parts(getComputedStyle(place).backgroundColor);
      if (colour[3] > 0.5) return luminance(colour);
    }
    return 0.5;
  }

  function follow() {
    const page = document.querySelector(".sms-page");
    if (!page) return;
    const host = page.parentElement;
    const ink = luminance(parts(getComputedStyle(host).color));
    const dark = ink > ground(host);
    for (const part of document.querySelectorAll(".sms-page, .sms-messages, .sms-skip")) {
      part.classList.toggle("sms-dark", dark);
    }
  }

  follow();
  addEventListener("load", follow);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
  const watch = new MutationObserver(follow);
  watch.observe(document.documentElement, { attributes: true });
  watch.observe(document.body, { attributes: true });
})();
