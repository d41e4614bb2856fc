"""What a person sees while a run goes: one line a step on a terminal, plain lines in a pipe, JSON for machines."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from agent.outcome import Ending
from agent.step import Step
from model.base import Act, Ask, Blocked, Finish, Move, Unreadable
from model.protocols.computer_use import summary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

__all__ = ["JsonLines", "Plain", "Rich", "wanted"]


def wanted(step: Step) -> str:
    """What the model wants, in one short line."""
    move: Move | None = step.reply.move if step.reply else None
    match move:
        case Act(action=action):
            return summary(action, step.target)
        case Finish(answer=answer):
            return f"done: {answer}" if answer else "done"
        case Blocked(reason=reason):
            return f"not possible here {reason}".strip()
        case Ask(question=question):
            return f"asks: {question}"
        case Unreadable(problem=problem):
            return f"unreadable reply ({problem})"
        case None:
            return "check"


def verdict(step: Step) -> str:
    """What the policy said and what came of it, in one short line."""
    if step.clearance is None:
        return ""
    decision, approval = step.clearance.decision, step.clearance.approval
    parts: list[str] = [decision.verdict]
    if decision.verdict != "allow" and decision.rules:
        parts.append(f"({', '.join(decision.rules)})")
    if approval is not None:
        parts.append(f"-> {approval.answer}")
    if step.receipt is not None and step.receipt.status != "done":
        parts.append(f"-> {step.receipt.status}: {step.receipt.detail}")
    return " ".join(parts)


class Plain:
    """One line a step without colour or cursor movement: for pipes, logs and CI."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._last = time.monotonic()

    def stage(self, step: Step, name: str) -> None:
        pass

    def step(self, step: Step) -> None:
        took = time.monotonic() - self._last
        self._last = time.monotonic()
        said = verdict(step)
        line = f"{step.index + 1:>3}  {took:5.2f} s  {step.instruction}: {wanted(step)}"
        print(line + (f"  [{said}]" if said else ""), file=self._out, flush=True)
        for odd in step.noticed:
            print(f"     noticed: {odd}", file=self._out, flush=True)
        for told in step.rehearsed:
            print(f"     rehearsed: it {told}", file=self._out, flush=True)

    def end(self, ending: Ending) -> None:
        pass


class JsonLines:
    """One JSON object a step on standard output."""

    def step(self, step: Step) -> None:
        line: dict[str, Any] = {
            "step": step.index,
            "instruction": step.instruction,
            "wanted": wanted(step),
            "verdict": step.clearance.decision.verdict if step.clearance else None,
            "rules": list(step.clearance.decision.rules) if step.clearance else [],
            "receipt": step.receipt.status if step.receipt else None,
        }
        if step.rehearsed:
            line["rehearsed"] = list(step.rehearsed)
        if step.noticed:
            line["noticed"] = list(step.noticed)
        print(json.dumps(line, ensure_ascii=False), flush=True)

    def stage(self, step: Step, name: str) -> None:
        pass

    def end(self, ending: Ending) -> None:
        pass


_COLOURS = {"allow": "green", "ask": "yellow", "rehearse": "yellow", "deny": "red"}


class Rich:
    """A terminal: the current stage below, finished steps above, aligned and coloured."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = time.monotonic()
        self._status: Status | None = None

    def stage(self, step: Step, name: str) -> None:
        if name == "deciding":
            # A question on the terminal must not be painted over.
            self._clear()
            return
        if self._status is None:
            self._status = self._console.status("")
            self._status.start()
        self._status.update(f"[dim]{name}[/dim]  {_escape(step.instruction)}")

    def step(self, step: Step) -> None:
        self._clear()
        took = time.monotonic() - self._last
        self._last = time.monotonic()
        colour = _COLOURS.get(step.clearance.decision.verdict, "dim") if step.clearance else "dim"
        if step.receipt is not None and step.receipt.status != "done":
            colour = "red"
        self._console.print(
            f"[dim]{step.index + 1:>3} {took:5.2f}s[/dim]  {_escape(wanted(step)):<58} "
            f"[{colour}]{_escape(verdict(step))}[/{colour}]  [dim]{_escape(step.instruction)}[/dim]",
            overflow="ellipsis",
            no_wrap=True,
        )
        for odd in step.noticed:
            self._console.print(f"      [yellow]noticed: {_escape(odd)}[/yellow]")
        for told in step.rehearsed:
            self._console.print(f"      [yellow]rehearsed: it {_escape(told)}[/yellow]")

    def end(self, ending: Ending) -> None:
        self._clear()

    def _clear(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape("".join(c if c.isprintable() else "·" for c in text))
