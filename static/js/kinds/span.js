// Spans: parts of a text, each of a type. The hidden field of a question is the truth: [[start, end, code]], in characters from 0
// (code points, as Python counts them; inside this module places are JavaScript's own). The text shows what the fields hold.
//
// By mouse: select, then press a type; a click takes a word, Shift extends. By finger: a tap takes a word, another one extends.
// By keyboard: arrows go from word to word, Shift extends, Ctrl or Alt go by character, a digit gives the type, Delete takes away.

const say = (words) => document.dispatchEvent(new CustomEvent("concord:announce", { detail: words }));
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// ---- the texts ---------------------------------------------------------------------------------

const texts = new WeakMap(); // field -> {text, words}
const segmenter = Intl.Segmenter && new Intl.Segmenter(undefined, { granularity: "word" });

function textOf(field) {
  if (!texts.has(field)) {
    const text = field.textContent;
    const parts = segmenter
      ? [...segmenter.segment(text)].filter((part) => part.isWordLike).map((part) => [part.index, part.index + part.segment.length])
      : [...text.matchAll(/\S+/g)].map((part) => [part.index, part.index + part[0].length]);
    texts.set(field, { text, words: parts });
  }
  return texts.get(field);
}

const toPoints = (text, at) => [...text.slice(0, at)].length;

function fromPoints(text, points) {
  let at = 0;
  for (const letter of text) {
    if (points-- <= 0) break;
    at += letter.length;
  }
  return at;
}

const fieldOf = (spans) => all("[data-marked]").find((field) => field.dataset.marked === spans.dataset.spans);
const spansOn = (field) => all("[data-spans]").filter((spans) => spans.dataset.spans === field.dataset.marked);
const questionOf = (spans) => spans.closest("[data-question]");

/** The question that the keys are for: the one you are at, else the only one. */
function active() {
  const shown = all("[data-spans]").filter((spans) => !questionOf(spans).hidden);
  return shown.find((spans) => questionOf(spans).matches("[data-active]")) ?? shown.find((spans) => spans === last) ?? shown[0];
}

let last = null;
// What is selected: {field, start, end, anchor}, places in the text.
let chosen = null;
let preview = null; // {field, spans} of an answer pointed at, in review

// ---- what the question holds ---------------------------------------------------------------------

const valueOf = (spans) => spans.querySelector("[data-span-value]");

function read(spans) {
  const { text } = textOf(fieldOf(spans));
  try {
    return JSON.parse(valueOf(spans).value || "[]").map(([start, end, code]) => [fromPoints(text, start), fromPoints(text, end), code]);
  } catch {
    return [];
  }
}

