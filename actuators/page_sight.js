// Part 2 of 3: what can be seen. Rectangles leave this file in CSS pixels of this world's outermost viewport.

const origin = (doc) => {
  const said = viewOf(doc) ? viewOf(doc).origin : "null";
  return said === "null" ? "" : said;
};
const meet = (a, b) => ({ left: Math.max(a.left, b.left), top: Math.max(a.top, b.top),
  right: Math.min(a.right, b.right), bottom: Math.min(a.bottom, b.bottom) });
const none = (r) => !(r.right - r.left >= 1 && r.bottom - r.top >= 1);
const shift = (r, at) => ({ left: at.x + r.left * at.s, top: at.y + r.top * at.s,
  right: at.x + r.right * at.s, bottom: at.y + r.bottom * at.s });
const join = (a, b) => (!a ? b : { left: Math.min(a.left, b.left), top: Math.min(a.top, b.top),
  right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom) });

// Where a frame's document begins, and how much it is scaled, seen from the viewport that holds the frame.
function inner(frame, at) {
  const box = boxOf(frame), style = styleOf(frame), s = wide(frame) ? box.width / wide(frame) : 1;
  const x = (frame.clientLeft + parseFloat(style.paddingLeft)) * s;
  const y = (frame.clientTop + parseFloat(style.paddingTop)) * s;
  const where = { x: at.x + (box.left + x) * at.s, y: at.y + (box.top + y) * at.s, s: at.s * s };
  const width = frame.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const height = frame.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  return { ...where, box: shift({ left: 0, top: 0, right: width, bottom: height }, where) };
}
const TOP = { x: 0, y: 0, s: 1 };
// The place of the document that owns an element.
function placeOf(el) {
  const frame = frames.get(docOf(el));
  return frame ? inner(frame, placeOf(frame)) : TOP;
}
const isFrame = (el) => isHtml(el) && (tagOf(el) === "iframe" || tagOf(el) === "frame");
function localDocument(frame) {
  let doc = null;
  try { doc = frame.contentDocument; } catch { /* another process */ }
  if (doc) frames.set(doc, frame);
  return doc;
}

// The topmost element at a point, through shadow roots and the frames of this process.
function at(x, y) {
  let root = document, place = TOP, el = null;
  for (;;) {
    const hit = pointIn(root, (x - place.x) / place.s, (y - place.y) / place.s);
    if (!hit || hit === el) return el;
    el = hit;
    const doc = isFrame(el) ? localDocument(el) : null;
    if (doc) {
      place = inner(el, place);
      root = doc;
    } else if (shadowOf(el)) root = shadowOf(el);
    else return el;
  }
}

// Whether a press on `hit` is one on `el`; words (`el` is then the set of elements they stand in) are reached when
// nothing but what they stand in lies there.
function reaches(el, hit) {
  if (!hit) return false;
  if (el instanceof Set) return [...el].some((one) => holds(hit, one));
  if (holds(el, hit)) return true;
  return isHtml(el) && !!el.labels && [...el.labels].some((label) => holds(label, hit));
}
const THIRDS = [[1, 1], [0, 1], [2, 1], [1, 0], [1, 2], [0, 0], [2, 0], [0, 2], [2, 2]];
// The part of a rect whose middle a press would reach: all of it, or a third; null where something lies over it.
function free(el, rect) {
  const w = (rect.right - rect.left) / 3, h = (rect.bottom - rect.top) / 3;
  for (const [i, j] of THIRDS) {
    if (!reaches(el, at(rect.left + w * (i + 0.5), rect.top + h * (j + 0.5)))) continue;
    if (i === 1 && j === 1) return rect;
    const left = rect.left + w * i, top = rect.top + h * j;
    return { left, top, right: left + w, bottom: top + h };
  }
  return null;
}

// What cuts an element off: its viewport and every scrolling or clipping ancestor on the way.
function clipOf(el) {
  let clip = null, position = styleOf(el).position, doc = docOf(el);
  for (let one = up(el); one; one = up(one)) {
    if (docOf(one) !== doc) {
      clip = clip ? meet(clip, inner(one, placeOf(one)).box) : inner(one, placeOf(one)).box;
      doc = docOf(one);
      position = styleOf(one).position;
      continue;
    }
    if (position === "fixed") continue;
    const style = styleOf(one);
    if (position === "absolute" && style.position === "static") continue;
    clip = cut(one, style, clip, placeOf(one));
    position = style.position;
  }
  return meet(clip || PAGE(), PAGE());
}
const PAGE = () => ({ left: 0, top: 0, right: innerWidth, bottom: innerHeight });
function cut(el, style, clip, place) {
  if (style.overflow === "visible" || /^(contents|inline)$/.test(style.display) || el === htmlOf(docOf(el)) || el === bodyOf(docOf(el))) return clip;
  const box = shift(boxOf(el), place);
  return clip ? meet(clip, box) : box;
}

