/* The ledger: sort by a column, search, filter. The page's address keeps the state: claims.html?verdict=fails&sort=claim */
(() => {
  const table = document.querySelector("table.ledger");
  const form = document.querySelector("form.ledger-filter");
  if (!table || !form) return;

  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  const status = form.querySelector("[role=status]");
  const collator = new Intl.Collator("en", { numeric: true });
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const state = new URLSearchParams(window.location.search);

  function sortKey(row, column) {
    const cell = row.cells[column];
    return cell.dataset.sort ?? cell.textContent.trim();
  }

  function compare(one, other) {
    const difference = Number(one) - Number(other);
    return Number.isNaN(difference) ? collator.compare(one, other) : difference;
  }

  function sortRows() {
    const column = headings.findIndex((heading) => heading.dataset.column === state.get("sort"));
    const sign = state.get("order") === "descending" ? -1 : 1;
    const sorted = [...rows]; // ties keep the book's order
    if (column >= 0) {
      sorted.sort((one, other) => sign * compare(sortKey(one, column), sortKey(other, column)));
    }
    body.append(...sorted);
    headings.forEach((heading, place) => {
      if (place !== column) heading.removeAttribute("aria-sort");
      else heading.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    });
  }

  function matches(row) {
    const words = (state.get("q") ?? "").toLowerCase().split(/\s+/);
    return (
      words.every((word) => texts.get(row).includes(word)) &&
      ["verdict", "kind", "chapter"].every((name) => !state.get(name) || state.get(name) === row.dataset[name])
    );
  }

  function filterRows() {
    let shown = 0;
    for (const row of rows) {
      row.hidden = !matches(row);
      if (!row.hidden) shown += 1;
    }
    status.textContent = `${shown} of ${rows.length} claims${shown ? "" : ": no claim matches"}`;
  }

  function keepState(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (value) state.set(name, value);
      else state.delete(name);
    }
    const query = state.toString();
    const { pathname, hash } = window.location;
    window.history.replaceState(null, "", pathname + (query && `?${query}`) + hash);
  }

  function sortBy(heading) {
    const order = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "";
    keepState({ sort: heading.dataset.column, order });
    sortRows();
  }

  for (const field of form.elements) {
    if (!field.name) continue;
    field.value = state.get(field.name) ?? "";
    if (field.selectedIndex === -1) field.value = ""; // the address names no such choice
  }
  keepState(Object.fromEntries(new FormData(form)));

  form.addEventListener("input", () => {
    keepState(Object.fromEntries(new FormData(form)));
    filterRows();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const field of form.elements) if (field.name) field.value = "";
    form.dispatchEvent(new Event("input"));
  });
  for (const heading of headings) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sortBy(heading));
    heading.replaceChildren(button);
  }

  table.classList.add("sortable");
  form.hidden = false;
  sortRows();
  filterRows();
})();
