// The overview: sorting and filtering, also of what an update brings.
"use strict";

(() => {
  const overview = document.getElementById("overview");
  const search = document.getElementById("filter-symbol");
  const sortChoice = document.getElementById("sort");
  const filters = document.getElementById("filters");
  const wanted = new URLSearchParams(location.search);
  let sort = { key: wanted.get("sort") || "quality", isDescending: wanted.get("order") === "descending" };

  function heads() {
    return [...document.querySelectorAll("#symbols thead th[data-key]")];
  }

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
    const all = heads();
    const head = all.find((one) => one.dataset.key === sort.key) || all[1];
    if (!head) return;
    for (const one of all) one.removeAttribute("aria-sort");
    showChoices(all, head.dataset.key);
    head.setAttribute("aria-sort", sort.isDescending ? "descending" : "ascending");
    const body = document.querySelector("#symbols tbody");
    const rows = [...body.rows].map((row) => ({ row, value: cellValue(row, head.dataset.key, head.dataset.kind) }));
    rows.sort((one, other) => (sort.isDescending ? -1 : 1) * compare(one.value, other.value));
    if (rows.every(({ row }, index) => row === body.rows[index])) return;
    const focused = document.activeElement;
    body.append(...rows.map(({ row }) => row));
    if (body.contains(focused)) focused.focus({ preventScroll: true }); // a row that moves loses the keyboard
  }

  // On a phone the table has no heads to press.
  function showChoices(all, key) {
    if (sortChoice.options.length !== all.length) {
      sortChoice.replaceChildren(...all.map((head) => new Option(head.querySelector("button").textContent, head.dataset.key)));
    }
    sortChoice.value = key;
  }

  // What the search looks in: all words of a row that are not figures.
  function words(row) {
    const { symbol, quality, regime, maker } = row.dataset;
    const route = { yes: "maker first", no: "taker" }[maker] ?? "";
    const marks = [...row.querySelectorAll(".tip")].map((tip) => tip.textContent).join(" ");
    return `${symbol} ${quality === "missing" ? "no policy" : quality} ${regime} ${route} ${marks}`.toLowerCase();
  }

  function applyFilter() {
    const parts = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const choices = ["quality", "maker", "regime"].map((name) => [name, filters.elements[name].value]);
    const rows = [...document.querySelectorAll("#symbols tbody tr")];
    let count = 0;
    for (const row of rows) {
      const text = words(row);
      const matches = parts.every((part) => text.includes(part))
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

  function sortBy(head) {
    const { key, worst } = head.dataset;
    sort = { key, isDescending: sort.key === key ? !sort.isDescending : worst === "descending" };
    applySort();
    remember();
  }

  overview.addEventListener("click", (event) => {
    const button = event.target.closest("th[data-key] button:not(.tip)");
    if (button) sortBy(button.closest("th"));
  });
  sortChoice.addEventListener("input", (event) => {
    event.stopPropagation(); // it filters nothing
    sortBy(heads().find((head) => head.dataset.key === sortChoice.value));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
  filters.addEventListener("input", () => { applyFilter(); remember(); });
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(() => { applyFilter(); remember(); }));
  document.addEventListener("router-policy:update", () => { applySort(); applyFilter(); });

  for (const name of ["symbol", "quality", "maker", "regime"]) {
    if (wanted.has(name)) filters.elements[name].value = wanted.get(name);
  }
  applySort();
  applyFilter();
})();
