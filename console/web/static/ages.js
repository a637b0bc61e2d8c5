// Ages that count on: every element with data-age-of shows how long ago that moment was, by the server's clock.
"use strict";

(() => {
  const UNITS = [["s", 1, 120], ["min", 60, 7200], ["h", 3600, 172800], ["days", 86400, Infinity]];
  let ahead = 0;

  function words(seconds) {
    const [unit, size] = UNITS.find(([, , until]) => Math.abs(seconds) < until);
    return `${Math.trunc(seconds / size)} ${unit}`;
  }

  function setClock() {
    const banner = document.getElementById("banner");
    if (banner) ahead = Number(banner.dataset.now) - Date.now() / 1000;
  }

  function show() {
    const now = Date.now() / 1000 + ahead;
    for (const element of document.querySelectorAll("[data-age-of]")) {
      const text = words(Math.round(now - Number(element.dataset.ageOf)));
      if (element.textContent !== text) element.textContent = text;
    }
  }

  window.routerPolicyAges = { setClock, show };
  setClock();
  show();
  setInterval(show, 1000);
})();
