// Brings a page up to date when what it shows has moved: not while somebody types, selects, or has a dialog open.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  let source = null;
  let position = main.dataset.position || "0";
  let stale = false;
  let asking = false;
  let shown = main.innerHTML;
  const typed = (field) =>
    field.type === "checkbox" || field.type === "radio"
      ? field.checked !== field.defaultChecked
      : field.options
        ? [...field.options].some((option) => option.selected !== option.defaultSelected)
        : field.value !== field.defaultValue;
  const busy = () => {
    const active = document.activeElement;
    const writes = active && main.contains(active) && active.matches("input, select, textarea");
    const selection = getSelection();
    const selects = selection && !selection.isCollapsed && main.contains(selection.anchorNode);
    const nameless = active && main.contains(active) && !nameOf(active);
    return (
      writes ||
      nameless ||
      selects ||
      document.querySelector("dialog[open]") !== null ||
      [...main.querySelectorAll("input:not([type=hidden]), select, textarea")].some(typed)
    );
  };
  const nameOf = (element) => {
    if (!element || !main.contains(element)) return null;
    if (element.id) return `#${CSS.escape(element.id)}`;
    const path = element.getAttribute("href");
    return path ? `${element.localName}[href="${CSS.escape(path)}"]` : null;
  };
  const replace = (fresh) => {
    const focused = nameOf(document.activeElement);
    const open = [...main.querySelectorAll("details")].map((details) => details.open);
    const sideways = [...main.querySelectorAll(".scroll, .wide")].map((part) => part.scrollLeft);
    shown = fresh.innerHTML;
    main.replaceChildren(...fresh.childNodes);
    main.querySelectorAll("details").forEach((details, number) => (details.open = open[number] ?? details.open));
    main.querySelectorAll(".scroll, .wide").forEach((part, number) => (part.scrollLeft = sideways[number] ?? 0));
    if (window.htmx) window.htmx.process(main);
    if (focused) main.querySelector(focused)?.focus({ preventScroll: true });
  };
  const wait = (waits) => {
    stale = waits;
    main.toggleAttribute("data-stale", waits);
  };
  const refresh = async () => {
    if (!stale || asking || document.hidden || busy()) return;
    asking = true;
    wait(false);
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return stop();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("main[data-live]");
      if (!fresh) return stop();
      if (busy()) {
        wait(true);
        return;
      }
      position = fresh.dataset.position || position;
      if (fresh.innerHTML !== shown) replace(fresh);
    } catch {
      wait(true); // The next movement, or the control, asks again.
    } finally {
      asking = false;
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
