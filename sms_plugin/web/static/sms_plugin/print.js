// Shows a button that prints the page; without this script the browser's menu does.
"use strict";
const button = document.getElementById("sms-print");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
