// Handing in on the label screen. An answer goes into a queue in this browser, the next item, claimed and fetched before, is
// painted at once, and the queue is sent in order, one request an answer, whose reply brings another item to have ahead. What
// the server cannot be reached for stays in the queue: over minutes, a reload, a log-in. The server knows each answer by its
// client key, so it is stored once, however often it is sent.
//
// A "work" is the element #work: an item with its form. There is one in the page; those ahead, and those whose answer is
// under way, are kept outside of it.

const FIRST_WAIT = 2000;
const LONGEST_WAIT = 60000;
// When it is said that an answer still waits, and when its request is given up and made anew.
const SLOW = 3000;
const TIMEOUT = 20000;
// A proxy in front says these while the server starts again.
const AWAY = new Set([502, 503, 504]);

const screenOf = () => document.getElementById("label");
const workOf = () => document.getElementById("work");
const formIn = (work) => work?.querySelector("[data-label-form]") ?? null;
const field = (form, name) => form.elements.namedItem(name);
const itemIn = (work) => {
  const form = formIn(work);
  return form ? field(form, "item").value : "";
};
/** Nothing to answer on it, or answered: what comes takes its place. */
const isWaiting = (work) => !formIn(work) || "unsent" in formIn(work).dataset;
/** It waits for its own reply, which is about the same item: nothing else takes its place until then. */
const isStaying = (work) => "stays" in (formIn(work)?.dataset ?? {});
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
const say = (words) => {
  if (words) tell("concord:announce", words);
};

let ahead = [];
// Client key -> the work that its answer was given on, while that is under way; and what has been sent at least once.
const given = new Map();
const tried = new Set();
// Client key -> the address that reveals. Kept by this page only: sent later, it is an answer like others, and nobody is there
// any more to whom to reveal.
const reveals = new Map();

// ---- the queue -----------------------------------------------------------------------------------
// [{key, item, url, entries: [[name, value]]}]

const storeKey = () => `concord-unsent:${screenOf()?.dataset.store}`;
// Where storage is forbidden, this page is what keeps it.
let inMemory = [];

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

// ---- what is on the screen -------------------------------------------------------------------------

/** How many answers wait, while the server does not answer; and on the screen's element how many items are ready. */
function showLine() {
  screenOf().dataset.ready = ahead.length;
  const waiting = isAway ? kept().length : 0;
  for (const line of document.querySelectorAll("[data-offline]")) {
    line.hidden = waiting === 0;
    line.textContent = waiting ? screenOf().dataset.textWaiting.replace("{n}", waiting) : "";
  }
}

function show(fresh, old) {
  old.replaceWith(fresh);
  showLine();
  tell("concord:shown", { elt: fresh });
}

const paint = (work) => show(work, workOf());

function problem(work, words) {
  const place = work.querySelector("[data-problem]");
  const notice = document.createElement("div");
  notice.className = "notice";
  notice.dataset.hue = "doubt";
  notice.setAttribute("role", "alert");
  const line = document.createElement("p");
  line.textContent = words;
  notice.append(line);
  place.replaceChildren(notice);
}

/** An answer that was not taken: its item comes again, next, and never under the keys meant for another. */
function comeBack(work) {
  const current = workOf();
  if (work === current) return;
  ahead = [work, ...ahead.filter((other) => itemIn(other) !== itemIn(work))];
  if (isWaiting(current) && !isStaying(current)) paint(ahead.shift());
  else problem(current, screenOf().dataset.textReturned);
}

// ---- handing in --------------------------------------------------------------------------------------

// Captured on the document, after label.js has asked for what is missing.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (event.defaultPrevented || !screenOf()) return;
    if (form.id === "undo") {
      event.preventDefault();
      undo();
    } else if (form.matches("[data-label-form]")) {
      event.preventDefault();
      // Pressed again while it waits: look again now.
      if (!("unsent" in form.dataset)) handIn(form, event.submitter);
      pump();
    }
  },
  true,
);

// A key held down does not hand in the next item as well.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.repeat && event.target.closest?.("[data-label-form]:not(:has(textarea:focus))")) event.preventDefault();
});

