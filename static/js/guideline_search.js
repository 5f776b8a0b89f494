// Searching the guideline beside the item: what does not hold the words is hidden, and what leads to it stays.

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();
const isHeading = (block) => /^H[1-6]$/.test(block.tagName);
const level = (block) => Number(block.tagName[1]);

/** What is shown or hidden as one: definitions, and the blocks of the text; of a list its entries, of a table its rows. */
function passages(guideline) {
  const blocks = [...guideline.querySelectorAll(".definition, .guideline__text > *")];
  return blocks.flatMap((block) => {
    if (block.matches("ul, ol")) return [...block.children];
    if (block.matches("table")) return [...block.querySelectorAll("tbody > tr")];
    return [block];
  });
}

function search(input) {
  const guideline = input.closest("[data-guideline]");
  const words = plain(input.value).split(/\s+/).filter(Boolean);
  const all = passages(guideline);
  const texts = all.filter((block) => !isHeading(block));
  const holds = (block) => words.every((word) => plain(block.textContent).includes(word));
  for (const block of texts) block.hidden = !holds(block);
  for (const [at, heading] of all.entries()) {
    if (!isHeading(heading)) continue;
    // A heading stays over what stays; one that holds the words brings all that is under it.
    const end = all.findIndex((block, n) => n > at && isHeading(block) && level(block) <= level(heading));
    const under = all.slice(at + 1, end < 0 ? undefined : end);
    if (words.length > 0 && holds(heading)) for (const block of under) block.hidden = false;
    heading.hidden = words.length > 0 && !holds(heading) && under.every((block) => isHeading(block) || block.hidden);
  }
  const found = guideline.querySelector("[data-guideline-found]");
  const left = texts.filter((block) => !block.hidden).length;
  found.textContent = words.length > 0 ? input.dataset.found.replace("{n}", left).replace("{all}", texts.length) : "";
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-guideline-search]")) search(event.target);
});

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-guideline-open]")) return;
  document.querySelector("[data-guideline]").open = true;
  const input = document.querySelector("[data-guideline-search]");
  input.focus();
  input.select();
});

document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (event.key !== "Escape" || event.isComposing || !input.matches?.("[data-guideline-search]")) return;
  event.preventDefault();
  input.value = "";
  search(input);
  document.querySelector(".label__item")?.focus({ preventScroll: true });
});
