// What the page shows is in its address, behind the #: panel, run, image, and what the panel itself has noted.

const GLOBAL = ["panel", "run", "image", "selection"];
const FORMER = { picture: "image", pictures: "images" }; // names in addresses of the version before; read for one more
const WRITE = 200; // ms: browsers drop addresses that change too often
const remembered = {}; // panel -> what it had noted when it was left
const listeners = [];
let state = parsed();
let timer = 0;

function parsed() {
  return Object.fromEntries(Array.from(new URLSearchParams(location.hash.slice(1)), ([name, value]) => [FORMER[name] ?? name, value]));
}

function text(fields) {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return `#${new URLSearchParams(known)}`;
}

function changed() {
  for (const listener of listeners) listener();
}

function flush() {
  clearTimeout(timer);
  timer = 0;
  if (text(state) !== location.hash) history.replaceState(null, "", text(state));
}

function after(changes) {
  const elsewhere = (name) => changes[name] !== undefined && changes[name] !== (state[name] ?? changes[name]);
  if (!elsewhere("panel") && !elsewhere("run")) return { ...state, ...changes };
  const global = Object.fromEntries(GLOBAL.map((name) => [name, state[name]]));
  return { ...global, ...(elsewhere("run") ? {} : remembered[changes.panel]), ...changes };
}

/** What the address says under that name, or "". */
export function get(name) {
  return state[name] ?? "";
}

/** Keeps something of a panel in the address, without a step in the browser's history. */
export function note(changes) {
  state = { ...state, ...changes };
  if (!timer) timer = setTimeout(flush, WRITE);
}

/** Goes there: one step in the history. A panel that is come back to is as it was left. */
export function go(changes) {
  flush();
  const next = after(changes);
  if (next.panel !== state.panel) {
    remembered[state.panel] = Object.fromEntries(Object.entries(state).filter(([name]) => !GLOBAL.includes(name)));
  }
  if (changes.run && changes.run !== state.run) for (const panel of Object.keys(remembered)) delete remembered[panel];
  state = next;
  history.pushState(null, "", text(state));
  changed();
}

/** The address after those changes, for a link. */
export function link(changes) {
  return text(after(changes));
}

/** Calls whenever the page shall show something else. */
export function listen(listener) {
  listeners.push(listener);
}

function reread() {
  if (location.hash === text(state)) return;
  state = parsed();
  changed();
}

addEventListener("popstate", reread);
addEventListener("hashchange", reread);
addEventListener("pagehide", flush);
