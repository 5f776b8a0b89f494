// Keyboard shortcuts. The control itself declares them: aria-keyshortcuts="s", "1", "Control+Z", "Enter".
// This module presses the control; the ? dialog is written from the same attributes, so it cannot go stale.
//
//   data-keys-in-text   the shortcut also works while typing (only sensible with Control or Alt)
//   data-key-label      the words in the list, where the control's own are not clear enough
//   data-key-group      several controls (the options) become one line in the list
//
// Single keys (one character, no modifier) can be switched off in the dialog: WCAG 2.1.4.

const STORE = "concord-keys";
const root = document.documentElement;

function stored() {
  try {
    return localStorage.getItem(STORE);
  } catch {
    return null; // storage may be forbidden: then keys are on, and the switch lasts for the page
  }
}

function isOff() {
  return root.dataset.keys === "off";
}

if (stored() === "off") root.dataset.keys = "off";

/** "Control+Z" -> {key: "z", control: true, alt: false, shift: false} */
function parse(shortcut) {
  const parts = shortcut === "+" ? ["+"] : shortcut.split("+");
  const key = parts.pop().toLowerCase();
  const modifiers = parts.map((part) => part.toLowerCase());
  return {
    key: key === "space" ? " " : key,
    control: modifiers.includes("control") || modifiers.includes("meta"),
    alt: modifiers.includes("alt"),
    shift: modifiers.includes("shift"),
  };
}

function shortcuts(element) {
  return element.getAttribute("aria-keyshortcuts").split(/\s+/).filter(Boolean);
}

function isSingle({ key, control, alt }) {
  return key.length === 1 && !control && !alt;
}

function matches(wanted, event) {
  if (event.key.toLowerCase() !== wanted.key) return false;
  if ((event.ctrlKey || event.metaKey) !== wanted.control || event.altKey !== wanted.alt) return false;
  // Shift is part of how some characters are typed ("?"), so it only counts where it changes the meaning.
  return wanted.key.length === 1 && !/[a-z]/.test(wanted.key) ? true : event.shiftKey === wanted.shift;
}

function isTyping(element) {
  if (!(element instanceof HTMLElement)) return false;
  if (element.isContentEditable || element.matches("textarea, select")) return true;
  return (
    element.matches("input") &&
    !["radio", "checkbox", "button", "submit", "reset", "file", "range", "color"].includes(element.type)
  );
}

/** Enter already does something on these; taking it would press two things. */
function hasOwnEnter(element) {
  const own = element instanceof Element && element.closest("a[href], button, summary, input, select, textarea");
  return Boolean(own) && !own.matches("input[type=radio], input[type=checkbox]");
}

function isLive(element) {
  if (element.disabled || element.getAttribute("aria-disabled") === "true") return false;
  const modal = document.querySelector("dialog:modal");
  if (modal && !modal.contains(element)) return false;
  if (element.hasAttribute("data-key-always")) return true;
  // A radio may be hidden behind its label; what counts is whether its line can be seen.
  const seen = element.closest("label") ?? element;
  return seen.checkVisibility({ visibilityProperty: true });
}

function press(element) {
  if (element.matches("input[type=radio], input[type=checkbox]")) {
    element.focus({ preventScroll: true });
    element.click();
  } else if (element.matches("input, textarea, select")) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.repeat || event.isComposing) return;
  const typing = isTyping(event.target);
  for (const element of document.querySelectorAll("[aria-keyshortcuts]")) {
    if (typing && !element.hasAttribute("data-keys-in-text")) continue;
    const wanted = shortcuts(element)
      .map(parse)
      .find((shortcut) => matches(shortcut, event));
    if (!wanted || (isSingle(wanted) && (isOff() || typing))) continue;
    if (wanted.key === "enter" && !wanted.control && hasOwnEnter(event.target)) continue;
    if (!isLive(element)) continue;
    event.preventDefault();
    press(element);
    return;
  }
});

// ---- the list -------------------------------------------------------------------------------

const isMac = /mac|iphone|ipad/i.test(navigator.platform);
const NAMES = { control: isMac ? "⌘" : "Ctrl", alt: isMac ? "⌥" : "Alt", shift: "⇧", enter: "Enter", escape: "Esc" };

function keyCaps(shortcut) {
  const { key, control, alt, shift } = parse(shortcut);
  const caps = [];
  if (control) caps.push(NAMES.control);
  if (alt) caps.push(NAMES.alt);
  if (shift) caps.push(NAMES.shift);
  caps.push(NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key));
  const together = document.createElement("span");
  together.className = "key-list__together";
  for (const cap of caps) {
    const element = document.createElement("kbd");
    element.className = "key key--always";
    element.textContent = key.length === 1 && cap.length === 1 && !control ? cap.toLowerCase() : cap;
    together.append(element);
  }
  return together;
}

function words(element) {
  if (element.dataset.keyLabel) return element.dataset.keyLabel;
  const source = element.labels?.[0] ?? element;
  if (element.getAttribute("aria-label")) return element.getAttribute("aria-label");
  const copy = source.cloneNode(true);
  for (const extra of copy.querySelectorAll(".key, .visually-hidden, svg, input, [data-key-skip]")) extra.remove();
  return copy.textContent.trim().replace(/\s+/g, " ");
}

function fill(list) {
  const lines = new Map();
  for (const element of document.querySelectorAll("[aria-keyshortcuts]")) {
    if (element.disabled) continue;
    const seen = element.closest("label") ?? element;
    if (!element.hasAttribute("data-key-always") && !seen.checkVisibility()) continue;
    const label = element.dataset.keyGroup || words(element);
    const caps = lines.get(label) ?? [];
    for (const shortcut of shortcuts(element)) caps.push(keyCaps(shortcut));
    lines.set(label, caps);
  }
  list.replaceChildren(
    ...[...lines].map(([label, caps]) => {
      const line = document.createElement("div");
      const name = document.createElement("dt");
      name.textContent = label;
      const keys = document.createElement("dd");
      keys.append(...caps);
      line.append(name, keys);
      return line;
    }),
  );
}

const dialog = document.getElementById("keys");
if (dialog) {
  dialog.addEventListener("concord:open", () => fill(dialog.querySelector("[data-key-list]")));
  const toggle = dialog.querySelector("[data-keys-toggle]");
  toggle.checked = !isOff();
  toggle.addEventListener("change", () => {
    if (toggle.checked) delete root.dataset.keys;
    else root.dataset.keys = "off";
    try {
      localStorage.setItem(STORE, toggle.checked ? "on" : "off");
    } catch {
      // see stored()
    }
  });
}
