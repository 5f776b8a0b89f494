// Multiple choice: "none of these" and the options exclude each other, and no more are ticked than the question takes.

document.addEventListener(
  "change",
  (event) => {
    const box = event.target;
    const list = box.closest?.("[data-several]");
    if (!list || !box.checked) return;
    const ticked = [...list.querySelectorAll(":checked")];
    for (const other of ticked) {
      if (other !== box && other.matches("[data-none]") !== box.matches("[data-none]")) other.checked = false;
    }
    const most = Number(list.dataset.most);
    if (!most || list.querySelectorAll(":checked").length <= most) return;
    box.checked = false;
    document.dispatchEvent(new CustomEvent("concord:announce", { detail: list.dataset.mostSaid }));
    list.closest("[data-question]").querySelector(".question__bounds")?.toggleAttribute("data-reached", true);
  },
  // Before label.js keeps what is ticked.
  true,
);
