// Times on the pages: in UTC, or by a switch in the zone of this machine; each then has its time in UTC as its title.
"use strict";

(() => {
  const LOCAL_TIME = "router-policy-local-time";
  const UNTIL_MINUTES = 16;
  const UNTIL_SECONDS = 19;
  const button = document.getElementById("local-time");

  function isLocal() {
    return button.getAttribute("aria-pressed") === "true";
  }

  // A time in seconds as people read it: 2026-04-26 06:00, in UTC or in the zone of this machine.
  function timeWords(at, length = UNTIL_MINUTES) {
    const shift = isLocal() ? new Date(at * 1000).getTimezoneOffset() * 60 : 0;
    return new Date((at - shift) * 1000).toISOString().slice(0, length).replace("T", " ");
  }

  function zoneWords(at) {
    if (!isLocal()) return "UTC";
    const minutes = -new Date(at * 1000).getTimezoneOffset();
    const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
    return `UTC${minutes < 0 ? "−" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
  }

  function show() {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const at = Date.parse(element.dateTime) / 1000;
      const words = isLocal() ? `${timeWords(at, UNTIL_SECONDS)} ${zoneWords(at)}` : element.dateTime;
      if (element.textContent !== words) element.textContent = words;
      if (isLocal()) element.title = element.dateTime;
      else element.removeAttribute("title");
    }
  }

  function keptChoice() {
    try {
      return localStorage.getItem(LOCAL_TIME) === "true";
    } catch { // the browser keeps nothing for this page
      return false;
    }
  }

  function keepChoice() {
    try {
      localStorage.setItem(LOCAL_TIME, String(isLocal()));
    } catch {
      return; // it holds for this page only
    }
  }

  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!isLocal()));
    keepChoice();
    show();
    document.dispatchEvent(new Event("router-policy:zone"));
  });
  document.addEventListener("router-policy:update", show);
  button.setAttribute("aria-pressed", String(keptChoice()));
  show();
  window.routerPolicyTimes = { isLocal, timeWords, zoneWords };
})();
