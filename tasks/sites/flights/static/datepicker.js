// A calendar under a read-only field: it shows a long date and sends an ISO date in a hidden input.
// Dates are handled as UTC midnights, so that no time zone can shift a day.
"use strict";

const DAY_MS = 24 * 60 * 60 * 1000;
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August",
  "September", "October", "November", "December"];
const WEEKDAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

const iso = (day) => new Date(day).toISOString().slice(0, 10);
const monthName = (day) => {
  const at = new Date(day);
  return `${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
};
const longName = (day) => `${new Date(day).getUTCDate()} ${monthName(day)}`;
const firstOfMonth = (day, ahead = 0) => {
  const at = new Date(day);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + ahead, 1);
};

function button(text, label, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", onClick);
  return made;
}

class DatePicker {
  constructor(root) {
    this.shown = root.querySelector("[readonly]");
    this.sent = root.querySelector("[type=hidden]");
    this.first = Date.parse(root.dataset.today);
    this.last = Date.parse(root.dataset.last);
    this.chosen = this.sent.value ? Date.parse(this.sent.value) : NaN;
    this.month = firstOfMonth(this.chosen || this.first);
    this.popup = this.build();
    root.append(this.popup);
    if (this.chosen) this.shown.value = longName(this.chosen);
    this.listen(root);
  }

  build() {
    const popup = document.createElement("div");
    popup.className = "calendar";
    popup.hidden = true;
    popup.setAttribute("role", "dialog");
    popup.setAttribute("aria-label", "Calendar");
    this.back = button("‹", "Previous month", () => this.turn(-1));
    this.on = button("›", "Next month", () => this.turn(1));
    this.heading = document.createElement("h2");
    this.heading.setAttribute("aria-live", "polite");
    this.days = document.createElement("div");
    this.days.className = "days";
    const head = document.createElement("div");
    head.className = "month";
    head.append(this.back, this.heading, this.on);
    popup.append(head, this.days);
    return popup;
  }

  listen(root) {
    this.shown.addEventListener("click", () => this.open(false));
    this.shown.addEventListener("keydown", (event) => {
      if (!["Enter", " ", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      this.open(true);
    });
    this.popup.addEventListener("keydown", (event) => this.pressed(event));
    document.addEventListener("pointerdown", (event) => {
      if (!root.contains(event.target)) this.close();
    });
    root.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !root.contains(event.relatedTarget)) this.close();
    });
  }

  open(withFocus) {
    this.draw();
    this.popup.hidden = false;
    this.shown.setAttribute("aria-expanded", "true");
    if (withFocus) this.focusDay(this.chosen || this.first);
  }

  close() {
    this.popup.hidden = true;
    this.shown.setAttribute("aria-expanded", "false");
  }

  choose(day) {
    this.chosen = day;
    this.sent.value = iso(day);
    this.shown.value = longName(day);
    this.close();
    this.shown.focus();
  }

  turn(months) {
    this.month = firstOfMonth(this.month, months);
    this.draw();
  }

  pressed(event) {
    if (event.key === "Escape") {
      this.close();
      this.shown.focus();
    } else if (event.key in STEPS && event.target.dataset.day) {
      event.preventDefault();
      this.focusDay(Date.parse(event.target.dataset.day) + STEPS[event.key] * DAY_MS);
    }
  }

  focusDay(day) {
    const near = Math.min(Math.max(day, this.first), this.last);
    if (firstOfMonth(near) !== this.month) {
      this.month = firstOfMonth(near);
      this.draw();
    }
    this.days.querySelector(`[data-day="${iso(near)}"]`).focus();
  }

  draw() {
    this.heading.textContent = monthName(this.month);
    this.back.disabled = this.month <= this.first;
    this.on.disabled = firstOfMonth(this.month, 1) > this.last;
    const heads = WEEKDAYS.map((name) => {
      const head = document.createElement("span");
      head.textContent = name;
      return head;
    });
    const blanks = Array((new Date(this.month).getUTCDay() + 6) % 7).fill(null)
      .map(() => document.createElement("span"));
    this.days.replaceChildren(...heads, ...blanks, ...this.dayButtons());
  }

  dayButtons() {
    const made = [];
    for (let day = this.month; day < firstOfMonth(this.month, 1); day += DAY_MS) {
      const one = button(new Date(day).getUTCDate(), longName(day), () => this.choose(day));
      one.dataset.day = iso(day);
      one.disabled = day < this.first || day > this.last;
      if (day === this.chosen) one.setAttribute("aria-current", "date");
      made.push(one);
    }
    return made;
  }
}

document.querySelectorAll("[data-datepicker]").forEach((root) => new DatePicker(root));
