// The label screen: definitions follow the option in focus, long lists of options filter as you type, keys belong to
// the question you are at, an answer survives a lost connection, and the time an answer took is sent with it.

const DRAFTS = "concord-draft:";
let shownAt = performance.now();

const formOf = (root) => root.querySelector?.("[data-label-form]") ?? null;
const currentForm = () => document.querySelector("[data-label-form]");

// ---- questions and their keys ----------------------------------------------------------------

function activate(question) {
  const form = question.closest("form");
  const questions = [...form.querySelectorAll("[data-question]")];
  for (const other of questions) {
    const active = other === question;
    other.toggleAttribute("data-active", active && questions.length > 1);
    for (const input of other.querySelectorAll("[data-key]")) {
      if (active) input.setAttribute("aria-keyshortcuts", input.dataset.key);
      else input.removeAttribute("aria-keyshortcuts");
    }
  }
}

function firstOpen(form) {
  const questions = [...form.querySelectorAll("[data-question]")];
  return questions.find((question) => !question.querySelector(":checked")) ?? questions[0];
}

function showDefinition(input) {
  for (const current of document.querySelectorAll(".definition[data-current]")) {
    current.removeAttribute("data-current");
  }
  const definition = input && document.getElementById(input.dataset.definition);
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
  showDefinition(event.target);
  const next = firstOpen(form);
  if (!next.querySelector(":checked")) activate(next);
});

// "A key chooses and hands in at once": only a key or a click does; arrows still move between options.
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
  if (form?.matches("[data-instant]") && form.querySelectorAll("[data-question]").length === 1) {
    form.requestSubmit(form.querySelector("[name=action][value=submit]"));
  }
});

// ---- many options: type to filter ------------------------------------------------------------

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();

function filter(input) {
  const question = input.closest("[data-question]");
  const wanted = plain(input.value.trim());
  let shown = 0;
  for (const option of question.querySelectorAll(".option")) {
    option.hidden = wanted !== "" && !plain(option.textContent).includes(wanted);
    if (!option.hidden) shown += 1;
  }
  question.querySelector("[data-filter-empty]").hidden = shown > 0;
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-filter]")) filter(event.target);
  if (event.target.matches?.("#comment")) keepDraft(event.target.form);
});

document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-filter]")) return;
  const first = input.closest("[data-question]").querySelector(".option:not([hidden]) input");
  if (event.key === "Enter" || event.key === "ArrowDown") {
    event.preventDefault();
    if (!first) return;
    // Enter takes the first that is left; the next Enter, now outside the box, hands it in.
    first.focus();
    if (event.key === "Enter") first.click();
  } else if (event.key === "Escape" && input.value) {
    event.preventDefault();
    input.value = "";
    filter(input);
  }
});

// ---- comment ---------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-comment-open]");
  if (!opener) return;
  const box = document.getElementById("comment-box");
  const open = box.hasAttribute("data-closed");
  box.toggleAttribute("data-closed", !open);
  opener.setAttribute("aria-expanded", String(open));
  if (open) box.querySelector("textarea").focus();
});

// ---- drafts and lost connections -------------------------------------------------------------
// The client key in the form makes a second sending of the same answer harmless: the server knows it.

function draftKey(form) {
  const key = form.querySelector("[name=client_key]");
  const item = form.querySelector("[name=assignment]");
  return (item ?? key) && DRAFTS + (item ?? key).value;
}

function keepDraft(form) {
  const key = draftKey(form);
  if (!key) return;
  const entries = [...new FormData(form)].filter(
    ([name]) => !["csrfmiddlewaretoken", "client_key", "assignment", "seconds"].includes(name),
  );
  try {
    sessionStorage.setItem(key, JSON.stringify(entries));
  } catch {
    // storage is full or forbidden: the answer is still in the form
  }
}

function restoreDraft(form) {
  const key = draftKey(form);
  let entries = null;
  try {
    entries = key && JSON.parse(sessionStorage.getItem(key));
  } catch {
    return;
  }
  for (const [name, value] of entries ?? []) {
    for (const control of form.elements) {
      if (control.name !== name) continue;
      if (["radio", "checkbox"].includes(control.type)) {
        if (control.value === value) control.checked = true;
      } else if (control.matches("textarea") && !control.value) {
        control.value = value;
        document.getElementById("comment-box")?.removeAttribute("data-closed");
      }
    }
  }
}

let waiting = null;
let sentBy = null;

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-label-form]")) return;
  sentBy = event.submitter;
});

document.addEventListener("htmx:configRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches?.("[data-label-form]")) return;
  const seconds = (performance.now() - shownAt) / 1000;
  event.detail.parameters.set("seconds", seconds.toFixed(2));
});

function tryAgain() {
  clearTimeout(waiting);
  waiting = null;
  const form = currentForm();
  if (form?.dataset.unsent) form.requestSubmit(sentBy?.isConnected ? sentBy : undefined);
}

function offline(event) {
  const form = event.detail.elt;
  if (!form.matches?.("[data-label-form]")) return;
  event.stopPropagation();
  form.dataset.unsent = "true";
  keepDraft(form);
  for (const line of document.querySelectorAll("[data-offline]")) line.hidden = false;
  document.dispatchEvent(
    new CustomEvent("concord:announce", { detail: document.querySelector("[data-offline]")?.textContent }),
  );
  clearTimeout(waiting);
  waiting = setTimeout(tryAgain, 3000);
}

// Captured before app.js speaks, which would say the same a second time.
for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, offline, true);
window.addEventListener("online", tryAgain);

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches?.("[data-label-form]") || !event.detail.successful) return;
  const key = draftKey(form);
  try {
    if (key) sessionStorage.removeItem(key);
  } catch {
    // nothing was kept, then
  }
});

window.addEventListener("beforeunload", (event) => {
  if (currentForm()?.dataset.unsent) event.preventDefault();
});

// ---- each new item ---------------------------------------------------------------------------

function begin(root) {
  const form = formOf(root);
  if (!form) return;
  shownAt = performance.now();
  restoreDraft(form);
  const question = firstOpen(form);
  if (question) activate(question);
}

begin(document);
document.addEventListener("htmx:load", (event) => {
  if (event.detail.elt.id === "work") begin(event.detail.elt.parentElement);
});
