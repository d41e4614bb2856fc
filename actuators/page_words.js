// Part 1 of 3: what an element is and says. `actuators.world` joins the parts inside one function, in an isolated
// world: the page's scripts can neither see it nor replace what it calls. A form's and a document's own properties can
// be covered by fields and images that carry their names, so those are only read through the prototypes below.
// Everything an element says is the page's claim.

const getter = (proto, name) => {
  const { get } = Object.getOwnPropertyDescriptor(proto, name);
  return (on) => get.call(on);
};
const method = (proto, name) => {
  const call = proto[name];
  return (on, ...given) => call.apply(on, given);
};
const N = Node.prototype, E = Element.prototype, H = HTMLElement.prototype, D = Document.prototype;
const parentOf = getter(N, "parentNode"), kidsOf = getter(N, "childNodes"), typeOf = getter(N, "nodeType");
const docOf = getter(N, "ownerDocument"), rootOf = method(N, "getRootNode");
const wordsIn = getter(N, "textContent"), previousOf = getter(E, "previousElementSibling");
const tagOf = getter(E, "localName"), nsOf = getter(E, "namespaceURI"), slotOf = getter(E, "assignedSlot");
const openRoot = getter(E, "shadowRoot"), attrOf = method(E, "getAttribute"), hasAttr = method(E, "hasAttribute");
const boxOf = method(E, "getBoundingClientRect"), boxesOf = method(E, "getClientRects");
const isLike = method(E, "matches"), findIn = method(E, "querySelector"), findAll = method(E, "querySelectorAll"), boxed = method(E, "checkVisibility");
const innerText = getter(H, "innerText"), editableHtml = getter(H, "isContentEditable");
const tabIndexOf = getter(H, "tabIndex"), wide = getter(H, "offsetWidth");
const urlOf = getter(D, "URL"), bodyOf = getter(D, "body"), htmlOf = getter(D, "documentElement");
const viewOf = getter(D, "defaultView"), titleOf = getter(D, "title"), readyOf = getter(D, "readyState");
const scrollerOf = getter(D, "scrollingElement"), animationsOf = method(D, "getAnimations");
const activeIn = (root) => getter(typeOf(root) === 9 ? D : ShadowRoot.prototype, "activeElement")(root);
const pointIn = (root, x, y) =>
  (typeOf(root) === 9 ? D : ShadowRoot.prototype).elementFromPoint.call(root, x, y);
const idIn = (root, id) =>
  (typeOf(root) === 9 ? D : DocumentFragment.prototype).getElementById.call(root, id);

const closed = new WeakMap();  // host -> its closed shadow root, as the debugger told us
const frames = new WeakMap();  // document of a frame in this process -> the frame element
const ids = new WeakMap();
let next = 0;
const idOf = (el) => {
  if (!ids.has(el)) ids.set(el, `${PREFIX}.${next++}`);
  return ids.get(el);
};
const shadowOf = (el) => openRoot(el) || closed.get(el) || null;
const isElement = (node) => !!node && typeOf(node) === 1;
const isHtml = (el) => nsOf(el) === "http://www.w3.org/1999/xhtml";
const styleOf = (el) => getComputedStyle(el);
const flat = (text) => (text || "").replace(/[\s\u200b\u00ad]+/g, " ").trim();
const editable = (el) => isHtml(el) && editableHtml(el);

// The parent in the tree as it is drawn: through slots, shadow roots and frames.
function up(el) {
  const slot = slotOf(el);
  if (slot) return slot;
  const parent = parentOf(el);
  if (!parent) return null;
  if (typeOf(parent) === 11) return parent.host || null;
  return typeOf(parent) === 9 ? frames.get(parent) || null : parent;
}
function holds(outer, inner) {
  for (let one = inner; one; one = up(one)) if (one === outer) return true;
  return false;
}
function nearest(el, test) {
  for (let one = el; one; one = up(one)) if (test(one)) return one;
  return null;
}
// Children in the drawn tree.
function drawn(el) {
  const root = shadowOf(el);
  if (root) return kidsOf(root);
  if (tagOf(el) === "slot") {
    const given = el.assignedNodes();
    if (given.length) return given;
  }
  return kidsOf(el);
}

const INPUT_ROLES = { checkbox: "checkbox", radio: "radio", range: "slider", number: "spinbutton", search: "searchbox",
  submit: "button", button: "button", reset: "button", image: "button", file: "button", color: "button" };
const TAG_ROLES = { button: "button", summary: "button", textarea: "textbox", option: "option", h1: "heading",
  h2: "heading", h3: "heading", h4: "heading", h5: "heading", h6: "heading", img: "image", canvas: "canvas",
  video: "video", audio: "audio", embed: "embed", object: "object", td: "cell", th: "columnheader",
  progress: "progressbar", meter: "meter", output: "status", dialog: "dialog" };
