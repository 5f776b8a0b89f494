// The label screen: keys belong to the question you are at, definitions follow the option in focus, long lists of
// options filter as you type, what was begun is kept, and the time the page was looked at is sent with the answer.
// What happens on submitting is in hand_in.js.

const screenOf = () => document.getElementById("label");
const formOf = () => document.querySelector("[data-label-form]");
// A question whose condition does not hold is hidden and disabled, and not asked.
const questionsOf = (form) => [...form.querySelectorAll("[data-question]:not([hidden])")];
// What a question is answered with: controls named q<id>, whatever else its widget is made of. A widget that changes one
// itself lets it dispatch a "change" that bubbles; when it was filled in from outside, the question hears "concord:filled".
const controlsOf = (question) => [...question.querySelectorAll("[name]")].filter(({ name }) => /^q\d+$/.test(name));
const isTick = (control) => control.matches("[type=radio], [type=checkbox]");
const isAnswered = (question) =>
  controlsOf(question).some((control) => (isTick(control) ? control.checked : control.value.trim() !== ""));
const say = (words) => document.dispatchEvent(new CustomEvent("concord:announce", { detail: words }));

// ---- questions and their keys ----------------------------------------------------------------

/** The digits act on one question at a time: the one you are at. */
function activate(question) {
  const questions = questionsOf(question.closest("form"));
  for (const other of questions) {
    const active = other === question;
    other.toggleAttribute("data-active", active && questions.length > 1);
    for (const input of other.querySelectorAll("[data-key]")) {
      if (active) input.setAttribute("aria-keyshortcuts", input.dataset.key);
      else input.removeAttribute("aria-keyshortcuts");
    }
  }
}

/** Be at a question: with the keys and, where it is answered by typing, with the cursor. */
function goTo(question) {
  activate(question);
  if (hasKeyboard()) question.querySelector("[data-typed]")?.focus({ preventScroll: true });
  question.scrollIntoView({ block: "nearest" });
}

const firstOpen = (questions) => questions.find((question) => !isAnswered(question));

/** The next one without an answer, from here on and then from the top. */
function nextOpen(question) {
  const questions = questionsOf(question.closest("form"));
  const here = questions.indexOf(question);
  return firstOpen([...questions.slice(here + 1), ...questions.slice(0, here)]);
}

function showDefinition(input) {
  for (const current of document.querySelectorAll(".definition[data-current]")) {
    current.removeAttribute("data-current");
  }
  const definition = input && document.getElementById(input.dataset.definition);
  const line = document.querySelector("[data-meaning]");
  if (line) line.textContent = definition?.querySelector("p").textContent ?? "";
  if (!definition) return;
  definition.setAttribute("data-current", "");
  const box = definition.closest(".guideline");
  if (box && box.scrollHeight > box.clientHeight) definition.scrollIntoView({ block: "nearest" });
}

document.addEventListener("focusin", (event) => {
  const question = event.target.closest?.("[data-question]");
  if (question) activate(question);
  if (event.target.matches?.("[data-definition]")) showDefinition(event.target);
});

document.addEventListener("pointerover", (event) => {
  const option = event.target.closest?.(".option");
  if (option && event.pointerType === "mouse") showDefinition(option.querySelector("[data-definition]"));
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form?.matches("[data-label-form]")) return;
  keepDraft(form);
  const question = event.target.closest("[data-question]");
  if (!question) return;
  setWrong(question, "");
  if (event.target.matches("[data-definition]")) showDefinition(event.target);
  // A click or a digit answers and goes on; arrows only move within the question, and more may be ticked.
  if (!deliberate || !event.target.matches("[type=radio]")) return;
  const next = nextOpen(question);
  if (next) goTo(next);
});

// "A key chooses and submits at once": only a key or a click does; arrows still move between options.
let deliberate = false;

document.addEventListener(
  "pointerdown",
  (event) => {
    deliberate = Boolean(event.target.closest?.(".option"));
  },
  true,
);

document.addEventListener(
  "keydown",
  (event) => {
    deliberate = event.key.length === 1 && event.key !== " ";
  },
  true,
);

document.addEventListener("click", (event) => {
  const input = event.target;
  if (!deliberate || !input.matches?.(".option > input[type=radio]")) return;
  const form = input.form;
  if (form?.matches("[data-instant]")) form.querySelector(".label__submit").click();
});

// ---- an answer that is missing ---------------------------------------------------------------

