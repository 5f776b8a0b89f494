// What every page needs: menus, dialogs, the toast when the server is out of reach, copy, drop, confirm.
// Each part listens on the document, so that fragments swapped in by htmx work without being told.

const body = document.body;

/** Say something politely to a screen reader. Other modules dispatch `concord:announce` with the text. */
function announce(text) {
  const live = document.getElementById("live");
  if (!live || !text) return;
  live.textContent = "";
  setTimeout(() => {
    live.textContent = text;
  }, 60);
}

document.addEventListener("concord:announce", (event) => announce(event.detail));

// On a phone the navigation scrolls: the screen that one is at is in sight.
document
  .querySelector(".site-nav [aria-current]")
  ?.scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" });

// Controls that only make sense with JavaScript are hidden until it is here.
function reveal(root) {
  for (const element of root.querySelectorAll("[data-needs-js]")) element.hidden = false;
}

reveal(document);
for (const name of ["htmx:load", "concord:shown"]) {
  document.addEventListener(name, (event) => reveal(event.detail.elt.parentElement ?? document));
}

// ---- menus (details) ----------------------------------------------------------------------

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});

// ---- dialogs ------------------------------------------------------------------------------
// <a href="/confirm/" data-dialog-open="id">: the link works without JavaScript, the dialog is quicker with it.

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialogOpen);
    if (!dialog?.showModal) return;
    event.preventDefault();
    for (const menu of document.querySelectorAll("details[data-menu][open]")) menu.open = false;
    dialog.dispatchEvent(new CustomEvent("concord:open"));
    if (!dialog.open) dialog.showModal();
    return;
  }
  const closer = event.target.closest("[data-dialog-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog")?.close();
  }
  // A click on the backdrop closes: the backdrop belongs to the dialog element itself.
  if (event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const inside =
      event.clientX >= box.left &&
      event.clientX <= box.right &&
      event.clientY >= box.top &&
      event.clientY <= box.bottom;
    if (!inside && event.detail > 0) event.target.close();
  }
});

// "Type the name to confirm": the button wakes up when the words are the same. The server checks again.
function checkName(input) {
  const button = input.form?.querySelector("[data-confirm-button]");
  if (button) button.disabled = input.value.trim() !== input.dataset.mustEqual.trim();
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-must-equal]")) checkName(event.target);
});

for (const input of document.querySelectorAll("[data-must-equal]")) checkName(input);

// ---- forms --------------------------------------------------------------------------------

// A filter that applies itself; its submit button is there for those without JavaScript.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-submit-on-change]")) form.requestSubmit();
});

// A form that must not be sent twice by a double click. Server-side keys make it safe; this makes it calm.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("form[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  setTimeout(() => delete form.dataset.sent, 5000);
});

// Coming back by the Back button must find forms that can be sent.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// ---- copy ---------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = button.closest(".command")?.querySelector("code") ?? document.querySelector(button.dataset.copy);
  if (!source) return;
  const text = source.value ?? source.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No clipboard on plain http: select the text, so that the person's own copy key takes it.
    getSelection().selectAllChildren(source);
    return;
  }
  const before = button.textContent;
  button.textContent = button.dataset.copied;
  announce(button.dataset.copied);
  setTimeout(() => {
    button.textContent = before;
  }, 1600);
});

// ---- drop a file --------------------------------------------------------------------------

const zoneOf = (event) => event.target.closest?.("[data-drop]");

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files") || !document.querySelector("[data-drop]")) return;
    // A file let go beside the zone must not replace the page.
    event.preventDefault();
    const zone = zoneOf(event);
    event.dataTransfer.dropEffect = zone ? "copy" : "none";
    if (zone) zone.dataset.over = "";
  });
}

document.addEventListener("dragleave", (event) => {
  const zone = zoneOf(event);
  if (zone && !zone.contains(event.relatedTarget)) delete zone.dataset.over;
});

document.addEventListener("drop", (event) => {
  const zone = zoneOf(event);
  if (!event.dataTransfer?.types.includes("Files") || !document.querySelector("[data-drop]")) return;
  event.preventDefault();
  if (!zone) return;
  delete zone.dataset.over;
  const input = zone.querySelector("input[type=file]");
  if (!input || !event.dataTransfer.files.length) return;
  const files = new DataTransfer();
  const wanted = input.multiple ? [...event.dataTransfer.files] : [event.dataTransfer.files[0]];
  for (const file of wanted) files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

// ---- when the server is away, or says no ----------------------------------------------------

let toast = null;

function say(text) {
  toast?.remove();
  toast = document.createElement("div");
  toast.className = "toast";
  toast.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button";
  close.textContent = body.dataset.textClose;
  close.addEventListener("click", () => unsay());
  toast.append(words, close);
  body.append(toast);
}

function unsay() {
  toast?.remove();
  toast = null;
}

// Elements that poll say so with data-quiet: their failures must not shout once a second.
const isQuiet = (event) => event.detail.elt?.closest?.("[data-quiet]");

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (!isQuiet(event)) say(body.dataset.textOffline);
  });
}

function sayRefused(status) {
  if (status === 0) say(body.dataset.textOffline);
  else say(status === 403 || status === 404 ? body.dataset.textDenied : body.dataset.textError);
}

document.addEventListener("htmx:responseError", (event) => {
  if (!isQuiet(event)) sayRefused(event.detail.xhr.status);
});

// A module that asks the server itself dispatches the status; 0 where nothing came back.
document.addEventListener("concord:refused", (event) => sayRefused(event.detail));

// What came in its place makes the words untrue.
document.addEventListener("concord:shown", unsay);

document.addEventListener("htmx:beforeSwap", (event) => {
  // The session ran out: the log-in page must not be swapped into a fragment.
  const login = body.dataset.loginUrl;
  const url = event.detail.xhr.responseURL;
  if (login && url && new URL(url).pathname === login && location.pathname !== login) {
    event.detail.shouldSwap = false;
    const next = encodeURIComponent(location.pathname + location.search);
    location.assign(`${login}?next=${next}`);
    return;
  }
  if (event.detail.shouldSwap) unsay();
});
