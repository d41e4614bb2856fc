"""Asking a person, in the broker's process, about exactly one act on exactly one target.

What is shown comes from the resolved target, never from the model. Text from the screen is shown with everything taken
out that could move a cursor, change the direction of writing or start a new line.

It does not protect against a person who says yes without reading.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
import termios
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from actuators.action import (
    Action,
    Click,
    Drag,
    Hover,
    LaunchApp,
    LongPress,
    OpenUrl,
    PressKeys,
    Scroll,
    Swipe,
    SystemButton,
    TypeText,
    Wait,
    Zoom,
    action_digest,
)
from actuators.observation import Target
from actuators.permit import approved_bytes
from policies.consequence import Consequence
from policies.decision import Approval, Decision
from policies.money import Money
from policies.sent import Sent

__all__ = ["Approver", "DenyApprover", "Pen", "Question", "TtyApprover", "card"]

_LONGEST = 160
"""Characters of any one text from the screen that a person is shown."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked about."""

    run: str
    step: int
    action: Action
    target: Target
    consequence: Consequence
    decision: Decision
    sent: Sent | None = None
    """The request that waits at the wire, when it is about one and not about an act."""
    told: tuple[str, ...] = ()
    """What a rehearsal of the act showed."""
    seen: str = ""
    """Digest of the screen on which it was decided."""
    recipients: tuple[str, ...] = ()
    """Whom it is for, as far as that can be told."""

    def answered(self, answer: Approval) -> Approval:
        """The answer, bound to this act on this target, or to this request."""
        if self.sent is not None:
            return replace(answer, action_digest=self.sent.digest, target_digest="")
        return replace(answer, action_digest=action_digest(self.action), target_digest=self.target.digest)


class Pen:
    """Signs what was approved, with a key of its own that is neither the broker's nor ever in the agent's process."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    @property
    def public_key(self) -> bytes:
        """32 raw bytes."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, body: str, approval: Approval) -> bytes:
        """The second signature under a permit, for exactly the act on exactly the target that a person said yes to.

        Raises:
            ValueError: that is not what was approved.
        """
        terms = json.loads(body)
        said = (approval.answer, approval.action_digest, approval.target_digest)
        if said != ("approved", terms["action_digest"], terms["target_digest"]):
            raise ValueError("this is not what was approved")
        return self._key.sign(approved_bytes(body))


class Approver(Protocol):
    """Someone who can say yes."""

    def ask(self, question: Question) -> Approval:
        """One answer to one question, in bounded time. Anything but a clear yes is not `approved`. Never raises."""
        ...


class DenyApprover:
    """Nobody is there."""

    def __init__(self, why: str = "no approver") -> None:
        self.why = why

    def ask(self, question: Question) -> Approval:
        return question.answered(Approval("nobody", self.why))


class TtyApprover:
    """Asks on the controlling terminal, which it opens itself; without one it answers for nobody.

    Args:
        timeout_s: seconds to wait for a line; then the answer is `timeout`.
    """

    def __init__(self, timeout_s: float = 60.0) -> None:
        self._timeout_s = timeout_s

    @staticmethod
    def missing() -> str:
        """Why nobody can be asked here; empty when a terminal is there."""
        try:
            end = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return "no terminal to ask on"
        try:
            return "" if os.tcgetpgrp(end) == os.getpgrp() else "the run is not in the terminal's foreground"
        except OSError:
            return "no terminal to ask on"
        finally:
            os.close(end)

    def ask(self, question: Question) -> Approval:
        if why := self.missing():
            return question.answered(Approval("nobody", why))
        began = time.monotonic()
        try:
            with interruptible():
                line = self._line(question)
        except KeyboardInterrupt:
            return question.answered(Approval("denied", "the run was stopped", time.monotonic() - began))
        except (OSError, termios.error) as error:
            return question.answered(Approval("nobody", f"the terminal failed: {type(error).__name__}"))
        waited = time.monotonic() - began
        if line is None:
            return question.answered(Approval("timeout", "", waited))
        yes = line.strip().lower() in ("y", "yes")
        return question.answered(Approval("approved" if yes else "denied", f"tty:{_user()}", waited))

    def _line(self, question: Question) -> str | None:
        """What was typed after the question was shown, up to the line's end; None when time ran out."""
        end = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            termios.tcflush(end, termios.TCIFLUSH)  # what was typed before the question is no answer to it
            os.write(end, ("\n".join(card(question)) + f"\nAllow? [y/N, {self._timeout_s:.0f} s] ").encode())
            return self._typed(end)
        finally:
            os.close(end)

    def _typed(self, end: int) -> str | None:
        deadline = time.monotonic() + self._timeout_s
        kept = b""
        while b"\n" not in kept and len(kept) < 64:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([end], [], [], left)[0]:
                os.write(end, b"\nno answer in time: not allowed\n")
                return None
            part = os.read(end, 64)
            if not part:
                break
            kept += part
        return kept.decode("ascii", "replace")


