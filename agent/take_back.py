"""What of a run can be taken back, and what cannot: read from its trail, before anything is touched.

What was done on this machine (moving, filling in, what a page keeps in its storage) can be put back from a checkpoint.
What has left the machine cannot: it is named with its recipient, so that a person can turn to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from agent.audit.events import events
from agent.run_folder import RunFolder

__all__ = ["Deed", "Fate", "TakeBack", "deeds_of", "take_back"]

Fate = Literal["undone", "gone", "unknown"]
_QUIET = frozenset({"look", "move", "edit"})


@dataclass(slots=True)
class Deed:
    """One act of a run."""

    step: int
    """From 0, as the trail counts."""
    what: str
    consequence: str
    state: str
    """Digest of the checkpoint from before it; empty where there is none."""
    status: str = ""
    """Of its receipt; empty while no outcome is on the trail."""
    effect: str = ""
    """What looking told afterwards, where somebody looked."""
    sent: list[str] = field(default_factory=list)
    """Requests that left because of it, with their recipient."""

    @property
    def fate(self) -> Fate:
        """Whether it can be undone."""
        kind = self.consequence.split(" ")[0]
        if self.effect == "not_happened" or self.status in ("stale", "refused", "failed"):
            return "undone"
        if self.sent:
            return "gone"
        if self.status == "done" and kind in (*_QUIET, "submit"):
            return "undone"
        return "unknown" if kind not in _QUIET else "undone"

    def line(self) -> str:
        """For a person."""
        taken = "" if self.consequence.split(" ")[0] in _QUIET else f" ({self.consequence})"
        step = f"step {self.step + 1}: {self.what}{taken}"
        match self.fate:
            case "gone":
                return f"{step}: cannot be taken back: it sent {'; '.join(self.sent)}"
            case "unknown":
                return f"{step}: cannot be taken back: whether it happened, and what left because of it, is not known"
            case _:
                why = "it did not happen" if self._nothing else "it stayed on this machine"
                return f"{step}: taken back: {why}"

    @property
    def _nothing(self) -> bool:
        return self.effect == "not_happened" or self.status in ("stale", "refused", "failed")


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A plan: where to go back to, and what becomes of everything since."""

    step: int
    """The step before which the checkpoint was made, from 0."""
    state: str
    since: tuple[Deed, ...]
    unasked: tuple[str, ...] = ()
    """What pages sent on their own since then."""

    @property
    def gone(self) -> tuple[Deed, ...]:
        return tuple(deed for deed in self.since if deed.fate != "undone")

    def instead(self, to: int) -> str:
        """For a person who asked for step `to`, from 1, which has no checkpoint: where this goes to."""
        return f"step {to} has no checkpoint of its own; the last one before is that of step {self.step + 1}"

    def lines(self) -> Iterator[str]:
        """For a person, in the order in which things were done."""
        yield from (deed.line() for deed in self.since)
        yield from (f"a page sent on its own: cannot be taken back: {sent}" for sent in self.unasked)


def deeds_of(folder: RunFolder) -> tuple[list[Deed], list[tuple[int, str]]]:
    """Every act of a run in order, and what its pages sent without one, with the step it belongs to."""
    deeds: dict[int, Deed] = {}
    last: dict[int, Deed] = {}
    unasked: list[tuple[int, str]] = []
    for event in events(folder.journal):
        step = int(event.get("step", -1))
        if event.name == "gui.intent":
            deed = Deed(step, event.body, str(event.get("consequence", "unknown")), str(event.get("state")))
            deeds[event.n] = last[step] = deed
        elif event.name == "gui.outcome" and (found := deeds.get(int(event.get("intent", -1)))) is not None:
            found.status = str(event.get("receipt"))
        elif event.name == "gui.effect" and (found := deeds.get(int(event.get("intent", -1)))) is not None:
            found.effect = str(event.get("effect"))
        elif event.name == "gui.wire" and event.get("released") is True:
            sent = f"{event.get('method')} to {event.get('host')}{event.get('path')}"
            if step in last:
                last[step].sent.append(sent)
            else:
                unasked.append((step, sent))
    return list(deeds.values()), unasked


def take_back(folder: RunFolder, to: int) -> TakeBack | str:
    """How to get back to before step `to` (from 0); a line that says why not where there is no checkpoint.

    The checkpoint is that of the step itself, else the last one before it: checkpoints are made before acts that last.
    """
    deeds, unasked = deeds_of(folder)
    kept = [deed for deed in deeds if deed.state and folder.state(deed.state) is not None]
    before = [deed for deed in kept if deed.step <= to]
    if not before:
        steps = ", ".join(str(deed.step + 1) for deed in kept) or "none"
        gone = "; its checkpoints are gone" if not kept and any(deed.state for deed in deeds) else ""
        return f"there is no checkpoint from step {to + 1} or before; steps with one: {steps}{gone}"
    chosen = before[-1]
    first = deeds.index(chosen)
    later = tuple(sent for step, sent in unasked if step >= chosen.step)
    return TakeBack(chosen.step, chosen.state, tuple(deeds[first:]), later)
