// What every page shares: filters that apply themselves, forms that are sent once, printing.
"use strict";

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && "autosubmit" in form.dataset) form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("once" in form.dataset)) return;
  const buttons = [...form.querySelectorAll("button")];
  // After this event, so that the pressed button is still part of what is sent.
  setTimeout(() => buttons.forEach((button) => (button.disabled = true)));
});

document.querySelector("[data-away]")?.addEventListener("click", (event) => event.target.closest(".over").remove());

window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
