// Writing a prompt: variables are inserted where the cursor is, and what was written is not left by accident.

const form = document.getElementById("prompt-form");

// A text that was never entered has its cursor at its beginning, where nothing is meant to go.
const entered = new Set();
form?.addEventListener("focusin", (event) => entered.add(event.target.id));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  const text = document.getElementById(button.dataset.into);
  if (!text) return;
  const end = text.value.length;
  const [from, to] = entered.has(text.id) ? [text.selectionStart, text.selectionEnd] : [end, end];
  text.focus();
  text.setSelectionRange(from, to);
  // By the browser's own editing, so that it can be undone; it fires the input event, too.
  if (document.execCommand?.("insertText", false, button.dataset.insert)) return;
  text.setRangeText(button.dataset.insert, from, to, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
});

// What was typed just before may still be on its way to be shown: it is to come about this item then.
document.addEventListener(
  "click",
  (event) => {
    const step = event.target.closest("button[name='place_to']");
    const place = form?.elements.namedItem("place");
    if (step && place) place.value = step.value;
  },
  { capture: true },
);

const isOther = (control) =>
  ["checkbox", "radio"].includes(control.type)
    ? control.checked !== control.defaultChecked
    : "defaultValue" in control && control.value !== control.defaultValue;

// What was entered before htmx was there, or was put back by the browser, is not in the preview yet.
document.addEventListener(
  "htmx:load",
  () => {
    if (form && [...form.elements].some(isOther)) form.dispatchEvent(new Event("input", { bubbles: true }));
  },
  { once: true },
);

let changed = false;
form?.addEventListener("input", () => {
  changed = true;
});
form?.addEventListener("submit", () => {
  changed = false;
});
window.addEventListener("beforeunload", (event) => {
  if (changed) event.preventDefault();
});