function write(spans, marked, nothing = false) {
  const { text } = textOf(fieldOf(spans));
  const points = marked
    .map(([start, end, code]) => [toPoints(text, start), toPoints(text, end), code])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  const input = valueOf(spans);
  input.value = points.length > 0 || nothing ? JSON.stringify(points) : "";
  show(spans);
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function typeOf(spans, code) {
  const button = spans.querySelector(`[data-span-type="${Number(code)}"]`);
  return { name: button?.querySelector(".option__name").textContent ?? "?", hue: button?.dataset.hue ?? "slate" };
}

// ---- what is shown -------------------------------------------------------------------------------

function show(spans) {
  const marked = read(spans);
  spans.querySelector("[data-span-nothing]").checked = valueOf(spans).value === "[]";
  const { text } = textOf(fieldOf(spans));
  spans.querySelector("[data-span-list]").replaceChildren(
    ...marked.map(([start, end, code], at) => {
      const { name, hue } = typeOf(spans, code);
      const line = document.createElement("li");
      line.className = "spans__line";
      line.dataset.hue = hue;
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      const words = document.createElement("span");
      words.className = "spans__text";
      words.dir = "auto";
      words.textContent = text.slice(start, end);
      const type = document.createElement("span");
      type.className = "quiet";
      type.dir = "auto";
      type.textContent = name;
      const away = document.createElement("button");
      away.type = "button";
      away.className = "button button--quiet spans__away";
      away.dataset.spanAway = at;
      away.textContent = "×";
      away.setAttribute("aria-label", spans.dataset.deleteLabel.replace("{text}", words.textContent).replace("{name}", name));
      line.append(swatch, words, type, away);
      return line;
    }),
  );
  paint(fieldOf(spans));
}

/** The text in pieces, each within a mark for every span that covers it. */
function paint(field) {
  const { text } = textOf(field);
  let marks = [];
  if (preview?.field === field) marks = preview.spans;
  else {
    for (const spans of spansOn(field)) {
      marks.push(...read(spans).map(([start, end, code]) => ({ start, end, ...typeOf(spans, code) })));
    }
  }
  const selected = chosen?.field === field ? chosen : null;
  const cuts = new Set([0, text.length]);
  for (const { start, end } of [...marks, ...(selected ? [selected] : [])]) cuts.add(start).add(end);
  const places = [...cuts].sort((a, b) => a - b);
  const pieces = places.slice(0, -1).map((start, at) => {
    const end = places[at + 1];
    let piece = document.createTextNode(text.slice(start, end));
    const within = marks.filter((mark) => mark.start <= start && mark.end >= end).sort((a, b) => b.end - b.start - (a.end - a.start));
    if (selected && selected.start <= start && selected.end >= end) piece = wrapped(piece, "mark-chosen");
    for (const [depth, mark] of within.reverse().entries()) {
      piece = wrapped(piece, "mark-span");
      piece.dataset.hue = mark.hue;
      piece.dataset.depth = Math.min(depth, 3);
      // The name stands at the end, drawn by the style sheet: the text itself stays what it is.
      if (mark.end === end) piece.dataset.name = mark.name;
    }
    return piece;
  });
  field.replaceChildren(...pieces);
}

function wrapped(piece, name) {
  const element = document.createElement("span");
  element.className = name;
  element.append(piece);
  return element;
}

function choose(field, start, end, anchor = null) {
  const before = chosen;
  chosen = start < end ? { field, start, end, anchor } : null;
  if (before && before.field !== field) paint(before.field);
  paint(field);
  if (!chosen) return;
  say(textOf(field).text.slice(start, end));
  field.querySelector(".mark-chosen")?.scrollIntoView({ block: "nearest" });
}

function unchoose() {
  const before = chosen;
  chosen = null;
  if (before) paint(before.field);
}

// ---- marking and taking away ---------------------------------------------------------------------

function mark(spans, code) {
  last = spans;
  const field = fieldOf(spans);
  takeSelection(field);
  const line = questionOf(spans).querySelector(".field__error");
  if (!chosen || chosen.field !== field) {
    tell(line, spans.dataset.selectFirst);
    return;
  }
  const { start, end } = chosen;
  const marked = read(spans);
  const rest = marked.filter(([from, to, type]) => from !== start || to !== end || (spans.hasAttribute("data-overlap") && type !== code));
  if (!spans.hasAttribute("data-overlap") && rest.some(([from, to]) => from < end && to > start)) {
    tell(line, spans.dataset.overlaps);
    return;
  }
  const text = textOf(field).text.slice(start, end);
  if (line) line.textContent = "";
  write(spans, [...rest, [start, end, code]]);
  say(spans.dataset.said.replace("{text}", text).replace("{name}", typeOf(spans, code).name));
}

function tell(line, words) {
  if (line) line.textContent = words;
  say(words);
}

function takeAway(spans, at) {
  const marked = read(spans);
  const [[start, end]] = marked.splice(at, 1);
  const text = textOf(fieldOf(spans)).text.slice(start, end);
  write(spans, marked);
  say(spans.dataset.deleted.replace("{text}", text));
}

/** The shortest span over what is selected. */
function takeAwayChosen(spans) {
  if (!chosen || chosen.field !== fieldOf(spans)) return false;
  const marked = read(spans);
  const over = marked.map(([start, end], at) => ({ start, end, at })).filter(({ start, end }) => start < chosen.end && end > chosen.start);
  if (over.length === 0) return false;
  over.sort((a, b) => a.end - a.start - (b.end - b.start));
  takeAway(spans, over[0].at);
  return true;
}

document.addEventListener("click", (event) => {
  const spans = event.target.closest?.("[data-spans]");
  if (!spans) return;
  const type = event.target.closest("[data-span-type]");
  const away = event.target.closest("[data-span-away]");
  if (type) mark(spans, Number(type.dataset.spanType));
  if (away) {
    takeAway(spans, Number(away.dataset.spanAway));
    (spans.querySelector("[data-span-away]") ?? spans.querySelector("[data-span-type]")).focus({ preventScroll: true });
  }
});

// A mouse leaves focus and selection where they are, so that Enter goes on submitting.
document.addEventListener("mousedown", (event) => {
  if (event.target.closest?.("[data-span-type], [data-span-away]")) event.preventDefault();
});

document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-span-nothing]")) return;
  event.stopPropagation();
  const spans = event.target.closest("[data-spans]");
  last = spans;
  write(spans, [], event.target.checked);
}, true);

