"""Play the pilot against the real surface, step by step, and say where it leaves the right path.

Drives the demo airline in a Chromium with the stock actuator, asks a checkpoint for every move and compares with the
oracle of plans in fixed words (`model.planned`). Acts are the oracle's, so that one mistake does not hide the next.

    python -m model.training.steps --checkpoint model/pilot --bookings 3
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actuators.action import Action, Click, PressKeys, Scroll, TypeText
from actuators.observation import Observation, Target
from model.base import Act, Blocked, Done, Finish, Instruction, Move
from model.protocols import computer_use
from model.training.words import Words, default_pools

__all__ = ["main", "plan", "same"]


def plan(words: Words) -> list[str]:
    """The steps of one booking with drawn values."""
    dice = words.dice
    origin, destination = dice.sample(
        ("Zurich", "Lisbon", "Rome", "Berlin", "London", "Paris", "Vienna", "Madrid", "Oslo"), 2
    )
    month, days = dice.choice((("November 2026", (25, 30)), ("December 2026", (1, 31)), ("January 2027", (1, 31))))
    day = f"{dice.randint(*days)} {month}"
    return [
        "press Accept all if it is shown", f"type {origin} into the From field", f"type {destination} into the To field",
        "open the Departure date calendar", f"press Next month until {month} is shown", f"press {day}",
        f"choose {dice.choice(('Economy', 'Business', 'Premium Economy'))} in the Cabin list", "press Search flights",
        'choose "Price: lowest first" in the Sort by list', "press the first Select button", "press the first available seat",
        "press Continue", f"choose {dice.choice(('Ms', 'Mr', 'Mx', 'Dr'))} in the Title list", f"type {words.first()} into the First name field",
        f"type {words.last()} into the Last name field", f"type {words.email()} into the Email field",
        f"type {dice.randint(1, 28):02d}.{dice.randint(1, 12):02d}.{dice.randint(1940, 2005)} into the Date of birth field",
        "press Continue to payment", "type <secret:card_number> into the Card number field", "type 12/29 into the Expiry date field",
        "type <secret:security_code> into the Security code field", f"type {words.person()} into the Name on card field",
        "check I accept the terms",
    ]  # fmt: skip


def same(mine: Move, right: Move, seen: Observation) -> bool:
    """Whether two moves come to the same: the same act, points inside the same node."""
    if not (isinstance(mine, Act) and isinstance(right, Act)):
        return mine.kind == right.kind
    a, b = mine.action, right.action
    if isinstance(a, Click) and isinstance(b, Click):
        return a.count == b.count and seen.node_at(a.at) == seen.node_at(b.at)
    if isinstance(a, Scroll) and isinstance(b, Scroll):
        return (a.dy > 0) == (b.dy > 0)
    return a == b


def _perform(page: Any, action: Action) -> None:
    if isinstance(action, Click):
        page.mouse.click(action.at.x, action.at.y, click_count=action.count)
    elif isinstance(action, TypeText):
        page.keyboard.type(
            {"<secret:card_number>": "4242424242424242", "<secret:security_code>": "123"}.get(action.text, action.text)
        )
    elif isinstance(action, PressKeys):
        page.keyboard.press("+".join(key.capitalize() for key in action.keys))
    elif isinstance(action, Scroll):
        page.mouse.move(action.at.x, action.at.y)
        page.mouse.wheel(0, action.dy)


def _one(model: Any, actuator: Any, page: Any, steps: Sequence[str]) -> tuple[int, int, list[str]]:
    from model.planned import PlanReader

    oracle, right, count, wrong = PlanReader(), 0, 0, []
    for step in steps:
        history: list[Done] = []
        for _ in range(16):
            actuator.settle()
            seen = actuator.observe()
            asked = Instruction(goal=step, step=step)
            mine, best = model.propose(asked, history, seen, "both"), oracle.propose(asked, history, seen, "both").move
            count += 1
            if same(mine.move, best, seen):
                right += 1
            else:
                wrong.append(
                    f"{step} | {len(seen.nodes)} nodes, after {[d.summary for d in history]} | wanted {best} | said {mine.text[55:-14]}"
                )
            if isinstance(best, Finish | Blocked) or not isinstance(best, Act):
                break
            node = seen.node_at(best.action.at) if isinstance(best.action, Click) else None
            if isinstance(best.action, TypeText):
                node = next((one for one in seen.nodes if one.focused), None)
            _perform(page, best.action)
            history.append(Done(computer_use.summary(best.action, Target("browser", node, None) if node else None)))
    return right, count, wrong


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--bookings", type=int, default=3)
    parser.add_argument("--seed", type=int, default=4001)
    given = parser.parse_args()
    import torch

    from actuators.browser import BrowserActuator
    from model.load import load_model
    from sandboxes.chromium import Chromium

    torch.set_num_threads(1)
    model = load_model(given.checkpoint, device="cpu")
    right = count = 0
    for n in range(given.bookings):
        words = Words(default_pools().of("held"), random.Random(given.seed + n))
        with tempfile.TemporaryDirectory() as folder:
            layout = ("classic", "cards", "compact")[n % 3]
            command = [
                sys.executable,
                "tasks/sites/flights/serve.py",
                "--db",
                f"{folder}/db",
                "--log",
                f"{folder}/log",
                "--seed",
                str(given.seed + n),
                "--layout",
                layout,
            ]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as site, Chromium() as browser:
                try:
                    assert site.stdout is not None
                    url = json.loads(site.stdout.readline())["url"]
                    browser.new_page()
                    actuator = BrowserActuator(browser.context, None)
                    actuator.open(url)
                    good, all_, wrong = _one(model, actuator, browser.context.pages[-1], plan(words))
                finally:
                    site.terminate()
        right, count = right + good, count + all_
        print(f"booking {n}, {layout}: {good} of {all_} calls right", flush=True)
        for line in wrong:
            print("  " + line, flush=True)
    print(f"{right} of {count} calls right ({100 * right / max(1, count):.1f} %)")


if __name__ == "__main__":
    main()
