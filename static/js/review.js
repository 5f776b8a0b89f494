// The review screen: a reason pressed before an option says so, instead of the browser's own balloon.

document.addEventListener(
  "click",
  (event) => {
    const reason = event.target.closest?.("button[name=reason]");
    if (!reason) return;
    const form = reason.form;
    if (form.querySelector("input[name=choice]:checked")) return;
    event.preventDefault();
    const hint = form.querySelector("[data-choose-first]");
    hint.hidden = false;
    document.dispatchEvent(new CustomEvent("concord:announce", { detail: hint.textContent }));
    form.querySelector("input[name=choice]")?.focus();
  },
  true,
);

document.addEventListener("change", (event) => {
  if (event.target.name !== "choice") return;
  const hint = event.target.form?.querySelector("[data-choose-first]");
  if (hint) hint.hidden = true;
});