// ---- selecting by mouse and finger ---------------------------------------------------------------

/** Where a point of the document lies in the text. */
function placeOf(field, node, offset) {
  const range = document.createRange();
  range.selectNodeContents(field);
  range.setEnd(node, offset);
  return range.toString().length;
}

/** Make what the browser has selected our own, without the blanks around it. */
function takeSelection(field) {
  const selection = getSelection();
  if (selection.rangeCount === 0 || selection.isCollapsed) return false;
  const range = selection.getRangeAt(0);
  if (!field.contains(range.startContainer) || !field.contains(range.endContainer)) return false;
  const { text } = textOf(field);
  let start = placeOf(field, range.startContainer, range.startOffset);
  let end = placeOf(field, range.endContainer, range.endOffset);
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  if (start === end) return false;
  selection.removeAllRanges();
  choose(field, start, end);
  return true;
}

const wordAt = (field, at) => textOf(field).words.find(([start, end]) => start <= at && at <= end);

document.addEventListener("pointerup", (event) => {
  const field = event.target.closest?.("[data-marked]");
  if (!field || spansOn(field).length === 0 || event.button !== 0) return;
  last = spansOn(field).find((spans) => spans === active()) ?? spansOn(field)[0];
  if (takeSelection(field)) return;
  const caret = document.caretPositionFromPoint?.(event.clientX, event.clientY) ?? document.caretRangeFromPoint?.(event.clientX, event.clientY);
  const node = caret?.offsetNode ?? caret?.startContainer;
  if (!node || !field.contains(node)) return;
  const word = wordAt(field, placeOf(field, node, caret.offset ?? caret.startOffset));
  if (!word) {
    unchoose();
    return;
  }
  const again = chosen?.field === field && chosen.start <= word[0] && chosen.end >= word[1];
  const extends_ = chosen?.field === field && (event.shiftKey || event.pointerType === "touch");
  if (again && event.pointerType === "touch") unchoose();
  else if (extends_) choose(field, Math.min(chosen.start, word[0]), Math.max(chosen.end, word[1]));
  else choose(field, ...word);
});

// ---- selecting by keyboard -----------------------------------------------------------------------

