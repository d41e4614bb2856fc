// Seats as toggles: as many as there are passengers; one more gives up the one chosen first.
"use strict";

const seatForm = document.querySelector("[data-seats]");
const most = Number(seatForm.dataset.seats);
const sentSeats = seatForm.elements.seats;
const said = seatForm.querySelector("[data-chosen-text]");
const seats = [...seatForm.querySelectorAll("[data-seat]")];
let chosen = sentSeats.value.split(",").filter((name) => name);

function show() {
  sentSeats.value = chosen.join(",");
  for (const seat of seats) {
    seat.setAttribute("aria-pressed", String(chosen.includes(seat.dataset.seat)));
  }
  const label = most > 1 ? "Selected seats" : "Selected seat";
  said.textContent = chosen.length ? `${label}: ${chosen.join(", ")}` : "No seat selected";
}

seatForm.addEventListener("click", (event) => {
  const name = event.target.dataset.seat;
  if (!name) return;
  if (!chosen.includes(name)) chosen = [...chosen, name].slice(-most);
  else if (most > 1) chosen = chosen.filter((other) => other !== name);
  show();
});

show();