function setWrong(question, words) {
  const line = question.querySelector("[data-wrong]");
  line.textContent = words;
  question.classList.toggle("question--wrong", words !== "");
}

/** Before htmx sees it: what is required is asked for here, without a request. */
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.matches("[data-label-form]") || event.submitter?.matches("[data-skip]")) return;
    const missing = questionsOf(form).filter(
      (question) => question.matches("[data-required]") && !isAnswered(question),
    );
    if (missing.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    for (const question of missing) setWrong(question, question.querySelector("[data-wrong]").dataset.wrong);
    goTo(missing[0]);
    say(missing[0].querySelector("[data-wrong]").textContent);
  },
  true,
);

// ---- many options: type to filter ------------------------------------------------------------

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();
const optionsLeft = (question) => [...question.querySelectorAll(".option:not([hidden])")];
const pointed = (question) => question.querySelector(".option[data-pointed]:not([hidden])");

/** Mark the option that Enter would choose. */
function point(question, option) {
  for (const other of question.querySelectorAll("[data-pointed]")) other.removeAttribute("data-pointed");
  if (!option) return;
  option.setAttribute("data-pointed", "");
  option.scrollIntoView({ block: "nearest" });
  showDefinition(option.querySelector("[data-definition]"));
}

function filter(input) {
  const question = input.closest("[data-question]");
  const wanted = plain(input.value.trim());
  for (const option of question.querySelectorAll(".option")) {
    option.hidden = wanted !== "" && !plain(option.querySelector(".option__name").textContent).includes(wanted);
  }
  const left = optionsLeft(question);
  question.querySelector("[data-filter-empty]").hidden = left.length > 0;
  // A name that begins with the letters comes before one that has them somewhere.
  const begins = left.find((option) => plain(option.querySelector(".option__name").textContent).startsWith(wanted));
  point(question, wanted === "" ? null : (begins ?? left[0]));
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-filter]")) filter(event.target);
  if (event.target.matches?.("#comment, [data-typed]")) keepDraft(event.target.form);
});

/** Choose as a key does, and clear the filter, so that all options stand where they were. */
function choose(question, option, input) {
  const radio = option.querySelector("input");
  input.value = "";
  filter(input);
  // More may be ticked: the cursor stays in the filter.
  if (radio.matches("[type=radio]")) radio.focus({ preventScroll: true });
  deliberate = true;
  radio.click();
  option.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-filter]") || event.isComposing) return;
  const question = input.closest("[data-question]");
  const left = optionsLeft(question);
  const here = left.indexOf(pointed(question));
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = left[(here + step + left.length) % left.length] ?? left[0];
    point(question, next);
    if (next) say(next.querySelector(".option__name").textContent);
  } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
    // Enter chooses what is pointed at; with nothing typed and an answer given it submits.
    event.preventDefault();
    if (here >= 0) choose(question, left[here], input);
    else input.form.querySelector(".label__submit").click();
  } else if (event.key === "Escape") {
    event.preventDefault();
    if (input.value) {
      input.value = "";
      filter(input);
    } else {
      document.querySelector(".label__item")?.focus({ preventScroll: true });
    }
  } else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !input.value) {
    event.preventDefault();
    document.getElementById("undo")?.requestSubmit();
  }
});

// ---- skipping for another reason ---------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches?.("[data-skip-why]")) return;
  // Enter in a form means its first button, which submits an answer.
  event.preventDefault();
  event.target.form.querySelector("[data-skip-other]").click();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-skip-other]");
  if (!button) return;
  const why = button.form.querySelector("[data-skip-why]");
  const line = document.getElementById(why.getAttribute("aria-describedby"));
  const words = why.value.trim() ? "" : line.dataset.words;
  line.textContent = words;
  if (!words) return;
  event.preventDefault();
  why.focus();
  say(words);
});

// ---- comment, guideline ----------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-comment-open]");
  if (!opener) return;
  const box = document.getElementById("comment-box");
  const open = box.hasAttribute("data-closed");
  box.toggleAttribute("data-closed", !open);
  opener.setAttribute("aria-expanded", String(open));
  if (open) box.querySelector("textarea").focus();
});

document.addEventListener("keydown", (event) => {
  // Out of what is typed, back to the keys.
  if (event.key !== "Escape" || !event.target.matches?.("#comment, [data-typed]")) return;
  document.querySelector(".label__item")?.focus({ preventScroll: true });
});

// ---- what was begun ----------------------------------------------------------------------------
// Kept in this browser for each item until its answer is stored: after a reload, an undo, an expired log-in.

