"""`agent bench console`: how long a person's answer takes to reach the run that waits for it, with many of both.

Real parts throughout: a store of its own, one process for each so many runs, each with the approver that a broker has,
which waits for its answer and checks the signature. The answers are given one after the other by the console's own
code. Measured is the time from the committed answer to the run that has it.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from actuators.action import Click
from actuators.geometry import Point, Rect
from actuators.observation import Node, Target
from agent.outcome import USAGE
from agent.store.where import StoreUnusable
from policies.approver import Question
from policies.consequence import Consequence
from policies.decision import Decision

__all__ = ["console"]

BUDGET_MS = 300.0
_PROCESSES = 8
_START_S = 240.0
_ORIGIN = "https://shop.example"


def console(runs: int, requests: int, store: str, as_json: bool) -> int:
    """Time `runs` answers while `requests` questions stand in all. `store` is empty for a SQLite of its own."""
    if not 1 <= runs <= requests <= 20_000:
        print("agent bench console: takes --runs of 1 or more and --requests of at least as many", file=sys.stderr)
        return USAGE
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["AGENT_CONFIG"] = str(Path(folder) / "config")
            found = _measured(runs, requests, store or f"sqlite:///{folder}/store.db")
    except StoreUnusable as problem:
        print(f"agent bench console: {problem}", file=sys.stderr)
        return USAGE
    if as_json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:<22}{value:>12}")
        print(f"budget: p95 under {BUDGET_MS:.0f} ms, none lost, none twice")
    return 0 if found["lost"] == found["twice"] == 0 else 1


def question(run: str) -> Question:
    """A question as a run has it."""
    node = Node(id="1", role="button", name="Pay 89.00 EUR", rect=Rect(300, 320, 500, 370), origin=_ORIGIN)
    target = Target("browser", node, Point(400, 345), _ORIGIN, destination=_ORIGIN + "/payment")
    effect = Consequence("buy", "says `pay`", 8900, "EUR", True)
    decision = Decision("ask", ("booking/above-ask-limit",), reason="it costs more")
    return Question(run, 1, Click(at=Point(400, 345)), target, effect, decision)


def _measured(runs: int, requests: int, url: str) -> dict[str, Any]:
    from agent.console.deciding import Wish, decide
    from agent.store.keys import own_key, public_of
    from agent.store.listeners import Listening
    from agent.store.people import Operator
    from agent.store.store import Store
    from policies.approval import card_text, digest_of

    key = own_key()
    with Store(url, pool=5) as store, Listening(store.listeners, "console", public_of(key)):
        for n in range(requests - runs):
            card = card_text(question(f"standing-{n}"), "p" * 64)
            store.requests.ask(f"standing-{n}", card, digest_of(card), 3600, "deny")
        workers = _workers(runs, url)
        try:
            mine = _all_asked(store, runs, requests)
            random.Random(7).shuffle(mine)
            given: dict[str, float] = {}
            for asked in mine:
                decide(store, key, Operator("ada", "approver"), asked, Wish("approved", asked.digest), "console")
                given[asked.run] = time.time()
            heard = [json.loads(line) for one in workers for line in one.communicate(timeout=_START_S)[0].splitlines()]
        finally:
            for one in workers:
                one.kill()
                one.wait()
        return _told(given, heard, store.requests.count(), runs, requests, store.engine.dialect.name)


def _told(
    given: dict[str, float], heard: list[list[Any]], standing: int, runs: int, requests: int, store: str
) -> dict[str, Any]:
    """`heard` is (run, what was answered, when) for each that heard something."""
    right = [1e3 * (at - given[run]) for run, answer, at in heard if answer == "approved"]
    names = [run for run, _, _ in heard]
    ordered = sorted(right) or [0.0]
    return {
        "store": store,
        "runs that waited": runs,
        "questions in all": requests,
        "p50 ms": round(statistics.median(ordered), 1),
        "p95 ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
        "most ms": round(ordered[-1], 1),
        "lost": runs - len(right),
        "twice": len(names) - len(set(names)),
        "still standing": standing,
    }


def _workers(runs: int, url: str) -> list[subprocess.Popen[str]]:
    """Processes that hold the runs; each prints a line for each answer that came."""
    env = {**os.environ, "AGENT_STORE": url, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    count = min(_PROCESSES, runs)
    shares = [range(n, runs, count) for n in range(count)]
    command = [sys.executable, "-m", "agent.bench_console"]
    return [
        subprocess.Popen([*command, *map(str, share)], env=env, stdout=subprocess.PIPE, text=True) for share in shares
    ]


def _all_asked(store: Any, runs: int, requests: int) -> list[Any]:
    """The runs' questions, once all of them stand."""
    until = time.monotonic() + _START_S
    while store.requests.count() < requests:
        if time.monotonic() > until:
            raise StoreUnusable(f"only {store.requests.count()} of {requests} questions came to stand in time")
        time.sleep(0.2)
    return [asked for asked in store.requests.waiting(requests) if asked.run.startswith("live-")]


def _live(numbers: list[str]) -> None:
    """One process's runs, a thread each with an approver of its own."""
    from agent.store.approver import ConsoleApprover
    from agent.store.keys import trusted
    from agent.store.store import Store

    out = threading.Lock()
    with Store(pool=len(numbers)) as store:
        keys = trusted()

        def wait(name: str) -> None:
            said = ConsoleApprover(store, keys, "p" * 64, 600).ask(question(name))
            with out:
                print(json.dumps([name, said.answer, time.time()]), flush=True)

        threads = [threading.Thread(target=wait, args=(f"live-{n}",)) for n in numbers]
        for one in threads:
            one.start()
        for one in threads:
            one.join()


if __name__ == "__main__":
    _live(sys.argv[1:])
