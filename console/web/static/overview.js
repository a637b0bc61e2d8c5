// The overview: sorting, filtering, and asking the server every two seconds whether anything is new.
"use strict";

(() => {
  const EVERY_MILLISECONDS = 2000;
  const PATIENCE_MILLISECONDS = 10000;
  const live = document.getElementById("live");
  const filters = document.getElementById("filters");
  const connection = document.getElementById("connection");
  const wanted = new URLSearchParams(location.search);
  let tag = `W/"${live.dataset.tag}"`;
  let sort = { key: wanted.get("sort") || "quality", isDescending: wanted.get("order") === "descending" };
  let lostAt = null;

  function cellValue(row, key, kind) {
    const cell = row.querySelector(`.${CSS.escape(key)}`);
    if (kind === "text") return cell.textContent.trim();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  }

  function compare(one, other) {
    if (one === other) return 0;
    if (one === null) return sort.isDescending ? -1 : 1; // what was not measured stays last either way
    if (other === null) return sort.isDescending ? 1 : -1;
    return typeof one === "string" ? one.localeCompare(other) : one - other;
  }

  function applySort() {
    const heads = [...document.querySelectorAll("#symbols thead th[data-key]")];
    const head = heads.find((one) => one.dataset.key === sort.key) || heads[1];
    if (!head) return;
    for (const one of heads) one.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sort.isDescending ? "descending" : "ascending");
    const body = document.querySelector("#symbols tbody");
    const rows = [...body.rows].map((row) => ({ row, value: cellValue(row, head.dataset.key, head.dataset.kind) }));
    rows.sort((one, other) => (sort.isDescending ? -1 : 1) * compare(one.value, other.value));
    body.append(...rows.map(({ row }) => row));
  }

  function applyFilter() {
    const text = filters.elements.symbol.value.trim().toLowerCase();
    const choices = ["quality", "maker", "regime"].map((name) => [name, filters.elements[name].value]);
    const rows = [...document.querySelectorAll("#symbols tbody tr")];
    let count = 0;
    for (const row of rows) {
      const matches = row.dataset.symbol.toLowerCase().includes(text)
        && choices.every(([name, value]) => value === "" || row.dataset[name] === value);
      row.hidden = !matches;
      count += matches;
    }
    document.getElementById("shown-count").textContent = rows.length ? `${count} of ${rows.length} symbols` : "";
    const nothing = document.getElementById("nothing-matches");
    if (nothing) nothing.hidden = count > 0;
  }

  function remember() {
    const address = new URLSearchParams();
    for (const name of ["symbol", "quality", "maker", "regime"]) {
      if (filters.elements[name].value) address.set(name, filters.elements[name].value);
    }
    if (sort.key !== "quality" || sort.isDescending) {
      address.set("sort", sort.key);
      address.set("order", sort.isDescending ? "descending" : "ascending");
    }
    history.replaceState(null, "", address.size ? `?${address}` : location.pathname);
  }

  function show(html) {
    const focused = document.activeElement && live.contains(document.activeElement) ? addressOf(document.activeElement) : null;
    const scrolled = document.querySelector(".scroll")?.scrollLeft ?? 0;
    live.innerHTML = html; // made by the server, which escapes every text from outside
    applySort();
    applyFilter();
    if (document.querySelector(".scroll")) document.querySelector(".scroll").scrollLeft = scrolled;
    if (focused) document.querySelector(focused)?.focus({ preventScroll: true });
    routerPolicyAges.setClock();
    routerPolicyAges.show();
  }

  // The element with the focus, so that an update does not take it away.
  function addressOf(element) {
    const head = element.closest("th[data-key]");
    if (head) return `th[data-key="${CSS.escape(head.dataset.key)}"] button`;
    const row = element.closest("tr[data-symbol]");
    return row ? `tr[data-symbol="${CSS.escape(row.dataset.symbol)}"] a` : ".scroll";
  }

  async function update() {
    try {
      const answer = await fetch("/overview", {
        headers: { "If-None-Match": tag }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
      });
      if (answer.status === 200) {
        show(await answer.text());
        tag = answer.headers.get("ETag");
      } else if (answer.status !== 304) {
        throw new Error(`the console answers ${answer.status}`);
      }
      lostAt = null;
      connection.hidden = true;
    } catch {
      lostAt ??= new Date();
      connection.textContent = `Not updated since ${lostAt.toISOString().slice(0, 19)}Z: the console or its database cannot be reached.`;
      connection.hidden = false;
    }
  }

  async function keepUpdating() {
    if (!document.hidden) await update();
    setTimeout(keepUpdating, EVERY_MILLISECONDS);
  }

  live.addEventListener("click", (event) => {
    const head = event.target.closest("th[data-key]");
    if (!head) return;
    const key = head.dataset.key;
    sort = { key, isDescending: sort.key === key ? !sort.isDescending : false };
    applySort();
    remember();
  });
  filters.addEventListener("input", () => { applyFilter(); remember(); });
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(() => { applyFilter(); remember(); }));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) update(); });

  for (const name of ["symbol", "quality", "maker", "regime"]) {
    if (wanted.has(name)) filters.elements[name].value = wanted.get(name);
  }
  applySort();
  applyFilter();
  setTimeout(keepUpdating, EVERY_MILLISECONDS);
})();
