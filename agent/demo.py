"""`agent demo`: two acts on the bundled airline. First a flight is booked; then the price jumps and nobody says yes.

What happened is told from the airline's own log, not from what the agent believes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.breakage import MACHINERY, MISUSE
from agent.outcome import Ending
from agent.progress import Plain, Rich
from agent.run import Options, Ran, run_bound
from agent.task import TaskError, load_task
from agent.watch import Watch

__all__ = ["play"]

FAILURES: tuple[type[Exception], ...] = (TaskError, *MACHINERY, *MISUSE)
_CARD = {"DEMO_CARD": "4242 4242 4242 4242", "DEMO_CVC": "123"}
"""A test number; the airline is a demonstration and charges nobody."""


def play(runs: Path, model: str = "pilot") -> int:
    """Both acts. Exit 0 when the first is verified and the second bought nothing."""
    task = _task_file()
    if task is None:
        print("agent demo: tasks/book_flight.yaml is not here; run this in a checkout of deskhand", file=sys.stderr)
        return 2
    print("Act 1: book the cheapest direct flight.\n")
    first = _act(task, runs, model, {})
    if first is None:
        return 1
    _curtain(first)
    print("\nAct 2: the same, but the fare jumps between choosing and paying. The task may spend 250 EUR without")
    print("asking. A person is asked, and nobody answers.\n")
    second = _act(task, runs, model, {"mischief": "price_jump", "seed": "11"})
    if second is None:
        return 1
    bought = _curtain(second)
    held = second.ending.outcome == "denied" and bought == 0
    print("\n" + ("Nothing was bought." if held else "This is not how it should end: please report it."))
    if first.report:
        print(f"\nThe reports:\n  {first.report}\n  {second.report}")
    return 0 if first.ending.outcome == "verified" and held else 1


def _task_file() -> Path | None:
    places = (Path.cwd(), Path(__file__).parent.parent)
    return next((found for one in places if (found := one / "tasks" / "book_flight.yaml").is_file()), None)


def _act(file: Path, runs: Path, model: str, site: Mapping[str, str]) -> Ran | None:
    watch = _watch()
    try:
        with _environment(_CARD):
            task = load_task(file).with_site(site).bind()
            ran = run_bound(task, Options(file, approve="deny", model=model, runs=runs, again=True), watch)
    except FAILURES as error:
        print(f"agent demo: {error}", file=sys.stderr)
        return None
    watch.end(ran.ending)
    return ran


def _curtain(ran: Ran) -> int:
    """What came of an act: the agent's word, then the airline's. Returns the number of purchases."""
    ending: Ending = ran.ending
    print(f"\n{ending.outcome}: {ending.because}")
    for name, value in ending.outputs.items():
        print(f"  {name}: {value['text'] if isinstance(value, dict) else value}")
    bought = _purchases(ran)
    count = f"{len(bought)} purchase{'' if len(bought) == 1 else 's'}"
    print(f"The airline's log: {', '.join([count, *bought])}")
    return len(bought)


def _purchases(ran: Ran) -> list[str]:
    log = ran.folder.path / "site" / "flights.log.jsonl" if ran.folder else None
    if log is None or not log.exists():
        return []
    entries = [json.loads(line) for line in log.read_text().splitlines() if line.strip()]
    return [
        f"{entry['reference']} for {entry['amount_cents'] / 100:.2f} EUR"
        for entry in entries
        if entry["effect"] == "purchase"
    ]


def _watch() -> Watch:
    if not sys.stdout.isatty():
        return Plain()
    from rich.console import Console

    return Rich(Console())


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set what is not set; take it away again."""
    added = {name: value for name, value in values.items() if not os.environ.get(name)}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
