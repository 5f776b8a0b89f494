// After a swap: focus goes where the work goes on, and a screen reader hears what happened.
// The fragment decides: [data-focus] on the element to focus, data-announce="..." with the words to say.

function settle(event) {
  const fresh = event.detail.elt;
  if (!(fresh instanceof Element)) return;

  const words = fresh.matches("[data-announce]") ? fresh : fresh.querySelector("[data-announce]");
  if (words?.dataset.announce) {
    document.dispatchEvent(new CustomEvent("concord:announce", { detail: words.dataset.announce }));
  }

  const wanted = fresh.matches("[data-focus]") ? fresh : fresh.querySelector("[data-focus]");
  const invalid = fresh.querySelector("[aria-invalid='true']");
  const lost = document.activeElement === document.body || document.activeElement === null;
  const target = invalid ?? wanted ?? (lost ? fresh.querySelector("h1, h2") : null);
  if (!target) return;
  if (target.tabIndex < 0 && !target.hasAttribute("tabindex")) target.setAttribute("tabindex", "-1");
  if (!target.matches("a, button, input, select, textarea, summary")) {
    // Placed by us, not walked to: no ring until the person moves.
    target.dataset.quietFocus = "";
    target.addEventListener("blur", () => delete target.dataset.quietFocus, { once: true });
  }
  target.focus({ preventScroll: !invalid });
}

// htmx has swapped; or a module has put something into the page itself: in `detail.elt`.
for (const name of ["htmx:afterSettle", "concord:shown"]) document.addEventListener(name, settle);
