"""Every part that keeps acts in check is in a list, and each of the list is broken in turn.

A part that is added to `Parts`, or put together in `wired`, and stands in none of the lists fails the first two tests.
"""

from __future__ import annotations

import ast
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import drive
import pytest
from procs import ROOT, Shop, family, gone, running, shop
from world import Fake, Played, booked, button, click, pay, play

from agent.audit.verify import verify
from agent.parts import Parts
from agent.run_folder import list_runs
from model.base import Act, Finish

PAY = pay()
GO = button("Go", 1)
REHEARSED = """@id("all") @because("b") permit (principal, action, resource);
@id("first") @because("b") @escalate("rehearse") forbid (principal, action, resource) when { !context.rehearsed };"""


@dataclass(frozen=True)
class Wall:
    """One part: which of its methods are broken (empty: it is a function itself), and what breaks it in `drive.py`."""

    methods: tuple[str, ...] = ()
    drives: tuple[str, ...] = ()


WALLS = {
    "actuator": Wall(("observe", "target", "perform", "settle"), ("blind_verifier", "blind_hand")),
    "gate": Wall(("clear", "settle"), ("open_gate", "own_mint", "broker_hangs", "broker_dies", "broker_never_greets")),
    "trail": Wall(("step", "phase", "intent", "outcome"), ("journal_breaks", "journal_never_begins")),
    "limits": Wall(("reached", "repeated")),
    "keep_frame": Wall((), ("redactor_raises", "frames_raise")),
    "kept_back": Wall((), ("no_wire", "wire_raises", "wire_says_yes", "broker_dies_at_the_wire")),
    "noticed": Wall(),
    "sent": Wall(),
    "rehearse": Wall(),
    "judge": Wall(),
}
NO_WALL = {
    "model": "what it says is judged",
    "plan": "words for the model",
    "perception": "what the model is shown",
    "watch": "looks on",
    "stop": "an event of the standard library; see test_stopped, test_browser_halt and test_person",
    "settle_s": "a bound",
    "check_s": "a bound",
    "blocked_s": "a bound",
    "looks": "after the act: what it did is found out by looking; see test_reconcile",
    "unanswered": "after the act, as looks",
    "keep_state": "a checkpoint to go back to; see test_rollback",
    "place": "as keep_state",
    "state": "as keep_state",
    "start": "an address for the record",
    "history": "words for the model and the record; see tests/durable",
    "glance": "the nodes read anew for what is simply allowed; the hand still looks before it acts; see test_glance",
    "wheel": "a person's acts go through the same gate; see test_console_runs",
    "wind_up": "after the loop has ended",
}
WIRED = {
    "SecretStore": ("secrets_raise", "secrets_refuse"),
    "Broker": ("broker_hangs", "broker_dies", "broker_never_greets", "own_mint"),
    "Ahead": ("broker_dies", "broker_never_greets"),
    "Gate": ("open_gate",),
    "Verifier": ("blind_verifier",),
    "WireGate": ("no_wire", "wire_raises", "wire_says_yes"),
    "Trail": ("journal_breaks", "journal_never_begins"),
    "redact": ("frames_raise", "redactor_raises"),
    "red_button": ("button_raises",),
    "Alerts": ("alerts_raise",),
    "Noticing": ("noticing_raises",),
    "Rehearser": ("rehearser_raises",),
    "Chromium": ("no_wire",),
    "BrowserActuator": ("blind_hand",),
    "Narrow": (),
    "Limits": (),
}
"""What `wire_up` makes that keeps acts in check, and how a whole run is broken without it."""
FROM = (
    "policies.",
    "sandboxes.",
    "actuators.",
    "agent.red_button",
    "agent.alerts",
    "agent.noticed",
    "agent.audit",
    "agent.limits",
)
PLAIN = {
    "driver",
    "PageKeeper",
    "Unanswered",
    "session_script",
    "About",
    "SecretSpec",
    "origin_of",
    "place_of",
    "known_apps",
    "all_anomalies",
    "State",
    "page_looks",
}
"""Called there too, and only carrying or reading data."""


def test_every_field_of_the_parts_is_in_a_list() -> None:
    known = {one.name for one in fields(Parts)}
    assert known == WALLS.keys() | NO_WALL.keys(), known ^ (WALLS.keys() | NO_WALL.keys())
    assert not WALLS.keys() & NO_WALL.keys()


def _made_in_wire_up() -> set[str]:
    """Names from the packages of the walls that `wire_up` calls."""
    tree = ast.parse((ROOT / "agent" / "wire_up.py").read_text())
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and f"{node.module}.".startswith(tuple(f"{one.rstrip('.')}." for one in FROM))
        for alias in node.names
    }
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            made = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            called |= {made.id} if isinstance(made, ast.Name) else set()
    return imported & called


