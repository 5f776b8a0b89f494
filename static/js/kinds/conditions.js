// Questions asked only after certain answers to an earlier one: hidden and disabled until then, so that they are neither asked
// for nor sent. What was entered in one stays while it is hidden. Loaded before label.js, which goes on to what is shown.

function holds(question) {
  const wanted = question.dataset.onlyValues.split(" ");
  const controls = [...question.closest("form").elements].filter(({ name }) => name === question.dataset.onlyIf);
  // An earlier question that is itself not asked has no answer.
  return controls.some((control) => control.checked && !control.matches(":disabled") && wanted.includes(control.value));
}

/** In their order, since one may hang on another. */
function update() {
  for (const question of document.querySelectorAll("[data-only-if]")) {
    const shown = holds(question);
    question.toggleAttribute("data-ready", true);
    if (question.hidden === shown) question.hidden = !shown;
    if (question.disabled === shown) question.disabled = !shown;
  }
}

// Captured: what hangs on an answer is there before label.js looks for the next question.
document.addEventListener("change", update, true);
document.addEventListener("concord:filled", update);

update();
new MutationObserver((changes) => {
  if (changes.some(({ addedNodes }) => addedNodes.length > 0)) update();
}).observe(document.body, { childList: true, subtree: true });
