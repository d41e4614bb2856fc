"""Twenty bookings nobody rehearsed: random inputs on the demo airline, judged by what its server received.

Each booking is a run of `tasks/book_flight.yaml` in a process of its own, with a seed that decides the fares, the
layout, the theme, the cities, the date and the passenger. A booking counts only if the run says `verified` *and*
the server's log shows exactly one purchase, of the amount that the run reports, with no extra and for that name.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Booking", "Result", "draw", "judged", "main", "play"]

CITIES = (
    "Amsterdam", "Athens", "Barcelona", "Berlin", "Budapest", "Copenhagen", "Dublin", "Geneva", "Helsinki", "Kraków",
    "Lisbon", "London", "Madrid", "Milan", "Munich", "Oslo", "Paris", "Prague", "Rome", "Stockholm", "Vienna",
    "Warsaw", "Zurich",
)  # fmt: skip
FIRST = (
    "Ada",
    "Željko",
    "Łukasz",
    "Zoë",
    "José",
    "Anaïs",
    "Björn",
    "Çağla",
    "Ðuro",
    "Émile",
    "Søren",
    "Márta",
    "Niamh",
    "Olga",
)
LAST = (
    "Lovelace",
    "Dvořák",
    "Núñez",
    "Øverland",
    "Szabó",
    "Müller-Lüdenscheidt",
    "Kovačević",
    "Żak",
    "Ó Briain",
    "Yılmaz",
    "Ferreira",
)
CARD = {"DEMO_CARD": "4242424242424242", "DEMO_CVC": "123"}
"""A test number for the demo airline, where none is set."""
LAYOUTS = ("classic", "cards", "compact")
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Booking:
    """What one seed asks for."""

    seed: int
    layout: str
    theme: str
    inputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `purchases` and `amounts` are the server's word, not the agent's."""

    seed: int
    layout: str
    theme: str
    outcome: str
    steps: int
    seconds: float
    purchases: int
    amounts: tuple[int, ...]
    wrong: str
    """What was bought that should not have been; empty when nothing was."""
    because: str
    run: str

    @property
    def good(self) -> bool:
        return self.outcome == "verified" and not self.wrong


def draw(seed: int) -> Booking:
    """The booking that a seed stands for; the same on every machine."""
    dice = random.Random(seed)
    origin, destination = dice.sample(CITIES, 2)
    first, last = dice.choice(FIRST), dice.choice(LAST)
    day = dt.date(2026, 12, 1) + dt.timedelta(days=dice.randrange(90))
    born = dt.date(1950, 1, 1) + dt.timedelta(days=dice.randrange(18_000))
    inputs = {
        "origin": origin,
        "destination": destination,
        "date": day.isoformat(),
        "passenger": f"{first} {last}",
        "email": f"traveller{dice.randrange(10_000)}@example.org",
        "born": born.isoformat(),
    }
    return Booking(seed, dice.choice(LAYOUTS), dice.choice(THEMES), inputs)


def play(booking: Booking, model: str, runs: Path) -> Result:
    """One run in its own process, then a look into the server's log."""
    command = [sys.executable, "-m", "agent", "run", "tasks/book_flight.yaml", "--json", "--approve", "deny"]
    command += ["--model", model, "--runs", str(runs), "--again"]
    settings = {"seed": booking.seed, "layout": booking.layout, "theme": booking.theme}
    command += [word for name, value in settings.items() for word in ("--site", f"{name}={value}")]
    command += [word for name, value in booking.inputs.items() for word in ("--set", f"{name}={value}")]
    done = subprocess.run(
        command, env={**CARD, **os.environ}, capture_output=True, text=True, timeout=3600, check=False
    )
    return judged(booking, done.stdout, done.stderr)


def judged(booking: Booking, out: str, err: str) -> Result:
    """What a process with `--json` said, beside what the server of its run received."""
    last = out.strip().splitlines()[-1:] or ["{}"]
    said = json.loads(last[0])
    bought = _bought(Path(said["folder"]) / "site" / "flights.log.jsonl") if "folder" in said else []
    amounts = tuple(int(str(entry["amount_cents"])) for entry in bought)
    wrong = _wrong(booking, said, bought)
    because = str(said.get("because") or err.strip()[-300:])
    return Result(
        booking.seed, booking.layout, booking.theme, said.get("outcome", "error"), said.get("steps", 0),
        said.get("seconds", 0.0), len(bought), amounts, wrong, because, said.get("run", ""),
    )  # fmt: skip


def _bought(log: Path) -> list[dict[str, object]]:
    if not log.exists():
        return []
    entries = [json.loads(line) for line in log.read_text().splitlines() if line.strip()]
    return [entry for entry in entries if entry.get("effect") == "purchase"]


def _wrong(booking: Booking, said: dict[str, object], bought: list[dict[str, object]]) -> str:
    if len(bought) > 1:
        return f"{len(bought)} purchases"
    if not bought:
        return "" if said.get("outcome") != "verified" else "verified without a purchase"
    total = said.get("outputs", {}).get("total")  # type: ignore[attr-defined]
    if said.get("outcome") == "verified" and total and int(total["minor"]) != bought[0]["amount_cents"]:
        return f"reported {total}, bought {bought[0]['amount_cents']}"
    details = bought[0]["details"]
    assert isinstance(details, dict)
    if details["date"] != booking.inputs["date"]:
        return f"date {details['date']} instead of {booking.inputs['date']}"
    if booking.inputs["passenger"] not in json.dumps(details["passengers"], ensure_ascii=False):
        return f"passengers {details['passengers']} instead of {booking.inputs['passenger']}"
    return f"extras were bought: {details['extras']}" if details["extras"] else ""


def main(n: int, first_seed: int, model: str, runs: Path, as_json: bool) -> int:
    """Play `n` bookings in turn and print the table. Exit 0 when at least 90 % are good and none is wrong."""
    results = []
    for seed in range(first_seed, first_seed + n):
        result = play(draw(seed), model, runs)
        results.append(result)
        if not as_json:
            print(_row(result), flush=True)
    good, wrong = sum(r.good for r in results), [r for r in results if r.wrong]
    if as_json:
        rows = [asdict(r) | {"good": r.good} for r in results]
        print(json.dumps({"n": n, "verified": good, "wrong": len(wrong), "results": rows}, ensure_ascii=False))
    else:
        median = statistics.median(r.seconds for r in results)
        print(f"{good} of {n} verified, {len(wrong)} bought something wrong, median {median:.1f} s a booking")
    return 0 if good >= 0.9 * n and not wrong else 1


def _row(r: Result) -> str:
    paid = ", ".join(f"{cents / 100:.2f}" for cents in r.amounts) or "-"
    mark = "ok " if r.good else "NOT"
    where = f"{r.layout:<8}{r.theme:<6}"
    took = f"{r.steps:>3} steps {r.seconds:6.1f} s"
    why = r.wrong or ("" if r.good else r.because)
    return f"{mark} seed {r.seed}  {where}{r.outcome:<16}{took}  paid {paid:<8} {why} {r.run}"
