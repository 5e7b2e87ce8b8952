// Opens a dialog that the server sent as a fragment, and closes it again. Everything else works without script.
"use strict";
const show = (dialog) => {
  if (!dialog.open) dialog.showModal();
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
    target.setAttribute("aria-label", "Copied");
    return;
  }
  const dialog = target.closest("dialog");
  if (dialog) {
    event.preventDefault();
    dialog.close();
  }
});
document.addEventListener("change", (event) => {
  // Manual Implementation on: no time; off: a time is needed.
  const toggle = event.target.closest("input[name=manual_implementation]");
  if (!toggle) return;
  const time = toggle.form.elements.scheduled_at;
  time.disabled = toggle.checked;
  time.required = !toggle.checked;
});