const DRAFTS_KEPT = 8;
const draftsKey = () => `concord-drafts:${screenOf()?.dataset.store}`;

function drafts() {
  try {
    return JSON.parse(localStorage.getItem(draftsKey())) ?? [];
  } catch {
    return []; // storage is forbidden or was damaged: then nothing was kept
  }
}

function setDrafts(list) {
  try {
    if (list.length > 0) localStorage.setItem(draftsKey(), JSON.stringify(list.slice(-DRAFTS_KEPT)));
    else localStorage.removeItem(draftsKey());
  } catch {
    // storage is full or forbidden: the answer is still in the form
  }
}

const itemOf = (form) => form.elements.namedItem("item").value;
const isKept = ([name]) => /^(q\d+|flag|comment|pasted)$/.test(name);

function keepDraft(form) {
  const item = itemOf(form);
  const entries = [...new FormData(form)].filter(isKept);
  setDrafts([...drafts().filter((draft) => draft.item !== item), { item, entries }]);
}

const dropDraft = (item) => setDrafts(drafts().filter((draft) => draft.item !== item));

function fill(form, entries) {
  for (const [name, value] of entries) {
    for (const control of form.elements) {
      if (control.name !== name) continue;
      if (isTick(control)) control.checked ||= control.value === value;
      else control.value = value;
    }
  }
  for (const question of form.querySelectorAll("[data-question]")) {
    question.dispatchEvent(new CustomEvent("concord:filled", { bubbles: true }));
  }
  const comment = form.querySelector("#comment");
  document.getElementById("comment-box").toggleAttribute("data-closed", comment.value === "");
}

// The answer is stored, or refused for good.
document.addEventListener("concord:done", (event) => dropDraft(event.detail));

// ---- the time an answer took -------------------------------------------------------------------
// Only while the page can be seen: who goes for lunch is not slow.

let counted = 0;
let since = null;

function pauseClock() {
  if (since !== null) counted += performance.now() - since;
  since = null;
}

function runClock() {
  if (since === null && document.visibilityState === "visible") since = performance.now();
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") runClock();
  else pauseClock();
});

/** An item leaves the screen, handed in or to come again: it keeps what was entered, and its time. */
document.addEventListener("concord:put-away", (event) => {
  const form = event.target;
  pauseClock();
  const input = form.elements.namedItem("seconds");
  input.value = (Number(input.dataset.spent) + counted / 1000).toFixed(2);
  input.dataset.spent = input.value;
  counted = 0;
  runClock();
  keepDraft(form);
});

// ---- text from elsewhere -----------------------------------------------------------------------
// What is pasted or dropped into an answer and does not stand in the item is counted, and that is all: leads see in how many
// answers there was any.

function countPasted(event) {
  const { name, form } = event.target;
  const count = name && form?.elements.namedItem("pasted");
  const text = (event.clipboardData ?? event.dataTransfer)?.getData("text/plain").trim();
  if (!count || !text || document.getElementById("item")?.textContent.includes(text)) return;
  count.value = Number(count.value) + text.length;
  keepDraft(form);
}

document.addEventListener("paste", countPasted);
document.addEventListener("drop", countPasted);

// ---- each new item -----------------------------------------------------------------------------

const hasKeyboard = () => !matchMedia("(pointer: coarse) and (hover: none)").matches;

function begin() {
  const form = formOf();
  counted = 0;
  since = null;
  runClock();
  showDefinition(null);
  if (!form) return;
  // What the server filled in (after an error, an undo) goes before what was begun here.
  const draft = drafts().find(({ item }) => item === itemOf(form));
  if (draft && !questionsOf(form).some(isAnswered) && !form.querySelector("#comment").value) fill(form, draft.entries);
  const questions = questionsOf(form);
  const wrong = questions.find((question) => question.matches(".question--wrong"));
  const question = wrong ?? firstOpen(questions) ?? questions[0];
  if (!question) return;
  activate(question);
  showDefinition(question.querySelector(":checked"));
  if (hasKeyboard() && !isAnswered(question)) question.querySelector("[data-typed]")?.focus({ preventScroll: true });
  // One long list: the letters typed go to its filter. Esc leaves it for the other keys.
  if (questions.length === 1 && hasKeyboard()) question.querySelector("[data-filter]")?.focus({ preventScroll: true });
}

begin();

// After focus.js, which is loaded before and puts focus on the item.
document.addEventListener("concord:shown", begin);
