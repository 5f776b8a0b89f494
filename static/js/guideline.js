// The editor of the guideline, opened at a note that was put in: it is selected and in view.

const text = document.querySelector("textarea[data-select-from]");
if (text) {
  const from = Number(text.dataset.selectFrom);
  text.focus();
  text.setSelectionRange(from, Number(text.dataset.selectTo));
  const lines = text.value.slice(0, from).split("\n").length;
  text.scrollTop = (lines - 3) * parseFloat(getComputedStyle(text).lineHeight);
}
