// Opens a dialog that the server sent as a fragment, and closes it again. Everything else works without script.
"use strict";
const fitTime = (toggle) => {
  // Manual Implementation on: no time; off: a time is needed.
  const time = toggle.form.elements.scheduled_at;
  time.disabled = toggle.checked;
  time.required = !toggle.checked;
};
const fitAll = (part) => part.querySelectorAll("input[name=manual_implementation]").forEach(fitTime);
fitAll(document);
// An invitation stands behind the # of its link, where no server sees it: into the form, and out of the address.
const invited = document.querySelector("input[data-from-link]");
if (invited && location.hash.startsWith("#cfi_")) {
  invited.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}
const show = (dialog) => {
  if (!dialog.open) dialog.showModal();
  fitAll(dialog);
  dialog.addEventListener("close", () => dialog.remove(), { once: true });
};
new MutationObserver(() => {
  document.querySelectorAll("dialog[data-modal]:not([open])").forEach(show);
}).observe(document.documentElement, { childList: true, subtree: true });
document.addEventListener("click", async (event) => {
  const target = event.target.closest("[data-close],[data-copy]");
  if (!target) return;
  if (target.dataset.copy !== undefined) {
    await navigator.clipboard.writeText(target.dataset.copy);
    const before = target.getAttribute("aria-label");
    target.setAttribute("aria-label", "Copied");
    target.classList.add("copied");
    setTimeout(() => {
      target.setAttribute("aria-label", before);
      target.classList.remove("copied");
    }, 1500);
    return;
  }
  const dialog = target.closest("dialog");
  if (dialog) {
    event.preventDefault();
    dialog.close();
  }
});
document.addEventListener("change", (event) => {
  const toggle = event.target.closest("input[name=manual_implementation]");
  if (toggle) fitTime(toggle);
});
document.addEventListener("keydown", (event) => {
  // What is announced as a button is pressed like one.
  const button = event.target.closest("a[role=button]");
  if (!button || event.key !== " ") return;
  event.preventDefault();
  button.click();
});
// A menu of the head closes where somebody goes on elsewhere; Escape closes it and leaves the focus at its name.
const menus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("click", (event) =>
  menus().forEach((menu) => menu.contains(event.target) || menu.removeAttribute("open")),
);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  menus().forEach((menu) => {
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.removeAttribute("open");
  });
});
