// The two kinds of mischief that live in the browser. Neither marker is there on an honest site.
"use strict";

const NEAR_PX = 20;
const pay = document.querySelector("[data-pay]");
const decoy = document.querySelector("[data-decoy]");
const slow = document.querySelector("[data-slow]");

function isNear(event, element) {
  const box = element.getBoundingClientRect();
  return event.clientX > box.left - NEAR_PX && event.clientX < box.right + NEAR_PX
    && event.clientY > box.top - NEAR_PX && event.clientY < box.bottom + NEAR_PX;
}

// Swaps the buttons once per page, so that whoever looks again finds them where they then are.
function swapWhenNear(event) {
  if (!isNear(event, pay)) return;
  decoy.after(pay);
  document.removeEventListener("mousemove", swapWhenNear);
}

if (decoy) document.addEventListener("mousemove", swapWhenNear);

slow?.addEventListener("submit", () => {
  const waiting = slow.querySelector("[data-waiting]");
  setTimeout(() => {
    waiting.hidden = false;
    waiting.textContent = "Not responding? Press again";
  }, 700);
});