// The largest part of an element's boxes inside a clip; a link over two lines has two.
function largest(el, clip, place) {
  let best = null, area = 0;
  for (const box of boxesOf(el)) {
    const rect = meet(shift(box, place), clip);
    const size = none(rect) ? 0 : (rect.right - rect.left) * (rect.bottom - rect.top);
    if (size > area) [best, area] = [rect, size];
  }
  return best;
}
const solid = (el) => boxed(el, { opacityProperty: true, visibilityProperty: true });

// Where to press an operable element; for a tick box hidden behind a drawn label, the label.
function pressable(el, clip, place, tick) {
  if (solid(el)) {
    const rect = largest(el, clip, place);
    if (rect && (rect.right - rect.left > 3 || rect.bottom - rect.top > 3)) return free(el, rect);
  }
  if (!tick || !el.labels) return null;
  for (const label of el.labels) {
    const rect = solid(label) ? largest(label, clip, place) : null;
    const part = rect && free(label, rect);
    if (part) return part;
  }
  return null;
}
const tickable = (el) => isHtml(el) && tagOf(el) === "input" && /^(checkbox|radio|file)$/.test(el.type);

function active() {
  let el = activeIn(document);
  for (;;) {
    const doc = el && isFrame(el) ? localDocument(el) : null;
    const root = doc || (el && shadowOf(el));
    const inside = root && activeIn(root);
    if (!inside) return el;
    el = inside;
  }
}

// The number of an element's form among `forms`, which holds each once; -1 for none.
function formIn(el, forms) {
  const own = formOf(el);
  if (!own) return -1;
  const index = forms.findIndex((one) => one.form === own.form && one.method === own.method && one.action === own.action);
  if (index >= 0) return index;
  return forms.push({ ...own, text: flat(innerText(own.form)).slice(0, 2000), state: stateOf(own.form) }) - 1;
}

// Where an operable element stands, for whoever must find it again: from the nearest id down, at most six levels.
function pathOf(el) {
  const parts = [];
  for (let one = el; isElement(one) && parts.length < 6; one = up(one)) {
    const id = attrOf(one, "id"), hook = attrOf(one, "data-testid") || attrOf(one, "name");
    parts.unshift(id ? `#${id}` : hook ? `${tagOf(one)}[${hook}]` : `${tagOf(one)}:${nthOf(one)}`);
    if (id) break;
  }
  return parts.join(">").slice(0, 300);
}
function nthOf(el) {
  let n = 1;
  for (let one = previousOf(el); one && n < 50; one = previousOf(one)) if (tagOf(one) === tagOf(el)) n++;
  return n;
}
// The words of the row or list item that holds an operable element; empty where it is in none.
const ROWS = "tr,li,article,[role=row],[role=listitem]";
function rowOf(el) {
  const row = nearest(el, (one) => isElement(one) && isLike(one, ROWS));
  return row ? flat(wordsIn(row).slice(0, 1000)).slice(0, 300) : "";
}

// One element as plain data. `forms` collects each form once.
function described(el, rect, role, name, forms, focus) {
  const value = valueOf(el, role), hide = secret(el), tag = tagOf(el);
  const field = FIELDS.has(role) || tag === "select" || editable(el) || (tag === "input" && role === "combobox");
  return {
    id: idOf(el), role, name, rect, value: hide ? "" : value.slice(0, 2000), enabled: enabledOf(el),
    focused: el === focus, checked: checkedOf(el), expanded: expandedOf(el),
    selected: tag === "option" && isHtml(el) ? el.selected : yes(el, "aria-selected"),
    password: password(el), filled: field ? (hide ? el.value : value) !== "" : null, editable: editableOf(el, role),
    origin: origin(docOf(el)), href: hrefOf(el), autocomplete: autocompleteOf(el),
    form: formIn(el, forms), tag, submits: submitsOf(el),
    path: OPERABLE.has(role) ? pathOf(el) : "", row: OPERABLE.has(role) ? rowOf(el) : "",
  };
}

// Hosts that may hide a closed shadow root; only the debugger can tell.
const HOSTS = new Set(["article", "aside", "blockquote", "div", "footer", "header", "main", "nav", "p", "section",
  "span", "h1", "h2", "h3", "h4", "h5", "h6"]);
