// Between parts 2 and 3, for recording alone: what a person does in this document, told as it happens and before the page
// hears of it, with what was shown just then. What is typed into a secret field is never told.

(() => {
const tell = (what) => globalThis.deskhandHeard(JSON.stringify({ ...what, at: Date.now() }));
const marked = new WeakSet();
const PRIVATE = /(^|\s)(one-time-code|cc-\S+)$/;
const called = (el) => flat(nameOf(el, roleOf(el), new Set())).toLowerCase();
const veiled = (el) => secret(el) || marked.has(el) || PRIVATE.test(autocompleteOf(el)) || NAMED_SECRET.includes(called(el));
const INNER = globalThis !== globalThis.top;

// A described element without what nobody may read.
function plainly(el) {
  const { node, forms } = told(el, null);
  const form = node.form >= 0 ? forms[node.form] : null;
  return { ...node, form, value: veiled(el) ? "" : node.value, secret: veiled(el) };
}
function now() {
  const seen = look(null), mine = new Set();
  for (const el of veils) if (el.deref()) mine.add(idOf(el.deref()));
  for (const one of seen.nodes) if (mine.has(one.id)) one.value = "";
  return seen;
}
const veils = [];  // fields that a person marked, or that are secret by their name
function veil(el) {
  if (veiled(el) && !veils.some((one) => one.deref() === el)) veils.push(new WeakRef(el));
}
const first = (event) => event.composedPath()[0];
const mods = (event) => [["ctrl", event.ctrlKey], ["alt", event.altKey], ["shift", event.shiftKey], ["meta", event.metaKey]]
  .filter(([, on]) => on).map(([name]) => name);

let down = null, prior = null, edited = null;
function press(event) {
  if (!event.isTrusted || !event.isPrimary) return;
  if (INNER) return tell({ kind: "frame" });
  const el = operated(first(event));
  [prior, edited] = [now(), null];
  down = { target: plainly(el), seen: prior, button: ["left", "middle", "right"][event.button] || "left",
    modifiers: mods(event), x: event.clientX, y: event.clientY };
}
function click(count) {
  if (!down) return;
  const { x, y, ...said } = down;
  down = null;
  tell({ kind: "click", ...said, count: Math.min(3, Math.max(1, count)) });
}
function lift(event) {
  if (!event.isTrusted || !down) return;
  const far = Math.hypot(event.clientX - down.x, event.clientY - down.y) > 12;
  if (far) [down] = [null, tell({ kind: "drag" })];
  else setTimeout(() => click(1), 60);  // a page may act on the press itself and take its button away
}
function pressed(event) {
  if (event.isTrusted && event.detail > 0) click(event.detail);
}

const textual = (el) => editable(el) || (isHtml(el) && (tagOf(el) === "textarea" || (tagOf(el) === "input" && !tickable(el)
  && !/^(button|submit|reset|image|range)$/.test(el.type))));
function begins(event) {
  const el = first(event);
  if (event.isTrusted && textual(el) && edited !== el) [edited, prior] = [el, now()];
}
function edit(event) {
  const el = first(event);
  if (!event.isTrusted || !isElement(el) || !textual(el)) return;
  if (INNER) return tell({ kind: "frame" });
  veil(el);
  if (edited !== el) edited = el;
  tell({ kind: "edit", target: plainly(el), seen: prior || now() });
}
function chosen_(event) {
  const el = first(event);
  if (!event.isTrusted || !isHtml(el) || tagOf(el) !== "select") return;
  if (INNER) return tell({ kind: "frame" });
  edited = null;
  const labels = [...el.options].map((one) => flat(one.label));
  tell({ kind: "choose", target: plainly(el), seen: prior || now(), text: flat(el.selectedOptions[0] ? el.selectedOptions[0].label : ""),
    choices: labels.slice(0, 60) });
}

const NAMES = { Enter: "enter", Escape: "escape", " ": "space", ArrowDown: "down", ArrowUp: "up", ArrowLeft: "left",
  ArrowRight: "right", Home: "home", End: "end", Delete: "delete", Backspace: "backspace", Tab: "tab" };
const EDITS = new Set(["a", "c", "v", "x", "y", "z"]);
function key(event) {
  if (!event.isTrusted || event.repeat || event.isComposing) return;
  const el = active(), held_ = mods(event);
  if (el && event.altKey && event.shiftKey && event.code === "KeyS") {
    event.preventDefault();
    event.stopImmediatePropagation();
    marked.add(el);
    veil(el);
    return tell({ kind: "mark", target: plainly(el) });
  }
  const name = NAMES[event.key] || (/^F\d+$/.test(event.key) ? event.key.toLowerCase() : /^[a-z0-9]$/i.test(event.key) ? event.key.toLowerCase() : "");
  if (!name || !el) return;
  if (INNER) return void (name === "enter" && tell({ kind: "frame" }));
  const role = roleOf(el), line = textual(el) && tagOf(el) !== "textarea" && !editable(el);
  const strong = held_.some((one) => one !== "shift");
  if (isHtml(el) && tagOf(el) === "select") return void (prior = now());
  if (textual(el)) {
    const lists = role === "combobox" || hasAttr(el, "aria-expanded") || hasAttr(el, "list");
    if (strong ? EDITS.has(name) : !((name === "enter" && line) || name === "escape" || (lists && /^(up|down)$/.test(name)))) return;
  } else if (!strong && /^(enter|space)$/.test(name) && OPERABLE.has(role)) {
    if (tickable(el) && name === "enter") return;
    prior = now();
    return tell({ kind: "click", target: plainly(el), seen: prior, button: "left", modifiers: [], count: 1 });
  } else if (!strong && !/^(enter|escape|delete|backspace|f\d+)$/.test(name)) return;
  prior = now();
  tell({ kind: "keys", keys: [...held_, name], target: OPERABLE.has(role) ? plainly(el) : null, seen: prior });
}

const HEARD = { pointerdown: press, pointerup: lift, click: pressed, auxclick: pressed, beforeinput: begins, input: edit,
  change: chosen_, keydown: key };
for (const [name, hear] of Object.entries(HEARD)) {
  addEventListener(name, (event) => {
    try { hear(event); } catch (problem) { tell({ kind: "lost", why: String(problem).slice(0, 200) }); }
  }, { capture: true, passive: false });
}
})();
