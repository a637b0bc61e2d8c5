// The overview: sorting and filtering, also of what an update brings.
"use strict";

(() => {
  const live = document.getElementById("live");
  const filters = document.getElementById("filters");
  const wanted = new URLSearchParams(location.search);
  let sort = { key: wanted.get("sort") || "quality", isDescending: wanted.get("order") === "descending" };

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
    if (rows.every(({ row }, index) => row === body.rows[index])) return;
    const focused = document.activeElement;
    body.append(...rows.map(({ row }) => row));
    if (body.contains(focused)) focused.focus({ preventScroll: true }); // a row that moves loses the keyboard
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
  document.addEventListener("router-policy:update", () => { applySort(); applyFilter(); });

  for (const name of ["symbol", "quality", "maker", "regime"]) {
    if (wanted.has(name)) filters.elements[name].value = wanted.get(name);
  }
  applySort();
  applyFilter();
})();
