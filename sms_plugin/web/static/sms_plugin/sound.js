/* A short tone when a patient's text comes, for whoever switched it on. */
(() => {
  "use strict";

  const button = document.getElementById("sms-sound");
  if (!button) {
    return;
  }
  const KEY = "sms-inbox-sound";
  let player = null;

  function isOn() {
    return localStorage.getItem(KEY) === "on";
  }

  function show() {
    button.setAttribute("aria-pressed", String(isOn()));
  }

  function play() {
    player ||= new AudioContext();
    const tone = player.createOscillator();
    const volume = player.createGain();
    tone.frequency.value = 660;
    volume.gain.setValueAtTime(0.1, player.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, player.currentTime + 0.4);
    tone.connect(volume).connect(player.destination);
    tone.start();
    tone.stop(player.currentTime + 0.4);
  }

  button.addEventListener("click", () => {
    localStorage.setItem(KEY, isOn() ? "off" : "on");
    show();
    if (isOn()) {
      play();
    }
  });
  document.addEventListener("sms:news", () => {
    if (isOn()) {
      play();
    }
  });
  button.hidden = false;
  show();
})();
