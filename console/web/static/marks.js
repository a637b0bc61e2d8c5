// Marks of what happened on a symbol's chart, which draws them.
"use strict";

(() => {
  const picture = document.getElementById("picture");
  const MOST_MARKS = 1000;

  async function mark() {
    const answer = await fetch(`${picture.dataset.events}&limit=${MOST_MARKS}`);
    if (!answer.ok) return; // the chart says by itself that the console has a fault
    const { items } = await answer.json();
    const detail = items.map(({ at, kind, what, author }) => (
      { at, kind, text: `${kind.replaceAll("_", " ")}${author ? ` by ${author}` : ""}: ${what}` }
    ));
    document.dispatchEvent(new CustomEvent("router-policy:marks", { detail }));
  }

  document.addEventListener("router-policy:update", mark);
  mark();
})();
