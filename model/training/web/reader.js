// Reads from a rendered page where every drawn character and every control is. All boxes are CSS pixels of the viewport;
// the caller multiplies by the device scale. Returns {lines, nodes, unsure} as JSON text, which crosses far sooner than objects.
() => {
  const W = innerWidth, H = innerHeight, round = (n) => Math.round(n * 100) / 100;
  const flat = (text) => (text || "").replace(/\s+/g, " ").trim();
  const meet = (a, b) => {
    const l = Math.max(a.l, b.l), t = Math.max(a.t, b.t), r = Math.min(a.r, b.r), d = Math.min(a.d, b.d);
    return { l, t, r, d };
  };
  const rectOf = (r) => ({ l: r.left, t: r.top, r: r.right, d: r.bottom });
  const SCREEN = { l: 0, t: 0, r: W, d: H };
  const styles = new Map(), clips = new Map();
  const styleOf = (el) => {
    let found = styles.get(el);
    if (!found) styles.set(el, (found = getComputedStyle(el)));
    return found;
  };
  // What may show of an element's content: the meeting of everything around it that clips.
  const clipOf = (el) => {
    if (!el || el === document.documentElement) return SCREEN;
    const known = clips.get(el);
    if (known) return known;
    const style = styleOf(el);
    let clip = style.position === "fixed" ? SCREEN : clipOf(el.parentElement);
    if (el !== document.body && (style.overflowX !== "visible" || style.overflowY !== "visible")) {
      const box = el.getBoundingClientRect();
      clip = meet(clip, { l: box.left + el.clientLeft, t: box.top + el.clientTop, r: box.left + el.clientLeft + el.clientWidth, d: box.top + el.clientTop + el.clientHeight });
    }
    clips.set(el, clip);
    return clip;
  };
  const outerClip = (el) => (styleOf(el).position === "fixed" ? SCREEN : clipOf(el.parentElement));
  const related = (hit, el) => hit && (hit === el || el.contains(hit) || hit.contains(el));
  // 2: free; 1: seen through a veil; 0: covered.
  const seen = (el, x, y) => {
    if (x < 0 || y < 0 || x >= W || y >= H) return 0;
    const hit = document.elementFromPoint(x, y);
    if (!hit) return 0;
    if (hit.className !== "veil") return related(hit, el) ? 2 : 0;
    const under = document.elementsFromPoint(x, y).find((one) => one.className !== "veil");
    return related(under, el) ? 1 : 0;
  };

  const lines = [];
  const put = (el, run, clip) => {
    // run: [{c, l, r, t, d}], one visual line. Keep the longest stretch that can be seen.
    let best = null, now = null, veiled = false;
    let last = -1e9, state = 0;
    for (const one of run) {
      const x = (one.l + one.r) / 2, y = (one.t + one.d) / 2;
      const inside = x > clip.l && x < clip.r && one.t + (one.d - one.t) * 0.2 >= clip.t && one.d - (one.d - one.t) * 0.2 <= clip.d;
      if (inside && (Math.abs(x - last) > 40 || state === 0 || one === run[run.length - 1])) { state = seen(el, x, y); last = x; }
      const ok = inside && state > 0;
      if (ok && state === 1) veiled = true;
      if (ok) { (now = now || []).push(one); } else if (now) { if (!best || now.length > best.length) best = now; now = null; }
    }
    if (now && (!best || now.length > best.length)) best = now;
    if (!best) return;
    while (best.length && best[0].c === " ") best.shift();
    while (best.length && best[best.length - 1].c === " ") best.pop();
    if (!best.length) return;
    const l = Math.min(...best.map((o) => o.l)), r = Math.max(...best.map((o) => o.r)), t = Math.min(...best.map((o) => o.t)), d = Math.max(...best.map((o) => o.d));
    const line = { text: best.map((o) => o.c).join(""), box: [l, t, r - l, d - t].map(round), chars: best.map((o) => round((o.l + o.r) / 2)) };
    if (veiled) line.veiled = true;
    lines.push(line);
  };
  // Characters of one text node, as drawn, in visual lines.
  const range = document.createRange();
  const runsOf = (node, style) => {
    const text = node.data, upper = style.textTransform === "uppercase", lower = style.textTransform === "lowercase";
    const spacing = parseFloat(style.letterSpacing) || 0, runs = [];
    let run = null;
    for (let n = 0; n < text.length;) {
      const c = String.fromCodePoint(text.codePointAt(n)), from = n;
      n += c.length;
      range.setStart(node, from); range.setEnd(node, n);
      const rects = range.getClientRects(), box = rects[rects.length - 1];
      if (!box || box.width <= 0 || box.height <= 0) continue;
      const blank = /\s/.test(c);
      const drawn = blank ? " " : upper ? c.toUpperCase() : lower ? c.toLowerCase() : c;
      if (!run || box.top > run.d - box.height * 0.4 || box.left < run.r - box.width - 2 || box.left > run.r + 40) { run = { r: box.right, d: box.bottom, all: [] }; runs.push(run); }
      run.r = box.right; run.d = box.bottom;
      const wide = box.width - spacing, parts = [...drawn];
      parts.forEach((part, i) => run.all.push({ c: part, l: box.left + (wide * i) / parts.length, r: box.left + (wide * (i + 1)) / parts.length, t: box.top, d: box.bottom }));
    }
    return runs.map((one) => one.all);
  };
  const hidden = (style) => style.visibility !== "visible" || style.display === "none" || parseFloat(style.opacity) < 0.12;
  const MUTE = new Set(["SCRIPT", "STYLE", "OPTION", "SELECT", "TEXTAREA", "TITLE", "HEAD"]);
  const within = new Map(); // element -> the lines drawn somewhere in it
  const owners = new Map(); // line -> the element whose text it is
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const el = node.parentElement;
    if (!node.data.trim() || MUTE.has(el.tagName) || el.closest("svg")) continue;
    const style = styleOf(el);
    if (hidden(style)) continue;
    const clip = clipOf(el);
    if (clip.r <= clip.l || clip.d <= clip.t) continue;
    const before = lines.length;
    for (const run of runsOf(node, style)) put(el, run, clip);
    const mine = lines.slice(before);
    for (const line of mine) owners.set(line, el);
    for (let one = el; one && mine.length; one = one.parentElement) { const had = within.get(one); if (had) had.push(...mine); else within.set(one, [...mine]); }
  }
  // Text inside fields: mirrored into plain boxes at the same place, read there, removed again.
  const mirrors = [];
  const COPIED = ["fontFamily", "fontSize", "fontWeight", "fontStyle", "fontStretch", "fontKerning", "letterSpacing", "wordSpacing", "textTransform", "textIndent", "textAlign", "fontVariantLigatures", "fontFeatureSettings"];
  for (const el of document.querySelectorAll("input,textarea,select")) {
    const type = el.tagName === "INPUT" ? el.type : el.tagName.toLowerCase();
    if (["checkbox", "radio", "range", "color", "file", "hidden", "image", "date", "time"].includes(type)) continue;
    let text = type === "select" ? (el.selectedOptions[0] || {}).text || "" : el.value;
    if (type === "password" && text) text = "•".repeat(text.length);
    if (!text) text = el.placeholder || "";
    const style = styleOf(el), box = el.getBoundingClientRect();
    if (!text.trim() || hidden(style) || box.width < 8) continue;
    const number = (name) => parseFloat(style[name]) || 0;
    const left = box.left + number("borderLeftWidth") + number("paddingLeft"), right = box.right - number("borderRightWidth") - number("paddingRight");
    const top = box.top + number("borderTopWidth") + number("paddingTop"), bottom = box.bottom - number("borderBottomWidth") - number("paddingBottom");
    const mirror = document.createElement("div");
    for (const name of COPIED) mirror.style[name] = style[name];
    const area = type === "textarea", native = type === "select" && style.appearance !== "none";
    const inset = native ? 4 : 0;
    const own = { search: number("fontSize") + 1, number: 16 }[type] || 0; // room that the control keeps for its own button
    Object.assign(mirror.style, {
      position: "fixed", left: left + inset + "px", top: top + "px", width: right - left - inset - own + "px", height: bottom - top + "px", margin: "0", padding: "0", border: "0", zIndex: -1,
      whiteSpace: area ? "pre-wrap" : "pre", overflowWrap: area ? "break-word" : "normal", lineHeight: area ? style.lineHeight : "normal", visibility: "visible", display: "block", pointerEvents: "none",
    });
    if (type === "select") mirror.style.textAlign = "left";
    if (type === "button" || type === "submit") mirror.style.textAlign = "center";
    const inner = document.createElement("span");
    inner.textContent = text;
    mirror.append(inner);
    document.body.append(mirror);
    const end = native ? right - 18 : right - own;
    mirrors.push([el, mirror, inner, area, meet(outerClip(el), { l: left - 1, t: box.top, r: end + 1, d: box.bottom }), (top + bottom) / 2]);
  }
  const read = mirrors.map(([el, mirror, inner, area, clip, middle]) => {
    const runs = runsOf(inner.firstChild, styleOf(inner));
    const box = inner.getBoundingClientRect();
    const shift = area ? 0 : middle - (box.top + box.bottom) / 2;
    // a button's words are centred even where they are wider than the button
    const aside = !area && el.type !== "button" && box.left < clip.l ? clip.l + 1 - box.left : 0;
    for (const run of runs) for (const one of run) { one.t += shift; one.d += shift; one.l += aside; one.r += aside; }
    return [el, runs, clip];
  });
  for (const [, mirror] of mirrors) mirror.remove();
  clips.clear();
  for (const [el, runs, clip] of read) {
    const before = lines.length;
    for (const run of runs) put(el, run, clip);
    for (const line of lines.slice(before)) line.field = true;
  }

  const ROLES = { A: "link", BUTTON: "button", SELECT: "combobox", TEXTAREA: "textbox", SUMMARY: "button" };
  const TYPES = { checkbox: "checkbox", radio: "radio", range: "slider", number: "spinbutton", search: "searchbox", button: "button", submit: "button", reset: "button" };
  const roleOf = (el) => el.getAttribute("role") || (el.tagName === "INPUT" ? TYPES[el.type] || "textbox" : ROLES[el.tagName] || "");
  const OPERABLE = new Set("button link textbox searchbox combobox checkbox radio switch tab menuitem menuitemcheckbox menuitemradio option slider spinbutton treeitem".split(" "));
  const TICKS = new Set(["checkbox", "radio", "switch"]);
  const drawnText = (el) => flat(el.tagName === "INPUT" ? el.value : el.innerText);
  const labelOf = (el) => {
    const refs = (el.getAttribute("aria-labelledby") || "").split(" ").map((id) => id && document.getElementById(id)).filter(Boolean);
    if (refs.length) return refs;
    return el.labels ? [...el.labels] : [];
  };
  const ownText = (label) => {
    const copy = [];
    const visit = (node) => { for (const kid of node.childNodes) { if (kid.nodeType === 3) copy.push(kid.data); else if (kid.nodeType === 1 && !["SELECT", "TEXTAREA", "svg"].includes(kid.tagName)) { if (styleOf(kid).display !== "inline") copy.push(" "); visit(kid); } } };
    visit(label);
    const upper = styleOf(label).textTransform === "uppercase";
    const text = flat(copy.join(""));
    return upper ? text.toUpperCase() : text;
  };
  const BY_CONTENT = new Set("button link tab menuitem menuitemcheckbox menuitemradio option treeitem checkbox radio switch".split(" "));
  const nameOf = (el, role) => {
    const said = el.getAttribute("aria-label");
    if (said) return flat(said);
    const labels = labelOf(el);
    if (labels.length) return flat(labels.map(ownText).join(" ")).replace(/(\s\*|:)$/, "");
    if (BY_CONTENT.has(role)) return drawnText(el);
    return flat(el.placeholder || el.title || "");
  };
  const clear = (el) => (within.get(el) || []).filter((line) => !line.veiled);
  const textBox = (el, own = clear(el)) => {
    const boxes = own.map((line) => line.box);
    if (!boxes.length) return null;
    const l = Math.min(...boxes.map((b) => b[0])), t = Math.min(...boxes.map((b) => b[1]));
    return [l, t, Math.max(...boxes.map((b) => b[0] + b[2])) - l, Math.max(...boxes.map((b) => b[1] + b[3])) - t].map(round);
  };
  const nodes = [], unsure = [], all = [...document.body.querySelectorAll("*")];
  const near = (el, key) => { const found = el.closest(`[data-${key}]`); return found ? found.dataset[key] : ""; };
  const inControl = (el) => { for (let one = el.parentElement; one; one = one.parentElement) if (OPERABLE.has(roleOf(one))) return one; return null; };
  const visible = (el, name) => {
    const style = styleOf(el);
    const rects = style.display === "inline" ? [...el.getClientRects()].filter((r) => r.width > 1) : [el.getBoundingClientRect()];
    if (!rects.length) return null;
    // a link over several lines is its longest part
    const rect = rects.sort((a, b) => b.width * b.height - a.width * a.height)[0];
    if (hidden(style) || rect.width < 3 || rect.height < 3) return null;
    const clip = outerClip(el), box = meet(rectOf(rect), clip), wide = box.r - box.l, high = box.d - box.t;
    if (wide <= 1 || high <= 1) { return null; }
    const share = (wide * high) / (rect.width * rect.height);
    const x = box.l + wide / 2, y = box.t + high / 2, dx = wide * 0.36, dy = high * 0.3;
    const points = [[x, y], [x - dx, y - dy], [x + dx, y - dy], [x - dx, y + dy], [x + dx, y + dy]];
    const states = points.map(([px, py]) => seen(el, px, py));
    if (states.every((one) => one < 2)) { if (states.some((one) => one)) unsure.push(name); return null; }
    if (share < 0.55 || high < 5 || wide < 5 || states[0] < 2 || states.filter((one) => one === 2).length < 5) { unsure.push(name); return null; }
    return [box.l, box.t, wide, high].map(round);
  };
  const add = (el, role, name, box, more) => {
    const node = { role, name, value: "", box, states: [], icon: null, label_box: null, ...more };
    const row = near(el, "row"), section = near(el, "section");
    if (row) node.row = row;
    if (section) node.section = section;
    nodes.push(node);
    return node;
  };
  for (const el of all) {
    if (el.closest("svg") && el.tagName !== "svg") continue;
    const role = roleOf(el);
    if (OPERABLE.has(role)) {
      const name = nameOf(el, role), box = visible(el, name);
      if (!box) continue;
      const states = [];
      if (el.disabled || el.getAttribute("aria-disabled") === "true") states.push("disabled");
      if (el.checked || el.getAttribute("aria-checked") === "true" || el.getAttribute("aria-pressed") === "true") states.push("checked");
      if (document.activeElement === el) states.push("focused");
      if (el.getAttribute("aria-selected") === "true" || el.hasAttribute("aria-current")) states.push("selected");
      if (el.getAttribute("aria-expanded") === "true") states.push("expanded");
      if (el.readOnly) states.push("readonly");
      let value = "";
      if (el.tagName === "SELECT") value = flat((el.selectedOptions[0] || {}).text);
      else if (el.tagName === "TEXTAREA" || (el.tagName === "INPUT" && !TICKS.has(role) && role !== "button")) value = el.type === "password" ? "" : el.value;
      else if (role === "combobox") value = drawnText(el);
      else if (role === "slider") value = el.getAttribute("aria-valuenow") || "";
      const more = { value, states };
      if (el.type === "password") more.password = true;
      if (el.placeholder) more.placeholder = el.placeholder;
      const icon = el.querySelector(":scope svg[data-icon]");
      if (icon && !["combobox"].includes(role)) more.icon = icon.dataset.icon;
      const labels = labelOf(el);
      if (labels.length) more.label_box = textBox(labels[0]);
      if (TICKS.has(role) && el.labels && el.labels.length) more.label_works = true; // a press on the words does the same
      more.text = BY_CONTENT.has(role) && !TICKS.has(role) ? drawnText(el) : "";
      add(el, role, name, box, more);
      continue;
    }
    if (el.tagName === "svg") {
      if (el.dataset.icon) { if (!inControl(el)) { const box = visible(el, ""); if (box) add(el, "icon", el.dataset.icon, box, { icon: el.dataset.icon }); } continue; }
      if (el.getAttribute("role") === "img") { const box = visible(el, ""); if (box) add(el, "image", el.getAttribute("aria-label") || "", box, {}); }
      continue;
    }
    const heading = /^H[1-6]$/.test(el.tagName), cell = el.tagName === "TD" || el.tagName === "TH";
    const own = [...el.childNodes].some((kid) => kid.nodeType === 3 && kid.data.trim());
    if (!heading && !cell && !own) continue;
    if (inControl(el) || (cell && !own) || (own && !heading && !cell && el.closest("td,th,h1,h2,h3,h4,h5,h6"))) continue;
    const read = clear(el).filter((line) => !roleOf(owners.get(line)) && !inControl(owners.get(line)));
    const box = textBox(el, read), mine = box && read.map((line) => line.text).join(" ");
    if (mine) add(el, heading ? "heading" : cell ? (el.tagName === "TH" ? "columnheader" : "cell") : "text", flat(mine), box, {});
  }
  return JSON.stringify({ lines, nodes, unsure: [...new Set(unsure.filter(Boolean))] });
}
