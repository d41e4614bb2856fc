// Reads one document: its nodes, what lies under a point, what has the focus, and whether it is still.
// Runs in an isolated world, so that the page's own scripts can neither see nor change it.
// All lengths are CSS pixels of this document's viewport. It changes nothing in the page.
(() => {
  if (globalThis.deskhand) return;
  const DOCUMENT = crypto.randomUUID().slice(0, 8);
  const ids = new WeakMap();
  let next = 0;
  const idOf = (el) => {
    if (!ids.has(el)) ids.set(el, `${DOCUMENT}.${next++}`);
    return ids.get(el);
  };

  const OPERABLE = new Set(["button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio",
    "spinbutton", "slider", "option", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "switch", "treeitem",
    "generic"]);
  const HELD = new Set(["listbox", "combobox", "generic"]);  // may hold operable things of their own
  const NATIVE_INPUT = { checkbox: "checkbox", radio: "radio", range: "slider", number: "spinbutton",
    submit: "button", button: "button", reset: "button", image: "button", file: "button", color: "button" };
  const TEXTUAL = new Set(["textbox", "searchbox", "spinbutton"]);

  const flat = (text) => (text || "").replace(/\s+/g, " ").trim();

  function roleOf(el) {
    const given = flat(el.getAttribute("role")).split(" ")[0].toLowerCase();
    if (given && given !== "none" && given !== "presentation") return given === "searchbox" ? "textbox" : given;
    switch (el.localName) {
      case "a": case "area": return el.hasAttribute("href") ? "link" : "";
      case "button": case "summary": return "button";
      case "input": return el.type === "hidden" ? "" : NATIVE_INPUT[el.type] || "textbox";
      case "textarea": return "textbox";
      case "select": return el.multiple || el.size > 1 ? "listbox" : "combobox";
      case "option": return "option";
      case "h1": case "h2": case "h3": case "h4": case "h5": case "h6": return "heading";
      case "img": return "image";
      case "canvas": case "video": case "iframe": return el.localName;
    }
    if (el.isContentEditable && !(el.parentElement && el.parentElement.isContentEditable)) return "textbox";
    if (el.hasAttribute("onclick") || (el.hasAttribute("tabindex") && el.tabIndex >= 0)) return "generic";
    return "";
  }

  function textOf(node, without) {
    if (node === without) return "";
    if (node.nodeType === 3) return node.data;
    if (node.nodeType !== 1 || node.hidden || node.getAttribute("aria-hidden") === "true") return "";
    if (["script", "style", "template", "noscript", "select", "textarea"].includes(node.localName)) return "";
    if (node.localName === "img" || node.localName === "input") return node.getAttribute("alt") || "";
    if (node !== without && node.getAttribute("aria-label")) return node.getAttribute("aria-label");
    const parts = [];
    for (const child of (node.shadowRoot || node).childNodes) parts.push(textOf(child, without));
    const block = !["inline", "contents"].includes(getComputedStyle(node).display);
    return block ? ` ${parts.join("")} ` : parts.join("");
  }

  function nameOf(el, role) {
    const root = el.getRootNode();
    const by = flat(el.getAttribute("aria-labelledby"));
    if (by) {
      const found = by.split(" ").map((id) => root.getElementById && root.getElementById(id)).filter(Boolean);
      const text = flat(found.map((one) => textOf(one)).join(" "));
      if (text) return text;
    }
    const label = flat(el.getAttribute("aria-label"));
    if (label) return label;
    if (el.labels && el.labels.length) {
      const text = flat([...el.labels].map((one) => textOf(one, el)).join(" "));
      if (text) return text;
    }
    if (el.localName === "input" && ["submit", "button", "reset"].includes(el.type)) {
      return flat(el.value) || { submit: "Submit", reset: "Reset" }[el.type] || "";
    }
    if (el.getAttribute("alt")) return flat(el.getAttribute("alt"));
    const field = TEXTUAL.has(role) || role === "combobox" || role === "listbox" || role === "slider";
    const content = field ? "" : flat(textOf(el)) || flat(el.querySelector && el.querySelector("svg title")?.textContent);
    return content || flat(el.getAttribute("title")) || flat(el.getAttribute("placeholder")) || "";
  }

  const shortcut = (value, known) => (value === null || value === undefined ? null : value === known || value === true);

  function checkedOf(el, role) {
    if (el.localName === "input" && (el.type === "checkbox" || el.type === "radio")) return el.checked;
    for (const name of ["aria-checked", "aria-pressed"]) {
      if (el.hasAttribute(name)) return shortcut(el.getAttribute(name), "true");
    }
    return null;
  }

  function formOf(el) {
    const form = el.form || (el.closest && el.closest("form"));
    if (!form) return null;
    const submits = submitsOf(el);
    const over = (name) => (submits && el.getAttribute(name)) || form.getAttribute(name.slice(4));
    let action = "";
    try { action = new URL(over("formaction") || "", document.baseURI || location.href).href; } catch { action = "invalid:"; }
    if (!over("formaction")) action = location.href;
    return { method: (over("formmethod") || "get").toUpperCase(), action, text: flat(form.innerText).slice(0, 2000) };
  }

  function submitsOf(el) {
    if (!el.form) return false;
    if (el.localName === "button") return el.type === "submit";
    return el.localName === "input" && (el.type === "submit" || el.type === "image");
  }

  function enabledOf(el) {
    return !(el.matches(":disabled") || el.closest('[aria-disabled="true"], [inert]'));
  }

  function valueOf(el, role) {
    if (el.localName === "select") return flat([...el.selectedOptions].map((one) => one.label).join(", "));
    if (el.localName === "input") {
      if (el.type === "password" || ["checkbox", "radio", "submit", "button", "reset", "image"].includes(el.type)) return "";
      return el.type === "file" ? flat([...el.files].map((one) => one.name).join(", ")) : el.value;
    }
    if (el.localName === "textarea") return el.value;
    if (role === "textbox" && el.isContentEditable) return el.innerText.trim();
    return el.getAttribute("aria-valuetext") || el.getAttribute("aria-valuenow") || "";
  }

  function editableOf(el, role) {
    if (el.localName === "input") return TEXTUAL.has(role) && !el.readOnly;
    if (el.localName === "textarea") return !el.readOnly;
    return el.localName === "select" || el.isContentEditable;
  }

  function active() {
    let el = document.activeElement;
    while (el && el.shadowRoot && el.shadowRoot.activeElement) el = el.shadowRoot.activeElement;
    return el;
  }

  function described(el, rect, role) {
    const password = el.localName === "input" && el.type === "password";
    const field = TEXTUAL.has(role) || el.localName === "select";
    const value = valueOf(el, role);
    return {
      id: idOf(el), role, name: nameOf(el, role).slice(0, 300), value: value.slice(0, 500), rect,
      enabled: enabledOf(el), focused: el === active(), checked: checkedOf(el, role),
      expanded: el.hasAttribute("aria-expanded") ? el.getAttribute("aria-expanded") === "true" : null,
      selected: el.localName === "option" ? el.selected : shortcut(el.getAttribute("aria-selected"), "true"),
      password, filled: field ? (password ? el.value !== "" : value !== "") : null,
      editable: editableOf(el, role), origin: location.origin === "null" ? "" : location.origin,
      href: el.localName === "a" || el.localName === "area" ? el.href : "",
      autocomplete: (el.getAttribute("autocomplete") || "").toLowerCase(), form: formOf(el),
      tag: el.localName + (el.localName === "input" ? `:${el.type}` : ""), submits: submitsOf(el),
    };
  }

  const clip = (a, b) => {
    const left = Math.max(a.left, b.left), top = Math.max(a.top, b.top);
    return { left, top, right: Math.min(a.right, b.right), bottom: Math.min(a.bottom, b.bottom) };
  };
  const plain = (r) => ({ left: r.left, top: r.top, right: r.right, bottom: r.bottom });
  const empty = (r) => r.right - r.left < 1 || r.bottom - r.top < 1;
  const up = (el) => el.assignedSlot || el.parentElement || (el.getRootNode().host ?? null);

  function visibleRect(el, box) {
    let rect = clip(plain(box || el.getBoundingClientRect()), { left: 0, top: 0, right: innerWidth, bottom: innerHeight });
    for (let one = up(el); one && !empty(rect); one = up(one)) {
      const style = getComputedStyle(one);
      if (one !== document.body && one !== document.documentElement && /auto|scroll|hidden|clip/.test(style.overflow)) {
        rect = clip(rect, one.getBoundingClientRect());
      }
    }
    return rect;
  }

  function at(x, y) {
    let el = document.elementFromPoint(x, y);
    while (el && el.shadowRoot) {
      const inner = el.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === el) break;
      el = inner;
    }
    return el;
  }

  const holds = (outer, inner) => {
    for (let one = inner; one; one = up(one)) if (one === outer) return true;
    return false;
  };

  // The first of five places of the rect where a press would reach el; null where something lies over all of them.
  function reachable(el, rect, text) {
    const w = rect.right - rect.left, h = rect.bottom - rect.top;
    for (const [fx, fy] of [[0.5, 0.5], [0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75]]) {
      const hit = at(rect.left + w * fx, rect.top + h * fy);
      if (!hit) continue;
      if (holds(el, hit) || (text && holds(hit, el))) return [fx, fy];
      if (el.labels && [...el.labels].some((label) => holds(label, hit))) return [fx, fy];
    }
    return null;
  }

  function shown(el) {
    return el.checkVisibility ? el.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) : true;
  }

  // A press goes to the middle of the rect; when only another part is free, the rect shrinks around that part.
  function pressable(el, rect, text) {
    const free = reachable(el, rect, text);
    if (!free) return null;
    const [fx, fy] = free, w = rect.right - rect.left, h = rect.bottom - rect.top;
    if (fx === 0.5 && fy === 0.5) return rect;
    const x = rect.left + w * fx, y = rect.top + h * fy;
    return { left: x - w / 8, right: x + w / 8, top: y - h / 8, bottom: y + h / 8 };
  }

  function operableRect(el) {
    if (shown(el)) {
      const rect = visibleRect(el);
      if (!empty(rect) && (rect.right - rect.left > 2 || rect.bottom - rect.top > 2)) return pressable(el, rect, false);
    }
    for (const label of (el.type === "checkbox" || el.type === "radio") && el.labels ? el.labels : []) {
      const rect = visibleRect(label);
      if (shown(label) && !empty(rect)) return pressable(label, rect, false);
    }
    return null;
  }

  function blockText(el) {
    const parts = [], range = document.createRange();
    let box = null;
    const walk = (node) => {
      if (node.nodeType === 3) {
        if (!flat(node.data)) { parts.push(" "); return; }
        parts.push(node.data);
        range.selectNodeContents(node);
        const r = range.getBoundingClientRect();
        box = box ? { left: Math.min(box.left, r.left), top: Math.min(box.top, r.top),
          right: Math.max(box.right, r.right), bottom: Math.max(box.bottom, r.bottom) } : plain(r);
      } else if (node.nodeType === 1 && inline(node) && !OPERABLE.has(roleOf(node))) {
        if (!shown(node) || ["script", "style", "template"].includes(node.localName)) return;
        for (const child of node.childNodes) walk(child);
      } else parts.push(" ");
    };
    for (const child of el.childNodes) walk(child);
    return { text: flat(parts.join("")), box };
  }

  function inline(el) {
    return /^inline|^contents|^ruby/.test(getComputedStyle(el).display) || el.localName === "br";
  }

  const READ_AS = { heading: "heading", alert: "alert", status: "status", image: "image", canvas: "canvas" };

  function nodes() {
    const out = [];
    const named = new Set();
    const emit = (el, rect, role) => {
      const node = described(el, rect, role);
      named.add(node.name);
      out.push(node);
    };
    const readable = (el, role) => {
      if (role === "image" || role === "canvas") {
        const rect = visibleRect(el), name = nameOf(el, role);
        if (name && shown(el) && !empty(rect) && reachable(el, rect, true)) emit(el, rect, role);
        return;
      }
      const { text, box } = blockText(el);
      if (!text || !box || !shown(el)) return;
      const rect = visibleRect(el, box);
      if (empty(rect) || !reachable(el, rect, true)) return;
      const node = described(el, rect, READ_AS[role] || "text");
      node.name = text.slice(0, 300);
      node.form = null;
      out.push(node);
    };
    const walk = (el) => {
      if (["script", "style", "template", "noscript", "head"].includes(el.localName)) return;
      const role = roleOf(el);
      let inside = true;
      if (OPERABLE.has(role)) {
        const rect = operableRect(el);
        if (rect && (role !== "generic" || flat(nameOf(el, role)))) emit(el, rect, role);
        inside = HELD.has(role) && el.localName !== "select";
      } else if (el.localName === "label" && el.control && shown(el.control)) {
        inside = holds(el, el.control);
      } else if (!inline(el) || el.shadowRoot || role === "image") readable(el, role);
      if (inside) for (const child of (el.shadowRoot || el).children) walk(child);
      if (inside && el.shadowRoot) for (const child of el.children) walk(child);
    };
    if (document.body) walk(document.body);
    const page = document.scrollingElement || document.documentElement;
    return {
      nodes: out, title: document.title, url: location.href,
      origin: location.origin === "null" ? "" : location.origin,
      above: page.scrollTop > 2, below: page.scrollTop + innerHeight < page.scrollHeight - 2,
    };
  }

  // The thing a press would operate: the label's control, the nearest operable ancestor, else the element itself.
  function operated(el) {
    for (let one = el; one; one = up(one)) {
      if (one.localName === "label" && one.control) return one.control;
      if (OPERABLE.has(roleOf(one))) return one;
    }
    return el;
  }

  function told(el) {
    const role = roleOf(el) || "text";
    const node = described(el, visibleRect(el), role);
    const draws = ["canvas", "img", "video", "embed", "object"].includes(el.localName);
    return { node, mute: (draws && !el.closest("a, button, label")) || el === document.documentElement || el === document.body };
  }

  globalThis.deskhand = {
    nodes,
    hit(x, y) {
      const el = at(x, y);
      if (!el) return null;
      if (el.localName === "iframe" || el.localName === "frame") {
        const r = el.getBoundingClientRect();
        return { frame: { left: r.left + el.clientLeft, top: r.top + el.clientTop, src: el.src, name: el.name,
          index: [...document.querySelectorAll("iframe, frame")].indexOf(el) } };
      }
      return told(operated(el));
    },
    focused() {
      const el = active();
      if (!el || el === document.body || el === document.documentElement) return null;
      if (el.localName === "iframe" || el.localName === "frame") {
        return { frame: { src: el.src, name: el.name, index: [...document.querySelectorAll("iframe, frame")].indexOf(el) } };
      }
      return told(el);
    },
    // Chooses an option of the focused native select as a person would by typing; returns whether there was one.
    option(text) {
      const el = active();
      if (!el || el.localName !== "select") return null;
      const fold = (one) => flat(one).toLocaleLowerCase();
      const all = [...el.options].filter((one) => !one.disabled);
      const exact = all.filter((one) => fold(one.label) === fold(text));
      const found = exact.length ? exact : all.filter((one) => fold(one.label).startsWith(fold(text)));
      return found.length ? { from: el.selectedIndex, to: found[0].index, enabled: all.map((one) => one.index) } : { to: -1 };
    },
    multiline() {
      const el = active();
      return !!el && (el.localName === "textarea" || el.isContentEditable);
    },
    // Resolves to "" when nothing has moved for `quiet` ms, or to what still moves when `bound` ms are over.
    settle(quiet, bound) {
      return new Promise((resolve) => {
        const began = performance.now();
        let last = began, moving = "";
        const seen = new MutationObserver(() => { last = performance.now(); moving = "nodes"; });
        seen.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
        const done = (why) => { seen.disconnect(); resolve(why); };
        const animated = () => document.getAnimations().some((one) => {
          const timing = one.effect && one.effect.getComputedTiming();
          return one.playState === "running" && timing && timing.endTime !== Infinity && timing.duration > 0;
        });
        const frame = () => {
          const now = performance.now();
          if (document.readyState !== "complete") { last = now; moving = "loading"; }
          if (animated()) { last = now; moving = "frames"; }
          if (now - last >= quiet) return done("");
          if (now - began >= bound) return done(moving || "nodes");
          requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      });
    },
  };
})();
