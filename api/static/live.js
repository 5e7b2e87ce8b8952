// Brings a page up to date when what it shows has moved: not while somebody types, selects, or has a dialog open.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  let source = null;
  let position = main.dataset.position || "0";
  let stale = false;
  let asking = false;
  let told = false;
  let rested = 0;
  const rest = Number(main.dataset.rest || 0) * 1000;
  const shown = new WeakMap([[main, main.innerHTML]]);
  const typed = (field) =>
    field.type === "checkbox" || field.type === "radio"
      ? field.checked !== field.defaultChecked
      : field.options
        ? [...field.options].some((option) => option.selected !== option.defaultSelected)
        : field.value !== field.defaultValue;
  const busy = (part) => {
    const active = document.activeElement;
    const writes = active && part.contains(active) && active.matches("input, select, textarea");
    const selection = getSelection();
    const selects = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
    const nameless = active && part.contains(active) && !nameOf(part, active);
    return (
      writes ||
      nameless ||
      selects ||
      [...part.querySelectorAll("input:not([type=hidden]), select, textarea")].some(typed)
    );
  };
  const nameOf = (part, element) => {
    if (!element || !part.contains(element)) return null;
    if (element.id) return `#${CSS.escape(element.id)}`;
    const path = element.getAttribute("href");
    return path ? `${element.localName}[href="${CSS.escape(path)}"]` : null;
  };
  const replace = (part, fresh) => {
    const focused = nameOf(part, document.activeElement);
    const open = [...part.querySelectorAll("details")].map((details) => details.open);
    const sideways = [...part.querySelectorAll(".scroll, .wide")].map((scrolled) => scrolled.scrollLeft);
    shown.set(part, fresh.innerHTML);
    part.replaceChildren(...fresh.childNodes);
    part.querySelectorAll("details").forEach((details, number) => (details.open = open[number] ?? details.open));
    part
      .querySelectorAll(".scroll, .wide")
      .forEach((scrolled, number) => (scrolled.scrollLeft = sideways[number] ?? 0));
    if (window.htmx) window.htmx.process(part);
    if (focused) part.querySelector(focused)?.focus({ preventScroll: true });
  };
  const wait = (waits) => {
    stale = waits;
    main.toggleAttribute("data-stale", waits);
  };
  const asked = async (url, headers, selector) => {
    const answer = await fetch(url, { headers: { Accept: "text/html", ...headers }, redirect: "error" });
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(selector) : null;
  };
  // A dialog that is only read is brought up to date by itself; the page below it when the dialog is closed.
  const refreshDialog = async (dialog) => {
    const part = dialog.querySelector("[data-fresh]");
    if (!part || !told || asking || document.hidden || busy(part)) return;
    asking = true;
    told = false;
    try {
      const fresh = await asked(part.dataset.fresh, { "HX-Request": "true" }, "[data-fresh]");
      if (fresh && !busy(part) && fresh.innerHTML !== (shown.get(part) ?? part.innerHTML)) replace(part, fresh);
    } catch {
      told = true;
    } finally {
      asking = false;
    }
    if (!dialog.open) refresh();
  };
  const refresh = async () => {
    const dialog = document.querySelector("dialog[open]");
    if (dialog) return refreshDialog(dialog);
    if (!stale || asking || document.hidden || busy(main)) return;
    const early = rested + rest - Date.now();
    if (early > 0) return void setTimeout(refresh, early);
    asking = true;
    wait(false);
    try {
      const fresh = await asked(location.href, {}, "main[data-live]");
      if (!fresh) return stop();
      if (busy(main) || document.querySelector("dialog[open]")) {
        wait(true);
        return;
      }
      position = fresh.dataset.position || position;
      if (fresh.innerHTML !== shown.get(main)) replace(main, fresh);
    } catch {
      wait(true); // The next movement, or the control, asks again.
    } finally {
      asking = false;
      rested = Date.now();
    }
  };
  const stop = () => {
    if (source) source.close();
    source = null;
  };
  const start = () => {
    if (source || document.hidden) return;
    source = new EventSource(`/live/${main.dataset.live}?after=${position}`);
    source.addEventListener("moved", (event) => {
      position = event.lastEventId || position;
      wait(true);
      told = true;
      refresh();
    });
  };
  // A browser has few connections to one server: a page that nobody sees holds none.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : (start(), refresh())));
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", start);
  for (const name of ["focusout", "selectionchange", "change"]) document.addEventListener(name, () => setTimeout(refresh));
  document.addEventListener("close", () => setTimeout(refresh), true);
  start();
})();
