// Ranking: the hidden field holds the codes of all options, best first, once all have a place, and nothing before.
// A digit (or a click) gives an option the next place, or takes its place away; arrow keys, the small buttons and dragging move
// it, and then what is shown is the order. The rows keep their keys wherever they stand.

const say = (words) => document.dispatchEvent(new CustomEvent("concord:announce", { detail: words }));
const rowsOf = (list) => [...list.children];
const valueOf = (list) => list.parentElement.querySelector("[data-rank-value]");
const nameOf = (row) => row.querySelector(".option__name").textContent;

/** How many rows, from the top, have a place. */
const placed = (list) => rowsOf(list).filter((row) => row.hasAttribute("data-placed")).length;

function number(list) {
  for (const [at, row] of rowsOf(list).entries()) {
    row.querySelector("[data-rank-number]").textContent = row.hasAttribute("data-placed") ? at + 1 : "–";
  }
}

/** Write what is shown into the field, and tell whoever listens. */
function store(list, row) {
  const rows = rowsOf(list);
  // The last one has no choice.
  if (placed(list) === rows.length - 1) for (const each of rows) each.setAttribute("data-placed", "");
  number(list);
  const input = valueOf(list);
  input.value = placed(list) === rows.length ? rows.map((each) => each.dataset.code).join(",") : "";
  input.dispatchEvent(new Event("change", { bubbles: true }));
  const at = rowsOf(list).indexOf(row) + 1;
  const words = row.hasAttribute("data-placed") ? list.dataset.rankSaid : list.dataset.rankTaken;
  say(words.replace("{name}", nameOf(row)).replace("{place}", at).replace("{all}", rows.length));
}

/** Show the order that the field holds; none is the options' own, without places. */
function show(list) {
  const order = valueOf(list).value.split(",").filter(Boolean);
  const rows = rowsOf(list);
  const whole = order.length === rows.length;
  for (const row of rows) row.toggleAttribute("data-placed", whole);
  if (whole) {
    const byCode = new Map(rows.map((row) => [row.dataset.code, row]));
    if (order.every((code) => byCode.has(code))) list.append(...order.map((code) => byCode.get(code)));
  }
  number(list);
  list.setAttribute("data-ready", "");
}

function place(list, row) {
  if (placed(list) === list.children.length) {
    // The last one had its place given: naming it too changes nothing. Naming another begins anew.
    if (row === list.lastElementChild) return;
    for (const each of rowsOf(list)) each.removeAttribute("data-placed");
  }
  // Below those that have a place: there it takes the next one, or waits for one again.
  const open = rowsOf(list).find((each) => each !== row && !each.hasAttribute("data-placed"));
  list.insertBefore(row, open ?? null);
  row.toggleAttribute("data-placed");
  store(list, row);
}

function move(list, row, step) {
  const other = step < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (step < 0) other.before(row);
  else other.after(row);
  for (const each of rowsOf(list)) each.setAttribute("data-placed", "");
  store(list, row);
}

const listOf = (target) => target.closest?.("[data-rank]");

// A mouse leaves the focus where it is, so that Enter goes on submitting.
document.addEventListener("mousedown", (event) => {
  if (listOf(event.target)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const list = listOf(event.target);
  if (!list) return;
  const row = event.target.closest(".rank__row");
  const mover = event.target.closest("[data-rank-move]");
  const focused = document.activeElement;
  if (mover) move(list, row, Number(mover.dataset.rankMove));
  else if (event.target.closest("[data-rank-place]")) place(list, row);
  // A row that moves takes the focus with it.
  if (list.contains(focused)) focused.focus({ preventScroll: true });
});

document.addEventListener("keydown", (event) => {
  const list = listOf(event.target);
  if (!list || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const focused = event.target;
  move(list, focused.closest(".rank__row"), step);
  focused.focus({ preventScroll: true });
  focused.scrollIntoView({ block: "nearest" });
});

// ---- dragging, by mouse and finger ---------------------------------------------------------------

let dragged = null;
let moved = false;

document.addEventListener("pointerdown", (event) => {
  const row = listOf(event.target) && event.target.closest("[data-rank-place]")?.closest(".rank__row");
  if (!row || event.button !== 0) return;
  dragged = row;
  moved = false;
});

document.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const list = dragged.parentElement;
  const over = rowsOf(list).find((row) => {
    const box = row.getBoundingClientRect();
    return row !== dragged && event.clientY >= box.top && event.clientY < box.bottom;
  });
  if (!over) return;
  moved = true;
  dragged.setAttribute("data-dragged", "");
  const box = over.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) over.before(dragged);
  else over.after(dragged);
});

for (const name of ["pointerup", "pointercancel"]) {
  document.addEventListener(name, () => {
    const row = dragged;
    dragged = null;
    if (!row || !moved) return;
    row.removeAttribute("data-dragged");
    const list = row.parentElement;
    for (const each of rowsOf(list)) each.setAttribute("data-placed", "");
    store(list, row);
  });
}

// The click that ends a drag gives no place.
document.addEventListener(
  "click",
  (event) => {
    if (!moved || !listOf(event.target)) return;
    moved = false;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

// ---- each new question, however it came into the page --------------------------------------------

function ready(root) {
  for (const list of root.querySelectorAll("[data-rank]:not([data-ready])")) show(list);
}

document.addEventListener("concord:filled", (event) => {
  const list = event.target.querySelector("[data-rank]");
  if (list) show(list);
});

ready(document);
new MutationObserver(() => ready(document)).observe(document.body, { childList: true, subtree: true });
