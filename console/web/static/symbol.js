// A symbol's page: which time its chart shows, kept in the address, and the keys that go through it.
"use strict";

(() => {
  const DAY_SECONDS = 86400;
  const USUAL_DAYS = 3;
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  const picture = document.getElementById("picture");
  const state = document.getElementById("picture-state");
  const spans = document.getElementById("spans");
  const values = document.getElementById("picture-values");
  let shown = null;
  let asked = 0;
  let marks = [];
  let widthDrawn = 0;

  // The time in the address: a drag's two ends, or so many days up to the newest slot; 0 days are all.
  function wanted() {
    const query = new URLSearchParams(location.search);
    const [since, until] = [Date.parse(query.get("since")), Date.parse(query.get("until"))];
    if (since < until) return { since: new Date(since), until: new Date(until), days: null };
    const days = Number(query.get("days") ?? USUAL_DAYS);
    const isValid = Number.isInteger(days) && days >= 0 && days <= 10000;
    return lastDays(isValid ? days : USUAL_DAYS);
  }

  function lastDays(days) {
    const end = Number(picture.dataset.end);
    return { since: days > 0 && end ? new Date((end - days * DAY_SECONDS) * 1000) : new Date(0), until: null, days };
  }

  function want(values) {
    const query = new URLSearchParams(location.search);
    for (const name of ["days", "since", "until"]) query.delete(name);
    for (const [name, value] of Object.entries(values)) query.set(name, value);
    history.replaceState(history.state, "", query.size ? `?${query}` : location.pathname);
    load();
  }

  function zoom(from, to) {
    const [since, until] = [from, to].map((at) => new Date(Math.ceil(at) * 1000).toISOString().replace(".000", ""));
    const now = new URLSearchParams(location.search); // each panel reports a drag over one of them
    if (now.get("since") !== since || now.get("until") !== until) want({ since, until });
  }

  function draw() {
    if (!shown || !shown.points.slot.length) return;
    widthDrawn = picture.clientWidth;
    routerPolicyChart.draw(picture, shown, { now: Number(picture.dataset.now), marks, onZoom: zoom });
    picture.dataset.drawn = String(shown.points.slot.length);
    performance.mark("router-policy:drawn");
  }

  function showState(days) {
    const count = shown.points.slot.length;
    for (const button of spans.querySelectorAll("button[data-days]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.days) === days));
    }
    const back = days === null ? "double-click to go back to three days" : "drag across it to look closer";
    state.textContent = count ? `Point at the chart for its figures, or go through it with the arrow keys; ${back}.` : "No run in this time.";
    picture.hidden = count === 0;
  }

  async function load() {
    const { since, until, days } = wanted();
    asked += 1;
    const number = asked;
    if (!shown) state.textContent = "Loading";
    try {
      const end = until ? `&until=${until.toISOString()}` : "";
      const answer = await fetch(`${picture.dataset.series}?since=${since.toISOString()}${end}`);
      const record = await answer.json();
      if (!answer.ok) throw new Error(record.error.message);
      if (number !== asked) return; // another time was chosen meanwhile
      shown = record;
      showState(days);
      draw();
    } catch (error) {
      state.textContent = `The chart cannot be drawn: ${error.message}`;
    }
  }

  spans.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-days]");
    if (button) want({ days: button.dataset.days });
  });
  picture.addEventListener("keydown", (event) => {
    if (event.key === "Escape") routerPolicyChart.leaveCursor();
    if (!(event.key in STEPS) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    values.textContent = routerPolicyChart.moveCursor(STEPS[event.key]).join("; ");
  });
  picture.addEventListener("blur", () => routerPolicyChart.leaveCursor());
  picture.addEventListener("dblclick", () => want({}));
  new ResizeObserver(() => { if (picture.clientWidth !== widthDrawn) draw(); }).observe(picture);
  window.addEventListener("popstate", load);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("router-policy:update", load);
  document.addEventListener("router-policy:zone", draw);
  document.addEventListener("router-policy:marks", (event) => { // [{ at: ISO time, kind: one word, text: a sentence }]
    marks = event.detail;
    draw();
    picture.dataset.marks = String(marks.length);
  });
  load();
})();
