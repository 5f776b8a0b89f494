// The review screen: a reason pressed before an option says so, instead of the browser's own balloon;
// Enter in the note goes on to the reasons instead of ruling without one.

const CHOSEN = "input[name=choice]:checked, input[name=pick]:checked";

function hintOf(form) {
  return form.querySelector("[data-choose-first]");
}

function say(hint) {
  hint.hidden = false;
  document.dispatchEvent(new CustomEvent("concord:announce", { detail: hint.textContent }));
}

document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.("button[name=reason], button[data-no-reason]");
    if (!button) return;
    const form = button.form;
    const chosen = form.querySelector(CHOSEN);
    if (chosen && button.name === "reason") return;
    event.preventDefault();
    if (chosen) {
      form.querySelector("button[name=reason]").focus();
      return;
    }
    say(hintOf(form));
    form.querySelector("input[name=choice], input[name=pick]")?.focus();
  },
  true,
);

document.addEventListener("change", (event) => {
  // What is entered is meant.
  const own = event.target.closest?.("[data-own]");
  if (own) own.closest(".given").querySelector("input[value=own]").checked = true;
  if (!own && !["choice", "pick"].includes(event.target.name)) return;
  const hint = event.target.form && hintOf(event.target.form);
  if (hint) hint.hidden = true;
});
