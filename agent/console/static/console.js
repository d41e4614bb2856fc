"use strict";
// Keeps the page fresh and gives keys. Every decision is a plain form; nothing here decides anything.

const fresh = document.getElementById("fresh");
const timeline = document.getElementById("timeline");
const count = document.getElementById("count");
const offline = document.getElementById("offline");

function parsed(text) {
  return new DOMParser().parseFromString(text, "text/html").body;
}

async function fetched(part) {
  const answer = await fetch(part, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  return parsed(await answer.text());
}

// A card that somebody is reading or filling in stays as it is; only new ones come, and decided ones go.
function merged(body) {
  const wanted = new Map([...body.querySelectorAll("article.card")].map((card) => [card.id, card]));
  for (const card of fresh.querySelectorAll("article.card")) {
    const next = wanted.get(card.id);
    if (!next) {
      const after = card.nextElementSibling || card.previousElementSibling;
      const had = card.contains(document.activeElement);
      card.remove();
      if (had) (after && after.matches("article.card") ? after : document.getElementById("main")).focus();
    } else {
      const other = next.dataset.frame !== card.dataset.frame || next.dataset.assigned !== card.dataset.assigned;
      next.remove();
      if (other && !card.contains(document.activeElement)) card.replaceWith(next);
    }
  }
  for (const stray of fresh.querySelectorAll(":scope > :not(article)")) stray.remove();
  for (const child of [...body.children]) fresh.append(child);
}

// The live screen stays where somebody moved it to.
function replaced(body) {
  const pan = fresh.querySelector(".pan");
  const at = pan ? [pan.scrollLeft, pan.scrollTop] : [0, 0];
  fresh.replaceChildren(...body.children);
  const next = fresh.querySelector(".pan");
  if (next) [next.scrollLeft, next.scrollTop] = at;
}

let busy = false;
let again = false;

async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    if (fresh && fresh.dataset.part) {
      const body = await fetched(fresh.dataset.part);
      if (fresh.dataset.keep) merged(body);
      else if (!fresh.contains(document.activeElement)) replaced(body);
    }
    if (timeline && timeline.dataset.part && !timeline.contains(document.activeElement)) {
      timeline.replaceChildren(...(await fetched(timeline.dataset.part)).children);
    }
    ticking();
  } catch (error) {
    offline.hidden = false;
  }
  busy = false;
  if (again) {
    again = false;
    refresh();
  }
}

let first = true;
function listen() {
  const events = new EventSource("/events");
  events.onmessage = (event) => {
    offline.hidden = true;
    const said = JSON.parse(event.data);
    count.textContent = said.waiting ? String(said.waiting) : "";
    if (!first) refresh();
    first = false;
  };
  events.onerror = () => {
    offline.hidden = false;
    first = false;
  };
}

// Time left, counted from when this page got it.
function ticking() {
  const now = performance.now();
  for (const left of document.querySelectorAll("[data-left]")) {
    if (!left.dataset.ends) left.dataset.ends = String(now + 1000 * Number(left.dataset.left));
  }
}

function tick() {
  for (const left of document.querySelectorAll("[data-ends]")) {
    const seconds = Math.max(0, Math.ceil((Number(left.dataset.ends) - performance.now()) / 1000));
    left.textContent = seconds >= 60 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${seconds} s`;
  }
}

function cards() {
  return [...document.querySelectorAll("article.card")];
}

function current() {
  const all = cards();
  return all.find((card) => card.contains(document.activeElement)) || null;
}

function move(by) {
  const all = cards();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
  next.focus();
  next.scrollIntoView({ block: "start" });
}

function to(key) {
  const within = current() || cards()[0] || document;
  const found = within.querySelector(`[data-key="${key}"]`);
  if (!found) return;
  if (found.tagName === "SUMMARY") found.parentElement.open = true;
  found.focus();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, select, textarea") && event.key !== "Escape") return;
  const key = event.key.toLowerCase();
  if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "w") location.assign("/waiting");
  else if (key === "r") location.assign("/runs");
  else if (key === "?") document.getElementById("help").showModal();
  else if ("adies".includes(key)) to(key);
  else if (key === "escape") document.activeElement.blur();
  else return;
  event.preventDefault();
}

if (document.body.dataset.live) {
  ticking();
  tick();
  setInterval(tick, 500);
  listen();
  document.addEventListener("keydown", pressed);
  const help = document.getElementById("help");
  document.getElementById("help-open").addEventListener("click", () => help.showModal());
  document.getElementById("help-close").addEventListener("click", () => help.close());
}
