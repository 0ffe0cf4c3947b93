// What stays where it was while a panel is built anew: how far the page is scrolled, and what has the focus.

const PATIENCE = 5000; // ms that a panel's answers may take
const SCROLLS = ".strip, .list";
let ending = () => {};

/** What people call a control; the same one in another build of the panel has the same. */
function name(element) {
  const words = element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent.trim();
  return [element.tagName, element.dataset.id ?? "", words].join("\n");
}

function find(main, wanted) {
  return [...main.querySelectorAll("button, a, input, select, textarea, canvas[tabindex]")].find((one) => name(one) === wanted);
}

/** Notes where things are in `main`; what it gives is called once the new build is in its place. Of another panel nothing is kept. */
export function held(main, same) {
  ending();
  if (!same) return () => scrollTo(0, 0);
  const top = scrollY;
  const focus = main.contains(document.activeElement) && document.activeElement !== main ? name(document.activeElement) : null;
  const inner = new Map([...main.querySelectorAll(SCROLLS)].map((one) => [one.getAttribute("aria-label"), [one.scrollLeft, one.scrollTop]]));
  main.style.minHeight = `${main.offsetHeight}px`;
  return () => watched(main, top, focus, inner);
}

function watched(main, top, focus, inner) {
  let wanted = focus;
  const touches = ["wheel", "pointerdown", "keydown", "touchmove"];
  const observer = new MutationObserver(step);

  function step() {
    if (main.querySelector("[role=alert]:not([hidden])")) return end(); // which is read where the page begins
    if (scrollY !== top) scrollTo(0, top);
    for (const one of main.querySelectorAll(SCROLLS)) {
      const place = one.childElementCount ? inner.get(one.getAttribute("aria-label")) : undefined;
      if (!place) continue;
      [one.scrollLeft, one.scrollTop] = place;
      inner.delete(one.getAttribute("aria-label"));
    }
    const again = wanted && find(main, wanted);
    if (!again || again.disabled) return undefined;
    wanted = null;
    return again.focus({ preventScroll: true });
  }

  function end() {
    clearTimeout(timer);
    observer.disconnect();
    for (const kind of touches) removeEventListener(kind, end);
    main.style.minHeight = "";
    if (wanted && document.activeElement === document.body) main.focus({ preventScroll: true });
    ending = () => {};
  }

  const timer = setTimeout(end, PATIENCE);
  for (const kind of touches) addEventListener(kind, end, { passive: true });
  observer.observe(main, { childList: true, subtree: true });
  ending = end;
  step();
}