const FIELDS = new Set(["textbox", "searchbox", "spinbutton"]);
const OPERABLE = new Set([...FIELDS, "button", "link", "combobox", "listbox", "checkbox", "radio", "slider", "option",
  "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "switch", "treeitem", "generic"]);
const BY_CONTENT = new Set(["button", "link", "option", "tab", "menuitem", "menuitemcheckbox", "menuitemradio",
  "switch", "treeitem", "checkbox", "radio", "heading", "cell", "gridcell", "columnheader", "rowheader", "generic",
  "tooltip", "text", "status", "alert"]);
const NATIVE = "a[href],button,input,select,textarea,summary,[role=button],[role=link],[role=checkbox],[role=radio]," +
  "[role=textbox],[role=combobox],[role=switch],[role=menuitem],[role=option],[role=tab],[contenteditable]";

// What an element is to the browser itself, whatever the page claims.
function nativeRole(el) {
  const tag = tagOf(el);
  if (tag === "a" && (hasAttr(el, "href") || hasAttr(el, "xlink:href"))) return "link";
  if (!isHtml(el)) return "";
  if (tag === "area" && hasAttr(el, "href")) return "link";
  if (tag === "input") {
    if (el.type === "hidden") return "";
    return el.list && !INPUT_ROLES[el.type] ? "combobox" : INPUT_ROLES[el.type] || "textbox";
  }
  if (tag === "select") return el.multiple || el.size > 1 ? "listbox" : "combobox";
  return TAG_ROLES[tag] || "";
}

// ARIA role, or "" for what neither operates nor means anything by itself. A claimed role may say what an operable
// thing is for, never that it cannot be operated.
function roleOf(el) {
  const native = nativeRole(el);
  for (const given of flat(attrOf(el, "role")).toLowerCase().split(" ")) {
    if (!given || given === "none" || given === "presentation") continue;
    if (!OPERABLE.has(native) || OPERABLE.has(given)) return given === "img" ? "image" : given;
  }
  if (native) return native;
  if (editable(el)) {
    const parent = up(el);
    return parent && editable(parent) ? "" : "textbox";
  }
  return clickable(el);
}

// What a press inside an element sets off in the browser: the innermost native link or button around it.
function acting(el) {
  for (let one = el; one && !/^i?frame$/.test(tagOf(one)); one = up(one)) {
    if (OPERABLE.has(nativeRole(one))) return one;
    if (isHtml(one) && tagOf(one) === "label" && one.control) return one.control;
  }
  return null;
}

// "generic" for what has no role and yet asks to be pressed.
function clickable(el) {
  const tag = tagOf(el);
  if (tag === "body" || tag === "html" || tag === "label" || tag === "iframe" || tag === "form") return "";
  if (hasAttr(el, "onclick")) return "generic";
  if (tag === "a" && flat(attrOf(el, "title"))) return "generic";  // it leads nowhere and says what it is for: a script's
  if (hasAttr(el, "tabindex") && isHtml(el) && short(el) && (tabIndexOf(el) >= 0 || roving(el))) return "generic";
  return styleOf(el).cursor === "pointer" && pointed(el) ? "generic" : "";
}
// An entry of a list in which only one at a time is a tab stop; blocks get -1 for other reasons, as targets of links.
const roving = (el) => tabIndexOf(el) === -1 && /^(span|a|b|i|em|strong)$/.test(tagOf(el));
const short = (el) => el.textContent.length < 120 && !findIn(el, NATIVE);
// The innermost block under a pointer cursor, or the outermost inline element.
function pointed(el) {
  for (const kid of drawn(el)) if (isElement(kid) && !inline(kid)) return false;
  if (!inline(el)) return !findIn(el, NATIVE);
  const parent = up(el);
  return !parent || styleOf(parent).cursor !== "pointer" || !pointed(parent);
}
function inline(el) {
  return /^(inline|contents|ruby)/.test(styleOf(el).display) || tagOf(el) === "br";
}

const SILENT = new Set(["script", "style", "template", "noscript", "head", "select", "textarea", "datalist", "title"]);

// Text as it would be read aloud; `without` is the field that a label belongs to.
function textOf(node, without) {
  const type = typeOf(node);
  if (type === 3) return node.data;
  if (type !== 1 || node === without) return "";
  const tag = tagOf(node);
  if (SILENT.has(tag) && !(tag === "title" && !isHtml(node))) return "";
  if (attrOf(node, "aria-hidden") === "true") return "";
  const label = flat(attrOf(node, "aria-label"));
  if (label) return ` ${label} `;
  if (tag === "img" || tag === "area") return ` ${attrOf(node, "alt") || ""} `;
  if (tag === "input") return without && !secret(node) && FIELDS.has(roleOf(node)) ? ` ${node.value} ` : "";
  if (tag === "br") return " ";
  const style = styleOf(node);
  if (style.display === "none" || (style.visibility !== "visible" && tag !== "title")) return "";
  if (tag === "details" && !node.open) return [...drawn(node)].filter((kid) => isElement(kid) && tagOf(kid) === "summary")
    .map((kid) => textOf(kid, without)).join(" ");
  const parts = [];
  for (const kid of drawn(node)) parts.push(textOf(kid, without));
  return /^(inline|contents|ruby)$/.test(style.display) ? parts.join("") : ` ${parts.join("")} `;
}

function nameOf(el, role, refs) {
  const found = named(el, role, refs);
  return (found || flat(attrOf(el, "title")) || flat(attrOf(el, "placeholder")) ||
    flat(attrOf(el, "aria-placeholder")) || beside(el)).slice(0, 300);
}

// A name for a field that nobody labelled, from what a reader would take for its label: the words after a tick box, the
// words before any other field on its line, the head of its row; at last the words of its `name` attribute.
const ASKING = "input:not([type=hidden]),select,textarea,button";
function beside(el) {
  const tag = tagOf(el);
  if (!isHtml(el) || !/^(input|select|textarea)$/.test(tag) || /^(submit|reset|button|image)$/.test(el.type)) return "";
  const tick = el.type === "checkbox" || el.type === "radio";
  return (tick && wordsFrom(el, "nextSibling")) || wordsFrom(el, "previousSibling") || headOf(el) || wordsOf(el);
}
// The nearest words on one side, out of boxes that hold nothing else to fill in, up to the next field.
function wordsFrom(el, side) {
  const step = getter(N, side);
  for (let one = el; one && !/^(td|th|li|fieldset|form|body)$/.test(tagOf(one)); one = parentOf(one)) {
    if (one !== el && [...findAll(one, ASKING)].some((field) => field !== el)) return "";
    for (let near = step(one); near; near = step(near)) {
      if (isElement(near) && (isLike(near, ASKING) || findIn(near, ASKING))) return "";
      const text = flat(textOf(near));
      if (/[\p{L}\p{N}]/u.test(text)) return text.length <= 80 ? text : "";
    }
    if (!isElement(parentOf(one))) return "";
  }
  return "";
}
// The nearest cell before the field's own that holds words and no field.
function headOf(el) {
  const own = nearest(el, (one) => /^(td|th)$/.test(tagOf(one)));
  if (!own) return "";
  const before = getter(E, "previousElementSibling");
  for (let cell = before(own); cell; cell = before(cell)) {
    if (findIn(cell, ASKING)) return "";
    const text = flat(textOf(cell));
    if (text) return text.length <= 80 ? text : "";
  }
  return "";
}
const wordsOf = (el) => (flat(attrOf(el, "name")).replace(/([a-z])(?=[A-Z])/g, "$1 ").match(/\p{L}{2,}/gu) || []).join(" ");
function named(el, role, refs) {
  const by = flat(attrOf(el, "aria-labelledby"));
  if (by) {
    const parts = by.split(" ").map((id) => idIn(rootOf(el), id)).filter(Boolean);
    if (refs) for (const one of parts) refs.add(one);
    const text = flat(parts.map((one) => (one === el ? attrOf(el, "aria-label") : textOf(one, el))).join(" "));
    if (text) return shown(el, role, text);
  }
  const own = flat(attrOf(el, "aria-label"));
  if (own) return shown(el, role, own);
  const tag = tagOf(el);
  if (isHtml(el) && el.labels && el.labels.length) {
    const text = flat([...el.labels].map((one) => textOf(one, el)).join(" "));
    if (text) return text;
  }
  if (tag === "input") {
    if (el.type === "submit" || el.type === "reset" || el.type === "button") {
      return flat(el.value) || { submit: "Submit", reset: "Reset" }[el.type] || "";
    }
    if (el.type === "image") return flat(attrOf(el, "alt")) || flat(attrOf(el, "value")) || "Submit";
  }
  if (hasAttr(el, "alt")) return flat(attrOf(el, "alt"));
  if (tag === "option") return flat(el.label);
  return BY_CONTENT.has(role) && tag !== "input" ? flat(textOf(el)) : "";
}

// A claimed name, and what the thing shows where the name leaves out most of it.
function shown(el, role, name) {
  if (!OPERABLE.has(role) || !BY_CONTENT.has(role) || role === "generic") return name;
  const text = flat([...drawn(el)].map((one) => textOf(one)).join(""));
  const longer = text.toLocaleLowerCase().match(/\p{L}{4,}/gu) || [];
  const known = longer.filter((word) => name.toLocaleLowerCase().includes(word));
  return known.length * 2 >= longer.length ? name : `${name} (shows: ${text})`;
}

const onceSecret = new WeakSet();  // a password field stays one when a page shows it as plain text
const HIDDEN_VALUE = /(^|\s)(one-time-code|cc-number|cc-csc)$/;
const PASSWORD = /(^|\s)(current|new)-password$/;
function password(el) {
  if (!isHtml(el) || tagOf(el) !== "input") return false;
  if (el.type === "password") onceSecret.add(el);
  return onceSecret.has(el) || PASSWORD.test(autocompleteOf(el)) || styleOf(el).webkitTextSecurity !== "none";
}
const autocompleteOf = (el) => flat(attrOf(el, "autocomplete")).toLowerCase().replace(/ webauthn$/, "");
const secret = (el) => password(el) || HIDDEN_VALUE.test(autocompleteOf(el));

const UNVALUED = new Set(["checkbox", "radio", "submit", "button", "reset", "image"]);
function valueOf(el, role) {
  const tag = isHtml(el) ? tagOf(el) : "";
  if (tag === "select") return flat([...el.selectedOptions].map((one) => one.label).join(", "));
  if (tag === "textarea") return el.value;
  if (tag === "input") {
    if (UNVALUED.has(el.type)) return "";
    return el.type === "file" ? [...el.files].map((one) => one.name).join(", ") : el.value;
  }
  if (tag === "progress" || tag === "meter") return String(el.value);
  if (FIELDS.has(role) && editable(el)) return innerText(el).trim();
  const said = attrOf(el, "aria-valuetext") || attrOf(el, "aria-valuenow");
  return said || (role === "combobox" && own(el) ? flat(textOf(el)) : "");
}
const own = (el) => hasAttr(el, "aria-label") || hasAttr(el, "aria-labelledby");

const yes = (el, name) => (hasAttr(el, name) ? attrOf(el, name) === "true" : null);
function checkedOf(el) {
  if (isHtml(el) && tagOf(el) === "input" && (el.type === "checkbox" || el.type === "radio")) return el.checked;
  return yes(el, "aria-checked") ?? yes(el, "aria-pressed");
}
function expandedOf(el) {
  const tag = tagOf(el);
  if (tag === "select" && !el.multiple && el.size <= 1) return isLike(el, ":open");
  if (tag === "summary" && parentOf(el) && tagOf(parentOf(el)) === "details") return parentOf(el).open;
  return yes(el, "aria-expanded");
}
const enabledOf = (el) => !isLike(el, ":disabled") && !nearest(el, (one) =>
  attrOf(one, "aria-disabled") === "true" || hasAttr(one, "inert"));
function editableOf(el, role) {
  if (!enabledOf(el)) return false;
  const tag = isHtml(el) ? tagOf(el) : "";
  if (tag === "input") return (FIELDS.has(role) || role === "combobox") && !el.readOnly;
  if (tag === "textarea") return !el.readOnly;
  return tag === "select" || editable(el);
}

function submitsOf(el) {
  if (!isHtml(el) || !el.form) return false;
  const tag = tagOf(el);
  return (tag === "button" && el.type === "submit") ||
    (tag === "input" && (el.type === "submit" || el.type === "image"));
}
function formOf(el) {
  const form = (isHtml(el) && tagOf(el) !== "label" && el.form) || nearest(el, (one) => tagOf(one) === "form");
  if (!form || tagOf(form) !== "form") return null;
  const submits = submitsOf(el);
  const told = (name) => (submits && hasAttr(el, `form${name}`) ? attrOf(el, `form${name}`) : attrOf(form, name));
  const doc = docOf(form);
  let action = urlOf(doc);
  try {
    if (told("action")) action = new URL(told("action"), getter(N, "baseURI")(form)).href;
  } catch {
    action = "invalid:";
  }
  const verb = flat(told("method")).toUpperCase();
  return { form, method: verb === "POST" || verb === "DIALOG" ? verb : "GET", action };
}

// Counts up whenever any field of a form is found changed, hidden ones too: equal states send the same.
const states = new WeakMap();
function stateOf(form) {
  const fields = HTMLCollection.prototype[Symbol.iterator].call(getter(HTMLFormElement.prototype, "elements")(form));
  const now = JSON.stringify([...fields].map((one) => [one.name, one.type, one.value, one.checked, one.disabled,
    one.files && [...one.files].map((file) => [file.name, file.size]),
    one.selectedOptions && [...one.selectedOptions].map((option) => option.value)]));
  const known = states.get(form);
  if (!known || known.now !== now) states.set(form, { now, count: known ? known.count + 1 : 0 });
  return `${idOf(form)}/${states.get(form).count}`;
}
const hrefOf = (el) => {
  if (nativeRole(el) !== "link") return "";
  if (isHtml(el)) return el.href;
  try {
    return new URL(attrOf(el, "href") ?? attrOf(el, "xlink:href"), getter(N, "baseURI")(el)).href;
  } catch {
    return "invalid:";
  }
};