function step(field, forward, extend, byLetter) {
  const { text, words } = textOf(field);
  if (words.length === 0) return;
  const here = chosen?.field === field ? chosen : null;
  if (here && byLetter) {
    // By one letter, not half of one.
    const letters = forward ? [...text.slice(here.end)] : [...text.slice(here.start, here.end)];
    const end = forward ? here.end + (letters[0]?.length ?? 0) : here.end - letters.at(-1).length;
    choose(field, here.start, Math.max(end, here.start + 1));
    return;
  }
  if (!here) {
    choose(field, ...(forward ? words[0] : words.at(-1)));
    return;
  }
  const anchor = extend ? (here.anchor ?? [here.start, here.end]) : null;
  // Extending grows on one side of the anchor, and shrinks back to it from the other.
  const grown = anchor && here.start < anchor[0] ? here.start : here.end;
  if (!extend) {
    const next = forward ? words.find(([start]) => start >= here.end) : words.findLast(([, end]) => end <= here.start);
    if (next) choose(field, ...next);
    return;
  }
  const atStart = here.start < anchor[0];
  if (forward && atStart) {
    const next = words.find(([start]) => start > grown) ?? anchor;
    choose(field, Math.min(next[0], anchor[0]), anchor[1], anchor);
  } else if (forward) {
    const next = words.find(([start]) => start >= here.end);
    if (next) choose(field, anchor[0], next[1], anchor);
  } else if (here.end > anchor[1]) {
    const next = words.findLast(([, end]) => end < here.end) ?? anchor;
    choose(field, anchor[0], Math.max(next[1], anchor[1]), anchor);
  } else {
    const next = words.findLast(([, end]) => end <= here.start);
    if (next) choose(field, next[0], anchor[1], anchor);
  }
}

const isBusy = (element) =>
  element.closest?.("dialog, [data-rank], select, textarea, [contenteditable]") ||
  (element.matches?.("input") && !element.matches("[type=checkbox], [type=hidden], [type=submit]"));

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.metaKey || isBusy(event.target)) return;
  if (document.querySelector("dialog:modal")) return;
  const spans = active();
  const field = spans && fieldOf(spans);
  if (!field) return;
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    event.preventDefault();
    const rightward = event.key === "ArrowRight";
    const forward = rightward === (getComputedStyle(field).direction !== "rtl");
    step(field, forward, event.shiftKey, event.ctrlKey || event.altKey);
  } else if ((event.key === "Delete" || event.key === "Backspace") && !event.ctrlKey && !event.altKey) {
    if (takeAwayChosen(spans)) event.preventDefault();
  } else if (event.key === "Escape" && chosen) {
    unchoose();
  }
});

// ---- in review: an answer pointed at is shown in the text ------------------------------------------

function showPreview(event) {
  const answer = event.target.closest?.("[data-span-preview]");
  const field = answer && all("[data-marked]").find(({ dataset }) => dataset.marked === answer.dataset.spanField);
  if (!field) return;
  const { text } = textOf(field);
  const spans = JSON.parse(answer.dataset.spanPreview).map(([start, end, hue, name]) => ({
    start: fromPoints(text, start),
    end: fromPoints(text, end),
    hue,
    name,
  }));
  preview = { field, spans };
  paint(field);
}

for (const name of ["pointerover", "focusin", "change"]) document.addEventListener(name, showPreview);

for (const name of ["pointerdown", "focusin"]) {
  document.addEventListener(name, (event) => {
    if (!preview || event.target.closest?.("[data-span-preview]") || !event.target.closest?.("[data-spans], [data-marked]")) return;
    const { field } = preview;
    preview = null;
    paint(field);
  });
}

// ---- each new question, however it came into the page ----------------------------------------------

function ready() {
  if (chosen && !chosen.field.isConnected) chosen = null;
  if (preview && !preview.field.isConnected) preview = null;
  for (const spans of all("[data-spans]:not([data-ready])")) {
    if (!fieldOf(spans)) continue;
    spans.setAttribute("data-ready", "");
    show(spans);
  }
}

document.addEventListener("concord:filled", (event) => {
  const spans = event.target.querySelector("[data-spans]");
  if (spans && fieldOf(spans)) show(spans);
});

ready();
new MutationObserver(ready).observe(document.body, { childList: true, subtree: true });
