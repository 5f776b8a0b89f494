// An answer that could not be sent is kept in this browser, for this project and person, and sent when the server can be
// reached again: after seconds, after a reload, after logging in again. The server knows its client key, so it is stored
// once, however often it is sent.

const FIRST_WAIT = 2000;
const LONGEST_WAIT = 60000;
// A proxy in front says these while the server starts again.
const AWAY = new Set([502, 503, 504]);

const screenOf = () => document.getElementById("label");
const formOf = () => document.querySelector("[data-label-form]");
const storeKey = () => `concord-unsent:${screenOf()?.dataset.store}`;
const field = (form, name) => form.elements.namedItem(name);

let wait = FIRST_WAIT;
let timer = null;
// Where storage is forbidden, this page is what keeps it.
let inMemory = [];

// ---- what is kept ------------------------------------------------------------------------------
// [{key, item, url, entries: [[name, value]]}]

function kept() {
  try {
    return JSON.parse(localStorage.getItem(storeKey())) ?? inMemory;
  } catch {
    return inMemory;
  }
}

function setKept(list) {
  inMemory = list;
  try {
    if (list.length > 0) localStorage.setItem(storeKey(), JSON.stringify(list));
    else localStorage.removeItem(storeKey());
  } catch {
    // kept in memory
  }
}

const drop = (key) => setKept(kept().filter((answer) => answer.key !== key));

function keep(form, url) {
  const key = field(form, "client_key").value;
  // Sent later it is an answer like others: nobody is there any more to whom to reveal.
  const reveal = form.querySelector("[data-reveal]");
  if (reveal && new URL(url, location.href).href === reveal.formAction) url = form.action;
  const entries = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
  setKept([...kept().filter((answer) => answer.key !== key), { key, item: field(form, "item").value, url, entries }]);
}

// ---- saying so ---------------------------------------------------------------------------------

function showLine() {
  const form = formOf();
  for (const line of document.querySelectorAll("[data-offline]")) line.hidden = !form?.dataset.unsent;
}

function schedule() {
  clearTimeout(timer);
  timer = setTimeout(flush, wait);
  wait = Math.min(wait * 2, LONGEST_WAIT);
}

function lost(form, url) {
  form.dataset.unsent = url;
  keep(form, url);
  const line = document.querySelector("[data-offline]");
  if (line?.hidden) document.dispatchEvent(new CustomEvent("concord:announce", { detail: line.textContent }));
  showLine();
  schedule();
}

// ---- noticing ----------------------------------------------------------------------------------

/** The form whose request this event is about. Not event.target: the reply may have taken its place by then. */
function sentForm(event) {
  const element = event.detail.requestConfig?.elt;
  return element?.matches?.("[data-label-form]") ? element : null;
}

// Captured before app.js speaks, which would say the same a second time.
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(
    name,
    (event) => {
      const form = sentForm(event);
      if (!form) return;
      event.stopPropagation();
      lost(form, event.detail.requestConfig.path);
    },
    true,
  );
}

document.addEventListener(
  "htmx:responseError",
  (event) => {
    const form = sentForm(event);
    if (!form || !AWAY.has(event.detail.xhr.status)) return;
    event.stopPropagation();
    lost(form, event.detail.requestConfig.path);
  },
  true,
);

const wasSentToLogin = (address) =>
  Boolean(address) && new URL(address, location.href).pathname === document.body.dataset.loginUrl;

// The log-in ran out: the answer waits here while app.js leads to the log-in page and back.
document.addEventListener(
  "htmx:beforeSwap",
  (event) => {
    const form = sentForm(event);
    if (form && wasSentToLogin(event.detail.xhr.responseURL)) keep(form, event.detail.requestConfig.path);
  },
  true,
);

document.addEventListener("htmx:afterRequest", (event) => {
  const form = sentForm(event);
  if (!form) return;
  const { xhr } = event.detail;
  if (xhr.status === 0 || AWAY.has(xhr.status) || wasSentToLogin(xhr.responseURL)) return;
  // The server has answered: stored, or said why not, with the answer still in the form.
  delete form.dataset.unsent;
  drop(field(form, "client_key").value);
  wait = FIRST_WAIT;
  showLine();
  if (kept().length > 0) setTimeout(flush);
});

// Changing what waits makes it a new answer, to be submitted again: the server may have the old one by now.
for (const name of ["input", "change"]) {
  document.addEventListener(name, (event) => {
    const form = event.target.form;
    if (!form?.dataset?.unsent || event.target.matches("[data-filter]")) return;
    drop(field(form, "client_key").value);
    field(form, "client_key").value = [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
    delete form.dataset.unsent;
    showLine();
  });
}

// ---- sending again -----------------------------------------------------------------------------

/** The form on the screen sends it as if pressed again, and the reply brings the next item. */
function sendByForm(form, answer) {
  const values = Map.groupBy(answer.entries, ([name]) => name);
  for (const control of form.elements) {
    const entries = values.get(control.name);
    if (!entries || ["beside", "of"].includes(control.name)) continue;
    // A name may have several values: every option that was ticked.
    if (control.matches("[type=radio], [type=checkbox]")) control.checked = entries.some(([, value]) => value === control.value);
    else control.value = entries.at(-1)[1];
  }
  for (const question of form.querySelectorAll("[data-question]")) {
    question.dispatchEvent(new CustomEvent("concord:filled", { bubbles: true }));
  }
  form.dataset.unsent = answer.url;
  const skip = form.querySelector("[data-skip]");
  const skips = skip && new URL(skip.formAction).pathname === new URL(answer.url, location.href).pathname;
  // Pressed, not requestSubmit(): htmx learns from the click which button it was.
  (skips ? skip : form.querySelector(".label__submit")).click();
}

/** Its item is not on the screen any more: send it beside, and leave the screen alone. */
async function sendBeside(answer) {
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
  const reply = await fetch(answer.url, {
    method: "POST",
    headers,
    body: new URLSearchParams(answer.entries),
  });
  if (AWAY.has(reply.status)) throw new TypeError("away");
  if (reply.redirected && wasSentToLogin(reply.url)) return;
  drop(answer.key);
}

async function flush() {
  clearTimeout(timer);
  timer = null;
  const form = formOf();
  for (const answer of kept()) {
    if (form && field(form, "item").value === answer.item) {
      // One at a time: its reply changes the screen.
      sendByForm(form, answer);
      return;
    }
    try {
      await sendBeside(answer);
    } catch {
      schedule();
      return;
    }
  }
}

window.addEventListener("online", () => {
  wait = FIRST_WAIT;
  if (kept().length > 0) flush();
});

// After a reload or a log-in. htmx is ready by then: it starts before modules do.
if (screenOf() && kept().length > 0) setTimeout(flush);
