// Keeps a page true while it is open: ages and words follow the console's clock, what is new is fetched, and a page
// that has lost the console says since when.
"use strict";

(() => {
  const EVERY_MILLISECONDS = 2000;
  const LONGEST_WAIT_MILLISECONDS = 8000;
  const PATIENCE_MILLISECONDS = 10000;
  const UNITS = [["s", 1, 120], ["min", 60, 7200], ["h", 3600, 172800], ["days", 86400, Infinity]];
  const NO_TAG = 'W/""';
  const live = document.getElementById("live");
  const contact = document.getElementById("contact");
  let tag = `W/"${live.dataset.tag}"`;
  let clock = clockOf(Number(document.getElementById("banner")?.dataset.now ?? Date.now() / 1000));
  let lost = null; // once contact is lost: when it was last there, by the console's clock, and why
  let failureCount = 0;
  let timer = null;
  let isUpdating = false;

  function clockOf(seconds) {
    return { seconds, wall: Date.now(), steady: performance.now() };
  }

  // The console's time. The clock of this machine may be set back, and the steady one may stand still in its sleep.
  function now() {
    return clock.seconds + Math.max(Date.now() - clock.wall, performance.now() - clock.steady) / 1000;
  }

  function ageWords(seconds) {
    const [unit, size] = UNITS.find(([, , until]) => Math.abs(seconds) < until);
    return `${Math.trunc(seconds / size)} ${unit}`;
  }

  function dueWords(seconds) {
    return seconds < 0 ? `due for ${ageWords(Math.trunc(-seconds))}` : `in ${ageWords(Math.ceil(seconds))}`;
  }

  function timeWords(seconds) {
    return `${new Date(seconds * 1000).toISOString().slice(11, 16)}Z`;
  }

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function phaseAt(phases, seconds) {
    return phases.filter(([after]) => after === null || seconds > after).at(-1);
  }

  // What was last known is not what is: a run may have been published since.
  function lastKnown(phases, current) {
    const known = phaseAt(phases, lost.at);
    const since = known[1] === current[1] ? "" : ` If no run was published since: ${current[2]}`;
    return ["unknown", `Last known at ${timeWords(lost.at)}: ${known[2]}${since}`];
  }

  function showPhase(element, seconds) {
    const phases = JSON.parse(element.dataset.phases);
    const current = phaseAt(phases, seconds);
    const [status, text] = lost && current[2] ? lastKnown(phases, current) : [current[1], current[2]];
    element.className = `banner ${status}`;
    element.dataset.status = status;
    element.hidden = text === "";
    setText(element.querySelector(".phase"), text);
  }

  function show() {
    const seconds = now();
    for (const element of document.querySelectorAll("[data-age-of]")) {
      setText(element, ageWords(Math.trunc(seconds - Number(element.dataset.ageOf))));
    }
    for (const element of document.querySelectorAll("[data-due-at]")) {
      setText(element, dueWords(Number(element.dataset.dueAt) - seconds));
    }
    for (const element of document.querySelectorAll("[data-phases]")) showPhase(element, seconds);
    for (const element of document.querySelectorAll("[data-contact]")) {
      setText(element, lost ? `lost since ${timeWords(lost.at)}` : "live");
    }
  }

  function showContact() {
    document.documentElement.toggleAttribute("data-lost", lost !== null);
    contact.hidden = lost === null;
    setText(contact, lost ? `${lost.why} This page shows what was last known at ${timeWords(lost.at)}.` : "");
  }

  async function ask(address, headers = {}) {
    let answer;
    try {
      answer = await fetch(address, { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) });
    } catch {
      throw new Error("The console cannot be reached.");
    }
    if (answer.ok || answer.status === 304) return answer;
    const message = parsed(await answer.text()).getElementById("error")?.textContent ?? `status ${answer.status}`;
    throw Object.assign(new Error(`The console answers: ${message}`), { status: answer.status });
  }

  function parsed(text) {
    return new DOMParser().parseFromString(text, "text/html"); // made by the server, which escapes every text
  }

  // Every answer has the strip. The overview asks for what it shows as well; every other page then asks for itself.
  async function take(part) {
    routerPolicyMorph(live, part.getElementById("live"));
    const overview = document.getElementById("overview");
    if (overview) {
      routerPolicyMorph(overview, part.getElementById("overview"));
    } else {
      const page = parsed(await (await ask(location.pathname + location.search)).text());
      routerPolicyMorph(document.getElementById("content"), page.getElementById("content"));
    }
    document.dispatchEvent(new Event("router-policy:update"));
  }

  // What an error page stands for has scripts of its own, so it is loaded, once, as soon as the console has it.
  async function leaveErrorPage(part) {
    routerPolicyMorph(live, part.getElementById("live"));
    const isFault = Number(live.dataset.error) >= 500;
    if (tag === NO_TAG && !isFault) return; // the page was made a moment ago
    try {
      await ask(location.pathname + location.search);
    } catch (error) {
      if (isFault || error.status === undefined || error.status >= 500) throw error;
      return;
    }
    location.reload();
  }

  async function update() {
    try {
      const answer = await ask(live.dataset.address, { "If-None-Match": tag });
      clock = clockOf(Number(answer.headers.get("Router-Policy-Clock")));
      if (answer.status === 200) {
        const part = parsed(await answer.text());
        await (live.dataset.error ? leaveErrorPage(part) : take(part));
        tag = answer.headers.get("ETag");
      }
      lost = null;
      failureCount = 0;
    } catch (error) {
      lost = { at: clock.seconds, why: error.message };
      failureCount += 1;
    }
    showContact();
    show();
  }

  async function keepUpdating() {
    clearTimeout(timer);
    if (isUpdating) return;
    isUpdating = true;
    if (!document.hidden) await update();
    isUpdating = false;
    timer = setTimeout(keepUpdating, Math.min(EVERY_MILLISECONDS * 2 ** failureCount, LONGEST_WAIT_MILLISECONDS));
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) keepUpdating(); });
  window.addEventListener("online", keepUpdating);
  show();
  setInterval(show, 1000);
  timer = setTimeout(keepUpdating, EVERY_MILLISECONDS);
})();
