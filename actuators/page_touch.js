// Part 3 of 3: what a point or the keyboard would reach, stillness, and the calls that `actuators.world` makes.

const held = new Map();  // elements that Python asks for next; forgotten at the next look
function hold(el) {
  held.set(idOf(el), new WeakRef(el));
  return idOf(el);
}

// The thing a press would operate: a label's control, the nearest operable ancestor, else the element itself.
// What only wears the pointer of a button or link around it, as a button's icon does, is that button: `look` says so too.
function operated(el) {
  let worn = null;
  for (let one = el; one; one = up(one)) {
    if (isFrame(one)) break;
    if (isHtml(one) && tagOf(one) === "label" && one.control) return one.control;
    if (tagOf(one) === "optgroup" || (tagOf(one) === "select" && one !== el)) continue;
    const role = roleOf(one);
    if (!OPERABLE.has(role)) continue;
    if (role === "generic" && !asks(one)) worn = worn || one;
    else if (!worn) return one;
    else return BY_CONTENT.has(role) && role !== "generic" && !findIn(one, NATIVE) ? one : worn;
  }
  return worn || nearest(el, (one) => !inline(one)) || el;
}
const asks = (el) => hasAttr(el, "onclick") || hasAttr(el, "tabindex") || hasAttr(el, "role");
const MUTE = new Set(["canvas", "img", "video", "embed", "object", "svg", "iframe", "frame"]);

function told(el, hit) {
  const forms = [], said = roleOf(el), place = placeOf(el);
  const role = said || READ_AS[said] || "text";
  const rect = largest(el, clipOf(el), place) || { left: 0, top: 0, right: 0, bottom: 0 };
  const page = el === bodyOf(docOf(el)) || el === htmlOf(docOf(el));
  const name = page ? "" : nameOf(el, OPERABLE.has(role) || BY_CONTENT.has(role) ? role : "text");
  const node = described(el, rect, page ? "generic" : role, name, forms, active());
  const acts = acting(hit || el);
  if (acts && acts !== el) {
    node.href = node.href || hrefOf(acts);
    if (submitsOf(acts)) [node.submits, node.form] = [true, formIn(acts, forms)];
  }
  const pixels = hit && MUTE.has(tagOf(hit)) && !OPERABLE.has(role);
  const playing = pixels && tagOf(hit) === "video" && !hit.paused;
  for (const one of forms) delete one.form;
  return { node, forms, pixels: (pixels && !playing) || (!name && !OPERABLE.has(role) && !page) };
}

function hit(x, y) {
  const el = at(x, y);
  if (!el) return null;
  if (isFrame(el) && !localDocument(el)) {
    const place = inner(el, placeOf(el));
    return { remote: { id: hold(el), x: place.x, y: place.y, s: place.s } };
  }
  const list = isOpen(active()) ? idOf(active()) : "";
  return { ...told(operated(el), el), doubt: doubtful(el) ? hold(el) : null, list };
}

function focused() {
  const el = active();
  if (!el) return null;
  if (isFrame(el) && !localDocument(el)) return { remote: { id: hold(el), x: 0, y: 0, s: 1 } };
  return { ...told(el, null), doubt: doubtful(el) ? hold(el) : null, takes: takes(el), held: hold(el), sends: sends(el) };
}
// Where Enter in this field would send its form: the default button may say otherwise than the form.
function sends(el) {
  const own = formOf(el);
  if (!own || takes(el) !== "line") return "";
  const fields = getter(HTMLFormElement.prototype, "elements")(own.form);
  const button = [...HTMLCollection.prototype[Symbol.iterator].call(fields)].find(submitsOf);
  return (button ? formOf(button) : own).action;
}

