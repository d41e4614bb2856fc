"use strict";
(() => {
  const steps = [...document.querySelectorAll(".step")];
  const thumbs = [...document.querySelectorAll(".strip li")];
  const buttons = [...document.querySelectorAll("[data-show]")];
  const status = document.getElementById("shown");
  const dialog = document.getElementById("large");
  const stage = document.getElementById("stage");

  const shown = () => steps.filter((step) => !step.hidden);

  const find = document.getElementById("find");
  const texts = steps.map((step) => step.textContent.toLowerCase());
  let group = "all";

  const show = (chosen) => {
    group = chosen;
    const words = find.value.trim().toLowerCase();
    steps.forEach((step, at) => {
      const belongs = group === "all" || step.dataset.groups.split(" ").includes(group);
      step.hidden = !belongs || !texts[at].includes(words);
      if (thumbs[at]) thumbs[at].hidden = step.hidden;
    });
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.show === group)));
    status.textContent = `${shown().length} of ${steps.length} steps shown`;
  };

  const mark = (step) => {
    thumbs.forEach((thumb, at) => {
      const link = thumb.firstElementChild;
      if (steps[at] === step) {
        link.setAttribute("aria-current", "step");
        const list = thumb.parentElement;
        list.scrollLeft = thumb.offsetLeft - list.offsetLeft - list.clientWidth / 2 + thumb.clientWidth / 2;
      } else link.removeAttribute("aria-current");
    });
  };

  const go = (step) => {
    if (!step) return;
    step.focus({ preventScroll: true });
    step.scrollIntoView({ block: "start" });
    mark(step);
  };

  const move = (by) => {
    const list = shown();
    const line = 90;
    const held = list.indexOf(document.activeElement.closest(".step"));
    const at = held >= 0 ? held : list.findIndex((step) => step.getBoundingClientRect().bottom > line) - (by > 0 ? 1 : 0);
    go(list[Math.max(0, Math.min(list.length - 1, at + by))]);
  };

  buttons.forEach((button) => button.addEventListener("click", () => show(button.dataset.show)));
  thumbs.forEach((thumb, at) => thumb.addEventListener("click", (event) => { event.preventDefault(); go(steps[at]); }));

  if (find) find.addEventListener("input", () => show(group));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || event.target === find) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if ("1234".includes(event.key) && buttons[event.key - 1]) buttons[event.key - 1].click();
  });

  document.querySelectorAll(".enlarge").forEach((button) => button.addEventListener("click", () => {
    stage.replaceChildren(button.firstElementChild.cloneNode(true));
    dialog.showModal();
  }));
  dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target.id === "close") dialog.close(); });
  dialog.addEventListener("close", () => stage.replaceChildren());
})();
