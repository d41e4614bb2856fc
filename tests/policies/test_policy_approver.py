"""The terminal approver, driven over a real pseudo-terminal in a process that has it as its controlling one."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from policy_cases import CLICK, field, node, pay, target

import policies
from actuators.action import OpenUrl, PressKeys, TypeText
from policies.approver import DenyApprover, Question, card, clean
from policies.consequence import Consequence
from policies.decision import Decision

ROOT = str(Path(policies.__file__).resolve().parent.parent)

RUN = """
import fcntl, json, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.path.insert(0, sys.argv[1])
from policies.broker import Broker
from policy_cases import case, narrow, pay
if sys.argv[2] != "none":
    fcntl.ioctl(int(sys.argv[2]), termios.TIOCSCTTY, 0)
with Broker("run-1", ["booking"], narrow(), approve="tty", approve_s=float(sys.argv[3])) as broker:
    print(broker.approver, flush=True)
    sys.stdin.readline()
    told = broker.clear(case(pay("Pay 900.00 EUR")))
    print(json.dumps([told.approval.answer, told.approval.by, told.permit is not None]), flush=True)
"""


def asked(typed: bytes | None, early: bytes = b"", timeout_s: float = 20.0) -> tuple[Any, str]:
    """What came of it, and what stood on the terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", RUN, str(Path(__file__).parent), str(theirs), str(timeout_s)]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ROOT},
        pass_fds=(theirs,),
        start_new_session=True,
        text=True,
    )
    try:
        assert child.stdin and child.stdout and child.stdout.readline() == "tty\n"
        if early:
            os.write(ours, early)
            time.sleep(0.1)
        child.stdin.write("go\n")
        child.stdin.flush()
        shown = until(ours, "s] ")
        if typed is not None:
            os.write(ours, typed)
        return json.loads(child.stdout.readline()), shown
    finally:
        child.kill()
        child.communicate()
        os.close(ours)
        os.close(theirs)


def until(end: int, mark: str) -> str:
    shown = ""
    while mark not in shown and select.select([end], [], [], 10)[0]:
        shown += os.read(end, 4096).decode()
    return shown


@pytest.mark.parametrize(
    ("typed", "answer"),
    [(b"y\n", "approved"), (b"YES\n", "approved"), (b"\n", "denied"), (b"n\n", "denied"), (b"yy\n", "denied")],
)
def test_only_a_clear_yes_is_a_yes(typed: bytes, answer: str) -> None:
    (said, by, permitted), shown = asked(typed)
    assert (said, permitted) == (answer, answer == "approved") and by.startswith("tty:")
    assert "900.00 EUR" in shown and "booking/above-ask-limit" in shown and "https://air.example" in shown


def test_ctrl_c_at_the_question_is_a_no() -> None:
    (said, by, permitted), _ = asked(b"\x03")
    assert (said, by, permitted) == ("denied", "the run was stopped", False)


def test_no_answer_in_time_is_no_and_early_typing_is_no_answer() -> None:
    (said, _, permitted), _ = asked(None, early=b"y\n", timeout_s=0.5)
    assert (said, permitted) == ("timeout", False)


def test_without_a_terminal_nobody_is_asked_and_it_is_said() -> None:
    child = subprocess.run(
        [sys.executable, "-c", RUN, str(Path(__file__).parent), "none", "5"],
        input="go\n",
        capture_output=True,
        env={**os.environ, "PYTHONPATH": ROOT},
        start_new_session=True,
        text=True,
        check=True,
        timeout=60,
    )
    first, second = child.stdout.splitlines()
    assert first == "no terminal to ask on"
    assert json.loads(second) == ["nobody", "no terminal to ask on", False]


def question(**told: Any) -> Question:
    told.setdefault("target", pay("Pay 900.00 EUR"))
    told.setdefault("consequence", Consequence("buy", "says `pay`", 90000, "EUR", True))
    told.setdefault("decision", Decision("ask", ("booking/above-ask-limit",), reason="it is dear"))
    return Question("run-1", 3, told.pop("action", CLICK), **told)


def test_the_card_says_what_would_happen_from_the_target() -> None:
    assert card(question()) == [
        "-- step 4 of run run-1 needs a yes --",
        '  would   click button "Pay 900.00 EUR"',
        "  in      https://air.example (browser)",
        "  effect  buy: says `pay`",
        "  costs   900.00 EUR",
        "  why ask it is dear [booking/above-ask-limit]",
    ]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"consequence": Consequence("buy")}, "  costs   UNKNOWN"),
        ({"target": target(None)}, "  would   click something unknown at 5, 5"),
        ({"action": TypeText(text="Ada"), "target": target(field())}, '  would   type "Ada" into textbox "Name"'),
        ({"action": PressKeys(keys=("enter",))}, '  would   press enter in button "Pay 900.00 EUR"'),
        (
            {"action": OpenUrl(url="https://b.example/x")},
            '  would   open https://b.example/x from button "Pay 900.00 EUR"',
        ),
        ({"target": target(node("button", ""))}, "  would   click a button without a name"),
        ({"target": target(node(), destination="https://b.example/x")}, "  leads   to https://b.example/x"),
    ],
)
def test_the_card_names_each_kind_of_act(told: dict[str, Any], line: str) -> None:
    assert line in card(question(**told))


@pytest.mark.parametrize("evil", ["a\x1b[2Jb", "a\nAllow? [y/N] y", "a\rb", "a\u202eb", "a\u200bb", "a\x07", "\x9b1m"])
def test_text_from_the_screen_cannot_steer_the_terminal(evil: str) -> None:
    flat = clean(evil)
    assert flat.isprintable() and "\n" not in flat
    lines = card(question(target=pay(evil)))
    assert len(lines) == 6 and all(line.isprintable() for line in lines)


def test_a_long_text_is_cut() -> None:
    assert len(clean("x" * 5000)) == 160


def test_nobody_answers_at_once_and_is_bound() -> None:
    one = question()
    answer = DenyApprover("nobody here").ask(one)
    assert (answer.answer, answer.by, answer.waited_s) == ("nobody", "nobody here", 0.0)
    assert answer.target_digest == one.target.digest and len(answer.action_digest) == 64