const DATES = { date: /^\d{4,6}-\d\d-\d\d$/, time: /^\d\d:\d\d(:\d\d)?$/, month: /^\d{4,6}-\d\d$/, week: /^\d{4,6}-W\d\d$/,
  "datetime-local": /^\d{4,6}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/, color: /^#[0-9a-f]{6}$/i };
// How the focused element takes text: one line, many lines, as a choice, as a set value, as bare keys, or not at all.
function takes(el) {
  const tag = isHtml(el) ? tagOf(el) : "";
  if (tag === "select") return "choice";
  if (tag === "textarea") return el.readOnly || el.disabled ? "nothing" : "lines";
  if (tag === "input") {
    if (DATES[el.type]) return "set";
    if (el.type === "file") return "file";
    if (UNVALUED.has(el.type) || el.type === "range") return "nothing";
    return el.readOnly || el.disabled ? "nothing" : "line";
  }
  if (editable(el)) return "lines";
  return OPERABLE.has(roleOf(el)) && roleOf(el) !== "generic" ? "nothing" : "keys";
}

const fold = (text) => flat(text).toLocaleLowerCase();
const alone = (found) => (found && found.length === 1 ? found : null);
// The choices of a native list that the arrow keys would visit, in order.
function reachable(el) {
  const usable = [...el.options].filter((one) => !one.disabled && !isLike(one, "optgroup:disabled *"));
  const boxes = usable.filter((one) => boxed(one));
  return boxes.length ? boxes : usable;
}
// Where one choice stands among those of the focused native list.
function standing(el, option) {
  const all = reachable(el);
  return { index: option ? option.index : -1, place: option ? all.indexOf(option) : -1, many: el.multiple || el.size > 1,
    open: isLike(el, ":open"), now: el.selectedIndex, labels: all.slice(0, 8).map((one) => flat(one.label)) };
}
function choice(text) {
  const el = active(), all = reachable(el);
  const pick = (test) => {
    const found = all.filter(test);
    return found.length ? found : null;
  };
  const found = pick((one) => flat(one.label) === flat(text)) || pick((one) => fold(one.label) === fold(text)) ||
    pick((one) => one.value === text) || alone(pick((one) => fold(one.label).startsWith(fold(text))));
  return standing(el, found && found[0]);
}
const isOpen = (el) => !!el && isHtml(el) && tagOf(el) === "select" && isLike(el, ":open");
// The native list that is open in this world. Groups, lines and long lists are drawn in ways that are not told here.
function openList(forms) {
  const el = active();
  if (!isOpen(el)) return null;
  const kids = [...kidsOf(el)].filter(isElement), box = shift(boxOf(el), placeOf(el));
  const plain = kids.length <= 18 && kids.every((one) => tagOf(one) === "option" && styleOf(one).display !== "none");
  const options = plain ? kids.map((one) => (hold(one), described(one, box, "option", flat(one.label), forms, null))) : [];
  return { id: idOf(el), box, plain, options };
}
function option(id) {
  const el = held.get(id) && held.get(id).deref(), list = active();
  if (!el || !isOpen(list) || ![...list.options].includes(el)) return null;
  return told(el, null);
}
const picked = (id) => standing(active(), held.get(id) && held.get(id).deref());
const chosen = () => (active() && tagOf(active()) === "select" ? active().selectedIndex : -2);

const pad = (number) => String(number).padStart(2, "0");
// A date or time written as the field shows it to a reader (12/24/2026, 6:37 PM), in the form of the field's value.
function written(type, text) {
  if (type === "time") {
    const [, hour, minute, half] = /^(\d{1,2}):(\d\d)(?: ?([ap])\.?m\.?)?$/i.exec(text) || [];
    if (!minute || (half && (hour < 1 || hour > 12))) return text;
    return `${pad(half ? (hour % 12) + (/p/i.test(half) ? 12 : 0) : hour)}:${minute}`;
  }
  const numbers = type === "date" && /^\d{1,4}([./-])\d{1,2}\1\d{1,4}$/.test(text) ? text.split(/[./-]/) : [];
  const order = new Intl.DateTimeFormat(navigator.language).formatToParts(0).filter((part) => part.type !== "literal");
  const said = Object.fromEntries(order.map((part, n) => [part.type, numbers[n] || ""]));
  return /^\d{4}$/.test(said.year) ? `${said.year}-${pad(said.month)}-${pad(said.day)}` : text;
}

// Sets what has no text to type into (a date, a colour) as its picker would: the value, then input and change.
function set(said) {
  const el = active(), text = written(el.type, said);
  if (el.disabled || el.readOnly) return "the field is read-only";
  const wrong = `it takes ${el.type} values like ${FORMS[el.type]}`;
  if (!DATES[el.type].test(text)) return wrong;
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(el, text);
  if (el.value !== text && !el.value.startsWith(text)) return wrong;
  el.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
  el.dispatchEvent(new Event("change", { bubbles: true }));
  return "";
}
const FORMS = { date: "2026-12-14", time: "09:30", month: "2026-12", week: "2026-W51", "datetime-local": "2026-12-14T09:30",
  color: "#3366cc" };

// Stillness. One observer for each document and shadow root; what never rests (a clock, a ticker) stops counting.
let stirred = -Infinity;
const watched = new WeakSet(), churn = new WeakMap();
const RESTLESS_MS = 700;
function restless(node, now) {
  const known = churn.get(node);
  if (!known || now - known.last > 400) {
    churn.set(node, { first: now, last: now, times: 1 });
    return false;
  }
  known.last = now;
  known.times += 1;
  return known.times > 6 && now - known.first > RESTLESS_MS;
}
const observer = new MutationObserver((records) => {
  const now = performance.now();
  const where = new Set(records.map((one) => one.target));
  for (const node of where) if (!restless(node, now)) stirred = now;
});
const documents = new Set();
function watch(root) {
  if (watched.has(root)) return;
  watched.add(root);
  observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
  if (typeOf(root) === 9) {
    documents.add(new WeakRef(root));
    const add = EventTarget.prototype.addEventListener;
    add.call(root, "scroll", () => { stirred = performance.now(); }, { capture: true, passive: true });
  }
}
function running(doc) {
  return animationsOf(doc).some((one) => {
    const timing = one.effect && one.effect.getComputedTiming();
    return one.playState === "running" && timing && timing.endTime !== Infinity && timing.endTime < 20000 &&
      one.timeline === doc.timeline;
  });
}
const tick = (then) => {
  let done = false;
  const once = () => {
    if (!done) then();
    done = true;
  };
  requestAnimationFrame(once);
  setTimeout(once, 100);
};
// Resolves to "" after two frames, when nothing has changed for `quiet` ms and the last act is as long ago, or to what
// still moves after `bound` ms. `ago`: ms since the last act.
function settle(quiet, bound, ago) {
  watch(document);
  return new Promise((resolve) => {
    const began = performance.now();
    let count = 0;
    const frame = () => {
      const now = performance.now();
      let moving = now - Math.max(stirred, began - ago) < quiet ? "nodes" : "";
      for (const ref of documents) {
        const doc = ref.deref();
        if (!doc || !viewOf(doc)) documents.delete(ref);
        else if (readyOf(doc) !== "complete") moving = "loading";
        else if (running(doc)) moving = "frames";
      }
      count += 1;
      if (!moving && count >= 2) return resolve("");
      if (now - began >= bound) return resolve(moving || "frames");
      tick(frame);
    };
    tick(frame);
  });
}

return {
  look(limit) { held.clear(); return look(limit); },
  hit, focused, choice, picked, option, chosen, set, settle,
  grab(id) { const ref = held.get(id); return ref ? ref.deref() : null; },
  found(host, root) { closed.set(host, root); },
  // Which of some points (this viewport's CSS pixels) reach the frame with this id: nothing lies over it there.
  uncovered(id, points) {
    const frame = held.get(id) && held.get(id).deref();
    return points.map(([x, y]) => at(x, y) === frame);
  },
  view() { return { width: innerWidth, height: innerHeight, scale: devicePixelRatio, x: scrollX, y: scrollY }; },
};