def test_every_wall_that_is_put_together_is_in_a_list() -> None:
    made = _made_in_wire_up()
    assert {"Broker", "Gate", "Verifier", "WireGate"} <= made
    assert made <= WIRED.keys() | PLAIN, made - WIRED.keys() - PLAIN


def test_every_way_to_break_is_there() -> None:
    named = {name for wall in WALLS.values() for name in wall.drives} | {
        name for names in WIRED.values() for name in names
    }
    missing = [name for name in named if not callable(getattr(drive, name, None))]
    assert missing == []


def _then(world: Fake, action: Any) -> None:
    """The screen after the first act is another one, but not yet the one that the task wants."""
    world.colour += 1


def _broken(name: str, method: str) -> Callable[[Parts], None]:
    def raises(*given: Any, **told: Any) -> Any:
        raise RuntimeError("broken on purpose")

    class Without:
        """The part with one method that raises."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, asked: str) -> Any:
            return raises if asked == method else getattr(self._inner, asked)

    def change(parts: Parts) -> None:
        setattr(parts, name, Without(getattr(parts, name)) if method else raises)

    return change


CASES = [(name, method) for name, wall in WALLS.items() for method in wall.methods or ("",)]
AFTER = {
    ("gate", "settle"),
    ("trail", "outcome"),
    ("kept_back", ""),
    ("sent", ""),
    ("actuator", "settle"),
}
"""Asked only after an act, or while one is going on: it may have happened, and nothing may follow it."""


@pytest.mark.parametrize(("name", "method"), CASES)
def test_a_part_that_raises_ends_the_run(tmp_path: Path, name: str, method: str) -> None:
    rules: tuple[str, ...] = ("booking",)
    if name == "rehearse":
        (tmp_path / "r.cedar").write_text(REHEARSED)
        rules = (str(tmp_path / "r.cedar"),)
    script = [Act(click(GO)), Act(click(PAY)), Finish()]
    found: Played = play(
        tmp_path, script, [GO, PAY], rules=rules, change=_broken(name, method), holds=booked, then=_then
    )
    most = 1 if (name, method) in AFTER else 3 if name == "judge" else 0
    assert len(found.surface.acts) <= most, found.surface.acts
    assert found.ending.outcome in ("error", "unknown_effect"), found.ending
    assert "broken on purpose" in found.ending.because
    if name != "trail":
        assert found.verdict.ok, found.verdict.line()


@pytest.fixture(scope="module")
def store() -> Iterator[Shop]:
    with shop() as one:
        yield one


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("breakage", ["button_raises", "alerts_raise", "noticing_raises", "rehearser_raises"])
def test_a_part_that_does_not_start_or_breaks_stops_a_whole_run(store: Shop, tmp_path: Path, breakage: str) -> None:
    from procs import run

    store.asked.clear()
    more = ("--tier", "rehearse") if breakage == "rehearser_raises" else ()
    found = run(store.task(tmp_path), tmp_path / "runs", *more, breakage=breakage, timeout=100)
    assert store.posts == [] and found.code in (1, 40), found.out + found.err
    assert "broken on purpose" in found.err + found.out and "Traceback" not in found.err


HANGS = ["gate_hangs", "redactor_hangs", "journal_hangs", "wire_hangs", "secrets_hang", "noticing_hangs"]


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("breakage", HANGS)
def test_a_part_that_hangs_lets_nothing_happen_and_can_be_stopped(store: Shop, tmp_path: Path, breakage: str) -> None:
    """It waits for ever; a person's second Ctrl+C ends it, and nothing was bought by then."""
    store.asked.clear()
    runs = tmp_path / "runs"
    arguments = [
        "run",
        str(store.task(tmp_path)),
        "--model",
        "plan",
        "--runs",
        str(runs),
        "--approve",
        "deny",
        "--json",
    ]
    with running(arguments, f"{breakage},tells_hanging") as child:
        assert child.stderr is not None
        assert "hanging" in child.stderr.readline()
        mine = family(child.pid)
        time.sleep(0.3)
        for _ in range(2):
            os.kill(child.pid, signal.SIGINT)
            time.sleep(0.2)
        child.communicate(timeout=60)
        assert store.posts == [] and child.returncode in (1, 30, 40, -signal.SIGINT)  # it may be ending already
        assert gone(mine, 10.0) == []
    for one in list_runs(runs):
        if one.folder.journal.exists():
            assert verify(one.folder.path).problem in ("", "truncated", "signature"), verify(one.folder.path).line()
