// One key for what has a button or a link: whatever carries data-key. Never while somebody types, never with
// Ctrl, Alt or Meta. What a key does not press by itself it brings into focus, so that Enter is a second step.
const OFF = /(^|; )(__Host-)?paraaf-keys=off(;|$)/;
const PRESSED = new Set(["c", "n", "?"]);
const TYPED_IN = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select";

const isOff = () => OFF.test(document.cookie);
const rows = () => [...document.querySelectorAll("[data-row]")];
const link = (row) => row.querySelector("[data-open]");
const box = (row) => row.querySelector("[data-pick]");
const hasPicks = () => document.querySelector("[data-pick]") !== null;
const has = (key) => document.querySelector(`[data-key="${key}"]`) !== null;
const picked = () => document.querySelectorAll("[data-pick]:checked").length > 0;

let here = null;

function stand(row) {
  rows().forEach((one) => one.classList.toggle("at", one === row));
  here = row;
}

function walk(step) {
  const all = rows();
  if (all.length === 0) return;
  const place = here ? all.indexOf(here) + step : 0;
  const row = all[Math.min(Math.max(place, 0), all.length - 1)];
  link(row).focus();
}

function pick(row) {
  box(row)?.click();
}

function use(key) {
  const found = [...document.querySelectorAll(`[data-key="${key}"]`)].find((one) => one.checkVisibility());
  if (!found || found.disabled) return false;
  const presses = found.matches("a") || PRESSED.has(key) || "press" in found.dataset;
  found.focus();
  if (presses && found.matches("a, button, summary")) found.click();
  return true;
}

// What is done with many: with the row one stands on, if nothing is selected.
function useWithRow(key) {
  if (!hasPicks()) return use(key);
  if (!picked() && here) pick(here);
  return picked() && use(key);
}

// To that place on the request's own page.
function openAt(key) {
  if (!here) return false;
  location.assign(`${link(here).href}#key-${key}`);
  return true;
}

const ACTS = {
  j: () => (walk(1), true),
  k: () => (walk(-1), true),
  o: () => (here ? (link(here).click(), true) : use("o")),
  x: () => (here ? (pick(here), true) : false),
  a: () => useWithRow("a") || (!hasPicks() && openAt("a")),
  c: () => useWithRow("c"),
  r: () => (hasPicks() && !picked() ? openAt("r") : use("r") || (!hasPicks() && openAt("r"))),
  n: () => use("n"),
  "/": () => use("/"),
  "?": () => use("?"),
};

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-row]");
  if (row) stand(row);
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.repeat && !"jk".includes(event.key)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || isOff()) return;
  if (event.target.matches?.(TYPED_IN) || event.target.isContentEditable) return;
  if (document.querySelector("dialog[open]")) return;
  const act = Object.hasOwn(ACTS, event.key) ? ACTS[event.key] : null;
  if (act?.()) event.preventDefault();
});

// Whether a key does something on this page.
const IS_THERE = {
  j: () => rows().length > 0,
  o: () => rows().length > 0 || has("o"),
  x: hasPicks,
  a: () => has("a") || (rows().length > 0 && !hasPicks()),
  r: () => has("r") || rows().length > 0,
};

function begin() {
  const help = document.getElementById("keys-help");
  for (const button of document.querySelectorAll('[data-key="?"]')) {
    button.hidden = isOff() || !help;
    button.addEventListener("click", () => help.showModal());
  }
  for (const part of help?.querySelectorAll("[data-does]") ?? []) {
    const key = part.dataset.does;
    part.hidden = !(IS_THERE[key] ?? (() => has(key)))();
  }
  const wanted = /^#key-([a-z])$/.exec(location.hash)?.[1];
  if (wanted) document.querySelector(`[data-key="${wanted}"]`)?.focus();
}

begin();