function handIn(form, button) {
  form.dispatchEvent(new CustomEvent("concord:put-away", { bubbles: true }));
  const key = field(form, "client_key").value;
  const item = field(form, "item").value;
  const entries = [...new FormData(form, button)].filter(([name]) => name !== "csrfmiddlewaretoken");
  form.querySelector("dialog[open]")?.close();
  const isReveal = button?.matches("[data-reveal]") ?? false;
  const url = button?.hasAttribute("formaction") && !isReveal ? button.formAction : form.action;
  setKept([...kept().filter((answer) => answer.key !== key), { key, item, url, entries }]);
  if (isReveal) reveals.set(key, button.formAction);
  form.toggleAttribute("data-stays", isReveal);
  form.dataset.unsent = "";
  given.set(key, workOf());
  wantsUndo = false;
  document.getElementById("undo").hidden = false;
  if (ahead.length > 0 && !isReveal) paint(ahead.shift());
  else showLine();
}

const isAnswer = ([name]) => /^(q\d+|flag|comment)$/.test(name);
const said = (entries) => JSON.stringify(entries.filter(isAnswer));

// Changing what waits makes it a new answer, to be submitted again: the server may have the old one by now.
for (const name of ["input", "change"]) {
  document.addEventListener(name, (event) => {
    const form = event.target.form;
    if (!form?.dataset || !("unsent" in form.dataset) || event.target.matches("[data-filter]")) return;
    const key = field(form, "client_key");
    const answer = kept().find((other) => other.key === key.value);
    // A field that loses focus as the next item is painted says so too, and nothing has changed.
    if (answer && said([...new FormData(form)]) === said(answer.entries)) return;
    drop(key.value);
    given.delete(key.value);
    form.removeAttribute("data-stays");
    key.value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    delete form.dataset.unsent;
    showLine();
  });
}

// ---- sending -----------------------------------------------------------------------------------------

let busy = false;
let isAway = false;
let wantsUndo = false;
let isUndoing = false;
let wantsAhead = false;
let wait = FIRST_WAIT;
let timer = null;

const isLogin = (address) => new URL(address, location.href).pathname === document.body.dataset.loginUrl;