@contextmanager
def interruptible() -> Iterator[None]:
    """While a question stands, Ctrl+C answers it with no; at any other time the broker ignores it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def card(question: Question) -> list[str]:
    """The question as lines of text: what, on what, where, where it leads, what it costs, and which rule asks."""
    target, found = question.target, question.consequence
    where = clean(target.origin or target.app or target.window or "an unknown place")
    lines = [f"-- step {question.step + 1} of run {clean(question.run)} needs a yes --"]
    if question.sent is not None:
        lines += _request(question.sent)
    else:
        lines.append(f"  would   {deed(question)}")
    lines.append(f"  in      {where} ({target.surface})")
    if target.destination:
        lines.append(f"  leads   to {clean(target.destination)}")
    lines.append(f"  effect  {found.kind}" + (f": {clean(found.why)}" if found.why else ""))
    if found.kind == "buy":
        known = found.amount_minor is not None
        lines.append(f"  costs   {Money(found.amount_minor or 0, found.currency) if known else 'UNKNOWN'}")
    lines += [f"  rehearsed: it {clean(line)}" for line in question.told[:12]]
    lines.append(f"  why ask {clean(question.decision.reason)} [{', '.join(question.decision.rules)}]")
    return lines


def deed(question: Question) -> str:
    """What would be done, and to what, in one line."""
    if question.sent is not None:
        return f"let the page send {clean(question.sent.shown)}"
    action, target = question.action, question.target
    return f"{_act(action)} {_thing(target)}{_onto(action, target)}"


def _request(sent: Sent) -> list[str]:
    """What would be sent, without the values: names of fields, and amounts."""
    names = ", ".join(clean(part.name) + (" (a file)" if part.file else "") for part in sent.parts[:12])
    body = f"{sent.size} bytes: {names}" if sent.readable else "something that cannot be read"
    return [f"  would   let the page send {clean(sent.shown)}", f"  with    {body or 'nothing'}"]


def _thing(target: Target) -> str:
    node = target.node
    if node is None:
        return f"something unknown at {target.point.x}, {target.point.y}" if target.point else "something unknown"
    return (
        f'{clean(node.role) or "thing"} "{clean(node.name)}"' if node.name else f"a {clean(node.role)} without a name"
    )


def _onto(action: Action, target: Target) -> str:
    """Where a drag would let go."""
    if not isinstance(action, Drag):
        return ""
    drop = target.drop
    return f' onto {clean(drop.role) or "thing"} "{clean(drop.name)}"' if drop else " onto something unknown"


def _act(action: Action) -> str:
    match action:
        case Click(button="left", count=1):
            return "click"
        case Click(button=button, count=count):
            return f"click ({button}, {count} times)"
        case TypeText(text=text):
            return f'type "{clean(text)}" into'
        case PressKeys(keys=keys):
            return f"press {clean('+'.join(keys))} in"
        case OpenUrl(url=url):
            return f"open {clean(url)} from"
        case LaunchApp(name=name):
            return f"start {clean(name)} from"
        case SystemButton(button=button):
            return f"press the {button} button in"
        case Drag() | Swipe() | LongPress() | Hover() | Scroll() | Wait() | Zoom():
            return action.kind.replace("_", " ")
        case _:
            assert_never(action)


def clean(text: str) -> str:
    """`text` on one line with nothing that a terminal would obey or that would rearrange what is read."""
    kept = (c if unicodedata.category(c)[0] not in "CZ" or c == " " else " " for c in text)
    flat = " ".join("".join(kept).split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 3] + "..."


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
