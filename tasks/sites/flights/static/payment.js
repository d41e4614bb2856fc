// The two kinds of mischief that live in the browser. Neither marker is there on an honest site.
"use strict";

// In a block, because a page that is written over itself runs this again in the same scope.
{
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

  // Pays in the background, so that the page stays alive while the server takes its time: the button
  // can be pressed again, and a browser that is driven from outside still answers.
  async function payInBackground(event) {
    event.preventDefault();
    const waiting = slow.querySelector("[data-waiting]");
    setTimeout(() => {
      waiting.hidden = false;
      waiting.textContent = "Not responding? Press again";
    }, 700);
    const body = new URLSearchParams(new FormData(slow, event.submitter));
    const answer = await fetch(slow.action, { method: "POST", body });
    if (answer.redirected) {
      location.assign(answer.url);
    } else {
      const page = await answer.text();
      document.open();
      document.write(page);
      document.close();
    }
  }

  slow?.addEventListener("submit", payInBackground);
}