/** Post it with what is at hand here. Throws where the server is out of reach. */
async function post(url, entries) {
  const body = new URLSearchParams(entries);
  const current = itemIn(workOf());
  const queued = kept().map(({ item }) => item);
  // Where the answer is about the item on the screen, that one waits for the reply. One that is answered but not sent yet
  // is not to be sent again either: its own reply brings what follows.
  body.set("on", current === body.get("item") ? "" : current);
  body.set("have", [...new Set([current, ...ahead.map(itemIn), ...queued].filter(Boolean))].join(" "));
  const reply = await fetch(url, {
    method: "POST",
    headers: { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" },
    body,
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (AWAY.has(reply.status)) throw new TypeError("away");
  return {
    status: reply.status,
    isLogin: reply.redirected && isLogin(reply.url),
    isWhole: reply.headers.get("HX-Retarget") === "#label",
    text: await reply.text(),
  };
}

function away() {
  const wasSaid = isAway;
  isAway = true;
  showLine();
  if (!wasSaid) say(document.querySelector("[data-offline]")?.textContent);
}

async function reach(url, entries) {
  const slow = setTimeout(away, SLOW);
  try {
    const reply = await post(url, entries);
    isAway = false;
    wait = FIRST_WAIT;
    return reply;
  } catch {
    away();
    clearTimeout(timer);
    timer = setTimeout(pump, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
    return null;
  } finally {
    clearTimeout(slow);
  }
}

/** Send what waits, in order, one at a time; then take back, or fetch, what is wanted. */
async function pump() {
  if (busy) return;
  busy = true;
  clearTimeout(timer);
  try {
    while (await step());
  } finally {
    busy = false;
  }
}

async function step() {
  const [answer] = kept();
  if (answer) {
    tried.add(answer.key);
    const reply = await reach(reveals.get(answer.key) ?? answer.url, answer.entries);
    if (!reply || lostLogIn(reply)) return false;
    answered(answer, reply);
    return true;
  }
  if (wantsUndo) {
    const form = document.getElementById("undo");
    const entries = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
    isUndoing = true;
    const reply = await reach(form.action, entries);
    isUndoing = wantsUndo = false;
    if (!reply) tell("concord:refused", 0);
    if (!reply || lostLogIn(reply)) return false;
    if (reply.status === 200) takeBack(reply);
    else tell("concord:refused", reply.status);
    return true;
  }
  if (wantsAhead) {
    wantsAhead = false;
    const entries = [["beside", document.querySelector("#undo [name=beside]")?.value ?? ""]];
    // Only for speed: where it fails, the reply to the next answer brings the item.
    const reply = await post(screenOf().dataset.aheadUrl, entries).catch(() => null);
    if (reply?.status === 200 && !reply.isLogin) take(reply, false);
    showLine();
    return true;
  }
  return false;
}

/** The log-in ran out: what waits is sent after it, by the page that comes then. */
function lostLogIn(reply) {
  if (!reply.isLogin) return false;
  location.assign(`${document.body.dataset.loginUrl}?next=${encodeURIComponent(location.pathname + location.search)}`);
  return true;
}

function answered(answer, reply) {
  const work = given.get(answer.key);
  drop(answer.key);
  given.delete(answer.key);
  tried.delete(answer.key);
  reveals.delete(answer.key);
  wantsAhead = false;
  const isDone = (reply.status >= 200 && reply.status < 300) || reply.status === 409;
  if (isDone || reply.status === 422) {
    // 409: stored as surplus, or refused for good; either way the item is done with.
    if (isDone) tell("concord:done", answer.item);
    take(reply, reply.status === 422);
    return;
  }
  showLine();
  if (work) {
    delete formIn(work).dataset.unsent;
    delete formIn(work).dataset.stays;
    problem(work, screenOf().dataset.textAgain);
    comeBack(work);
  }
  tell("concord:refused", reply.status);
}

// ---- replies -----------------------------------------------------------------------------------------

/** The works that a reply brings for later, out of its templates. */
function behind(page) {
  return [...page.querySelectorAll("template[data-ahead]")].map((template) => {
    template.remove();
    return document.adoptNode(template.content.firstElementChild);
  });
}

function add(works) {
  const have = new Set([itemIn(workOf()), ...ahead.map(itemIn), ...kept().map(({ item }) => item)]);
  ahead.push(...works.filter((work) => !have.has(itemIn(work))));
}

function take(reply, isRefused) {
  const page = new DOMParser().parseFromString(reply.text, "text/html");
  const works = behind(page);
  const [screen, moved] = [page.getElementById("label"), page.querySelector("[data-moved]")];
  const current = workOf();
  if (reply.isWhole && screen) {
    // What is asked has changed, or there is nothing left.
    ahead = [];
    show(document.adoptNode(screen), screenOf());
  } else if (moved) {
    stand(page, current);
    settle(moved.dataset.held.split(" "), current);
  } else {
    const work = page.getElementById("work");
    const isSame = itemIn(work) === itemIn(current);
    const isNext = isSame || isWaiting(current);
    document.adoptNode(work);
    standBar(page);
    if (isRefused && !isSame) comeBack(work);
    else if (isNext) paint(work);
    else add([work]);
  }
  say(page.querySelector("[data-announce]")?.dataset.announce ?? screen?.querySelector("[data-announce]")?.dataset.announce);
  add(works);
  if (isWaiting(workOf()) && formIn(workOf()) && !isStaying(workOf()) && ahead.length > 0) paint(ahead.shift());
  showLine();
}

/** How things stand now, above the item. What is in focus stays there. */
function standBar(page) {
  const [bar, fresh] = [document.getElementById("bar"), page.getElementById("bar")];
  bar.querySelector(".label__head").replaceWith(document.adoptNode(fresh.querySelector(".label__head")));
  const [undoForm, freshUndo] = [bar.querySelector("#undo"), fresh.querySelector("#undo")];
  undoForm.hidden = freshUndo.hidden;
  for (const name of ["submission", "beside"]) field(undoForm, name).value = field(freshUndo, name).value;
}

/** And under it, with what went wrong. */
function stand(page, current) {
  standBar(page);
  const [line, fresh] = [current.querySelector(".label__said"), page.querySelector(".label__said")];
  // Whether the item is answered blind is its own matter.
  fresh.append(...line.querySelectorAll(".label__blind"));
  line.replaceWith(document.adoptNode(fresh));
  const trouble = page.querySelector("[data-problem]");
  if (trouble.childElementCount > 0) current.querySelector("[data-problem]").replaceWith(document.adoptNode(trouble));
}

/** What somebody else has got, or another tab has answered, is not shown any more, unless it is being answered. */
function settle(held, current) {
  ahead = ahead.filter((work) => held.includes(itemIn(work)));
  const form = formIn(current);
  if (isWaiting(current) || held.includes(itemIn(current)) || ahead.length === 0) return;
  const isBegun = "late" in form.dataset || [...new FormData(form)].some(([name, value]) => isAnswer([name]) && value !== "");
  if (!isBegun) paint(ahead.shift());
}

// ---- undo --------------------------------------------------------------------------------------------

function undo() {
  if (isUndoing) return;
  const last = kept().at(-1);
  const work = last && !tried.has(last.key) ? given.get(last.key) : null;
  if (!work) {
    // What is under way is stored first, so that there is something to take back.
    wantsUndo = true;
    pump();
    return;
  }
  drop(last.key);
  given.delete(last.key);
  delete formIn(work).dataset.unsent;
  putAside();
  paint(work);
  say(screenOf().dataset.textUndone);
}

/** The item on the screen, as far as it is answered, comes again after the one taken back. */
function putAside() {
  const current = workOf();
  if (isWaiting(current)) return;
  formIn(current).dispatchEvent(new CustomEvent("concord:put-away", { bubbles: true }));
  // What was said under it is about another answer, and old by then.
  for (const words of current.querySelectorAll(".label__said > :not([data-offline], .label__blind)")) words.remove();
  ahead.unshift(current);
}

function takeBack(reply) {
  if (!reply.isWhole) putAside();
  const page = new DOMParser().parseFromString(reply.text, "text/html");
  const works = behind(page);
  if (reply.isWhole) {
    ahead = [];
    show(document.adoptNode(page.getElementById("label")), screenOf());
  } else {
    const item = page.getElementById("item");
    const words = item.dataset.announce;
    const shown = document.adoptNode(item);
    ahead = ahead.filter((work) => itemIn(work) !== itemIn(shown));
    show(shown, document.getElementById("item"));
    say(words);
  }
  add(works);
}

// ---- coming and going ----------------------------------------------------------------------------------

window.addEventListener("online", () => {
  wait = FIRST_WAIT;
  pump();
});

// Other tabs of this person on this screen hold the same items: the last one to go gives them back.
const me = crypto.getRandomValues(new Uint32Array(2)).join("-");
const others = new Set();
let channel = null;

function greet() {
  channel = new BroadcastChannel(storeKey());
  channel.onmessage = ({ target, data: { from, goes } }) => {
    if (goes) others.delete(from);
    else if (!others.has(from)) {
      others.add(from);
      target.postMessage({ from: me });
    }
  };
  channel.postMessage({ from: me });
}

// Give back what is held behind the item on the screen and those that were answered.
window.addEventListener("pagehide", () => {
  channel?.postMessage({ from: me, goes: true });
  channel?.close();
  channel = null;
  const form = formIn(workOf());
  // Whoever comes back is to find the item that was left, of all that are held.
  if (form) document.cookie = `on=${itemIn(workOf())}; path=${location.pathname}; max-age=86400; samesite=lax`;
  if (!form || others.size > 0 || (ahead.length === 0 && !busy) || !navigator.sendBeacon) return;
  const data = new FormData();
  data.append("item", itemIn(workOf()));
  for (const { item } of kept()) data.append("item", item);
  data.set("csrfmiddlewaretoken", field(form, "csrfmiddlewaretoken").value);
  navigator.sendBeacon(screenOf().dataset.leaveUrl, data);
});

// Shown again by the Back button as it was left: what it had ahead has been given back.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted || !screenOf()) return;
  others.clear();
  greet();
  ahead = [];
  wantsAhead = true;
  pump();
});

// After a reload or a log-in, an answer to the item on the screen may be among those that wait.
function start() {
  const work = workOf();
  if (!work) return;
  greet();
  for (const answer of kept()) {
    if (answer.item !== itemIn(work)) continue;
    formIn(work).dataset.unsent = "";
    given.set(answer.key, work);
  }
  wantsAhead = formIn(work) !== null;
  pump();
}

start();