const asked = new WeakMap();
function doubtful(el) {
  const tag = tagOf(el);
  if (!isHtml(el) || shadowOf(el)) return false;
  if (!tag.includes("-")) {
    if (!HOSTS.has(tag)) return false;
    const kid = [...kidsOf(el)].find((one) => isElement(one) || flat(one.data));
    if (kid && (!isElement(kid) || styleOf(kid).display !== "")) return false;
  }
  const box = boxOf(el);
  return box.width >= 8 && box.height >= 8;
}

const MOST = 1500;  // nodes of one world in one look: nobody reads more, and a page may hold any number
// On long pages most elements lie far outside the viewport. Those are passed over with all they hold, unless a grid of
// points says that something in them is to be seen after all, as when it is fixed to the viewport.
const GRID_PX = 32;
const isLong = (doc) => D.getElementsByTagName.call(doc, "*").length > 1200;
function litIn(area) {
  const found = new Set();
  for (let y = area.top + GRID_PX / 2; y < area.bottom; y += GRID_PX) {
    for (let x = area.left + GRID_PX / 2; x < area.right; x += GRID_PX) {
      for (let one = at(x, y); one && !found.has(one); one = up(one)) found.add(one);
    }
  }
  return found;
}

// Every visible thing of this world in reading order.
function look(limit) {
  const out = [], forms = [], refs = new Set(), done = new Set(), remote = [], doubts = [], focus = active();
  let run = null, big = null;

  const flush = () => {
    const one = run;
    run = null;
    const text = one && flat(one.parts.join("")).slice(0, 500);
    if (!text || !one.box) return;
    const rect = meet(one.box, one.clip);
    if (none(rect) || !free(one.within, rect)) return;
    const node = described(one.el, rect, one.role, text, forms, focus);
    if (one.part) node.id += `~${one.part}`;
    out.push({ ...node, of: one.el, form: -1, value: "", filled: null, submits: false });
  };
  const operable = (el, role, ctx) => {
    if (done.has(el)) return false;
    const tick = tickable(el);
    const rect = pressable(el, meet(ctx.clip, limit), ctx, tick);
    if (!rect) return false;
    const name = nameOf(el, role, refs);
    if (role === "generic" && !name) return false;
    done.add(el);
    flush();
    out.push(described(el, rect, role, name, forms, focus));
    return true;
  };
  const picture = (el, role, ctx) => {
    const rect = solid(el) ? largest(el, meet(ctx.clip, limit), ctx) : null;
    const name = rect && nameOf(el, role, refs);
    if (!rect || (!name && role === "image") || !free(new Set([el]), rect) && !free(el, rect)) return;
    flush();
    out.push(described(el, rect, role, name, forms, focus));
  };
  const words = (node, ctx) => {
    if (ctx.mute || ctx.unseen) return;
    if (!flat(node.data)) return void (run && run.parts.push(" "));
    const range = docOf(node).createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!run) {
      ctx.block.parts += 1;
      const { el, role, parts } = ctx.block;
      run = { el, role, part: parts - 1, parts: [], box: null, clip: meet(ctx.clip, limit), within: new Set() };
    }
    run.parts.push(node.data);
    run.within.add(ctx.parent);
    if (box.width || box.height) run.box = join(run.box, shift(box, ctx));
  };
  const into = (el, ctx) => {
    ctx.parent = el;
    for (const kid of drawn(el)) {
      if (typeOf(kid) === 3) words(kid, ctx);
      else if (isElement(kid)) walk(kid, ctx);
    }
  };
  const framed = (el, ctx) => {
    flush();
    const place = inner(el, ctx), clip = meet(ctx.clip, place.box);
    if (none(clip) || !boxed(el, { visibilityProperty: true })) return;
    const doc = localDocument(el);
    if (doc) {
      watch(doc);
      const body = bodyOf(doc);
      const block = { el: body, role: "text", parts: 0 };
      if (body) walk(body, { ...place, clip, positioned: clip, fixed: clip, mute: false, block });
      flush();
      return;
    }
    hold(el);
    out.push({ remote: remote.push({ id: idOf(el), x: place.x, y: place.y, s: place.s, clip }) - 1 });
  };
  function walk(el, ctx) {
    const tag = tagOf(el);
    if (out.length >= MOST) return;
    if (SILENT.has(tag) && tag !== "select" && tag !== "textarea") return;
    if (lit && !lit.has(el) && away(el, ctx)) return flush();
    const style = styleOf(el);
    if (style.display === "none" || style.display === "") return;
    if (style.display !== "contents" && !boxed(el)) return;
    if (isFrame(el)) return framed(el, ctx);
    if (shadowOf(el)) watch(shadowOf(el));
    else if (doubts.length < 40 && doubtful(el) && (asked.get(el) || 0) < 3) {
      asked.set(el, (asked.get(el) || 0) + 1);
      doubts.push(hold(el));
    }
    if (style.position === "fixed") ctx = { ...ctx, clip: ctx.fixed };
    else if (style.position === "absolute") ctx = { ...ctx, clip: ctx.positioned };
    const role = roleOf(el);
    const flows = /^(inline|contents|ruby)/.test(style.display);
    if (!flows || tag === "br") {
      if (tag === "br") return void (run && run.parts.push(" "));
      flush();
      ctx = { ...ctx, block: { el, role: READ_AS[role] || ctx.as || "text", parts: 0 }, as: READ_AS[role] || ctx.as };
    }
    const clip = cut(el, style, ctx.clip, ctx);
    if (clip !== ctx.clip && /auto|scroll/.test(style.overflowY)) big = larger(el, clip, big);
    const kids = { ...ctx, clip, positioned: style.position === "static" ? ctx.positioned : clip };
    kids.clear = ctx.clear || style.opacity === "0";
    kids.unseen = kids.clear || style.visibility !== "visible";
    if (OPERABLE.has(role)) {
      const listed = operable(el, role, ctx);
      if (tag === "select") return options(el, role, kids, listed);
      if (tag === "textarea" || tag === "input" || editable(el)) return;
      kids.mute = kids.mute || BY_CONTENT.has(role);
      if (kids.mute && !findIn(el, NATIVE)) return;
    } else if (PICTURES.has(role)) {
      picture(el, role, ctx);
    } else if (tag === "label" && el.control) {
      if (tickable(el.control) && enabledOf(el.control)) operable(el.control, roleOf(el.control), kids);
      kids.mute = kids.mute || done.has(el.control) || solid(el.control);
    }
    if (clip !== ctx.clip && none(meet(clip, limit)) && style.position !== "static") return;
    into(el, kids);
    if (!flows) flush();
  }
  const options = (el, role, ctx, listed) => {
    if (!listed || role !== "listbox") return;
    for (const one of el.options) if (boxed(one)) operable(one, "option", ctx);
  };
  const body = bodyOf(document), page = PAGE();
  limit = limit ? meet(limit, page) : page;
  watch(document);
  const lit = isLong(document) ? litIn(limit) : null;
  const away = (el, ctx) => {
    const box = shift(boxOf(el), ctx);
    return !none(box) && none(meet(box, limit));
  };
  const block = { el: body, role: "text", parts: 0 };
  if (body) walk(body, { ...TOP, clip: page, positioned: page, fixed: page, mute: false, block });
  flush();
  const spoken = (one) => !one.of || !nearest(one.of, (el) => refs.has(el));
  const list = openList(forms);
  for (const one of forms) delete one.form;
  return {
    list, nodes: out.filter(spoken).map((one) => ({ ...one, of: undefined })), forms, remote, doubts,
    title: titleOf(document), url: urlOf(document), origin: origin(document), ...scrolled(big),
    width: innerWidth, height: innerHeight, scale: devicePixelRatio, x: scrollX, y: scrollY,
  };
}
const PICTURES = new Set(["image", "canvas", "video", "embed", "object", "progressbar", "meter"]);
const READ_AS = { heading: "heading", alert: "alert", status: "status", cell: "cell", gridcell: "cell",
  columnheader: "cell", rowheader: "cell", tooltip: "text" };

function larger(el, clip, best) {
  const area = none(clip) ? 0 : (clip.right - clip.left) * (clip.bottom - clip.top);
  return area > innerWidth * innerHeight * 0.4 && (!best || area > best.area) ? { el, area } : best;
}
// Whether more lies above or below: of the page, or of the one pane that fills most of it.
function scrolled(big) {
  const page = scrollerOf(document) || htmlOf(document);
  const fixed = [htmlOf(document), bodyOf(document)].some((one) => one && /hidden|clip/.test(styleOf(one).overflowY));
  const whole = fixed ? [false, false] : [scrollY > 1, scrollY + innerHeight < page.scrollHeight - 1];
  const el = big && big.el;
  const pane = el ? [el.scrollTop > 1, el.scrollTop + el.clientHeight < el.scrollHeight - 1] : [false, false];
  return { above: whole[0] || pane[0], below: whole[1] || pane[1] };
}
