"""Plays a flow: a `Model` without a model. It wishes what was done once, on what is found again by what it was.

It goes through the ordinary loop, so every act is judged, recorded and checked as a model's would be. What is not found
for certain, is on another page, or did not change what it changed then is `Blocked`: the runtime looks once more and
ends the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin, urlsplit

from actuators.action import Action, Click, Hover, LongPress, OpenUrl, PressKeys, Scroll, TypeText, Wait
from actuators.geometry import Point
from actuators.observation import Node, Observation
from agent.flow.file import After, Anchor, Flow, FlowAct, FlowStep
from agent.flow.find import Found, find, fits, leads_of, plain
from agent.flow.patches import alike
from agent.reading import own_nodes
from agent.template import Value, render
from model.base import Act, Blocked, Done, Finish, Instruction, Move, Perception, Reply
from model.planned import PlanReader

__all__ = ["Player", "Trouble", "here"]

_LOOKING = (Scroll, Wait)
_SCROLL_PX = 500
_TOP_PX = -20_000
_MOST_SCROLLS = 12
_PATIENCE_S = 3.0
"""What the runtime waits by itself before it looks once more."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Where a flow cannot go on, and why."""

    number: int
    """Of the step, from 0."""
    act: int
    """Of the act in it, from 0."""
    kind: Literal["lost", "elsewhere", "unlike", "other"]
    """lost: its target is not there for certain. elsewhere: another page. unlike: what it changed is not so."""
    why: str
    found: Found | None = None


@dataclass(slots=True)
class _Going:
    """How far one step of the flow has come."""

    number: int
    since: int
    act: int = 0
    did: list[str] = field(default_factory=list)
    """Kinds of what was performed for this act."""
    proposed: str = ""
    at: int = 0
    """Length of the history when that was proposed."""
    scrolls: int = 0
    waited: bool = False
    reached: bool = False
    """It was scrolled to the top already."""
    searched: bool = False
    """All of the page was looked through."""


class Player:
    """Replays the steps of a flow with the values of a bound task. `beside` is the folder with the patches."""

    def __init__(self, flow: Flow, values: Mapping[str, Value], secrets: Sequence[str], beside: Path) -> None:
        self._steps = [step.model_copy() for step in flow.steps]
        self._mended: set[FlowAct] = set()
        self.trouble: Trouble | None = None
        """Why the last answer was `Blocked`; None for any other answer."""
        self._fill: Callable[[str], str] = lambda text: render(text, values, secrets)
        self._patches = beside / "patches"
        self._reader = PlanReader()
        self._going = _Going(-1, -1)

    @property
    def name(self) -> str:
        return "flow"

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """The next act of the current step, `Finish` after its last, `Blocked` where it must not go on."""
        step, self.trouble = self._steps[asked.number], None
        move = self._ruled(asked, history, seen) if step.rule else self._next(asked, history, seen)
        if isinstance(move, Blocked):
            at = 0 if step.rule else self._going.act
            self.trouble = self.trouble or Trouble(asked.number, at, "lost" if step.rule else "other", move.reason)
            move = replace(move, reason=f"step {asked.number + 1} of the flow: {move.reason}")
        return Reply(move, f"{type(move).__name__}: {step.do}")

    @property
    def steps(self) -> tuple[FlowStep, ...]:
        """The steps as they are played, mended ones included."""
        return tuple(self._steps)

    def filled(self, text: str) -> str:
        """A text with this run's values in place of its templates."""
        return self._fill(text)

    def mend(self, number: int, step: FlowStep, mended: Sequence[FlowAct], done: bool = False) -> None:
        """Go on with another step in the place of one; `mended` are those of its acts that were never recorded.

        They may do nothing worse than what they stand in for was judged to do. With `done` the act itself has been
        done, and only what is expected of it is another: it is not done again.
        """
        self._steps[number] = step
        self._mended.update(mended)
        did = self._going.did if done else []
        self._going = replace(self._going, did=did, proposed="", scrolls=0, waited=False, reached=False, searched=False)

    def close(self) -> None:
        """Nothing to end."""

    def _ruled(self, asked: Instruction, history: Sequence[Done], seen: Observation) -> Move:
        """By the plan's own words; but what they name must be one thing, unless they say `first`."""
        step = self._steps[asked.number]
        mended = next((act for act in step.done_by if act in self._mended), None)
        if mended is not None:
            asked = replace(asked, step=self._fill(step.do))
        move = self._reader.propose(asked, history, seen, "both").move
        if not isinstance(move, Act) or not isinstance(move.action, Click):
            return move
        at = move.action.at
        node = next((one for one in seen.nodes if one.rect.centre == at and one.role not in ("text", "heading")), None)
        if node is None:
            return move
        twins = [one for one in own_nodes(seen) if one.role == node.role and plain(one.name) == plain(node.name)]
        if len(twins) > 1 and " first " not in f" {asked.step.casefold()} ":
            return Blocked(f'{len(twins)} things are {node.role} "{node.name[:60]}", and which is meant cannot be told')
        if mended is None:
            return replace(move, meant=node.id)
        return replace(move, meant=node.id, most=mended.effect, wish=asked.step)

    def _next(self, asked: Instruction, history: Sequence[Done], seen: Observation) -> Move:
        going = self._going
        if (going.number, going.since) != (asked.number, asked.since):
            going = self._going = _Going(asked.number, asked.since)
        self._note(going, history)
        acts = self._steps[asked.number].done_by
        while going.act < len(acts):
            act = acts[going.act]
            move = self._move(act, going, seen)
            if move is None:
                self._going = going = _Going(going.number, going.since, going.act + 1)
                continue
            if isinstance(move, Act):
                going.proposed, going.at = _kind(move.action), len(history)
                mended = act in self._mended and not isinstance(move.action, _LOOKING)
                return replace(
                    move,
                    still=self._still(act, going, move.action),
                    most=act.effect if mended else "",
                    wish=self._what(act) if mended or act.maybe else "",
                )
            return move
        if not asked.unfinished:
            return Finish()
        return Blocked("what the plan waits for is not so" + ("" if acts else "; it was so already when recorded"))

    def _still(self, act: FlowAct, going: _Going, action: Action) -> bool:
        """Whether what follows this may go by the same picture: the rest of filling a field, or the next field."""
        if not act.still:
            return False
        if act.do in ("fill", "choose") and isinstance(action, Click):
            return True
        following = self._following(going)
        return following is not None and following.page == act.page and _in_place(following)

    def _following(self, going: _Going) -> FlowAct | None:
        """What was done next; None where that depends on what is shown then."""
        acts = self._steps[going.number].done_by[going.act + 1 :]
        if not acts and going.number + 1 < len(self._steps) and not self._steps[going.number + 1].rule:
            acts = self._steps[going.number + 1].done_by
        return acts[0] if acts else None

    def _note(self, going: _Going, history: Sequence[Done]) -> None:
        """Whether what was proposed last has been performed."""
        if going.proposed and any(not done.note for done in history[going.at :]):
            going.did.append(going.proposed)
        going.proposed = ""

    def _move(self, act: FlowAct, going: _Going, seen: Observation) -> Move | None:
        """What to do for one act now; None when it is over and what it changed is so."""
        if _done(act, going.did):
            return self._checked(act, going, seen)
        if act.page and (wrong := self._elsewhere(act.page, seen)):
            return None if act.maybe else self._patient(act, going, wrong, "elsewhere")
        if act.target is None:
            return self._unaimed(act, seen)
        anchor = self.bound(act.target)
        found = find(
            anchor, own_nodes(seen), lambda digest, nodes: alike(self._patches, digest, seen.frame.image, nodes)
        )
        if found.node is None:
            return None if act.maybe else self._search(act, going, seen, found)
        if act.do == "click" and act.leads and not fits(self._fill(act.leads), leads_of(found.node)):
            there = leads_of(found.node) or "nowhere"
            told = f"{self._what(act)} leads to `{there}`, not to `{act.leads}`"
            return self._patient(act, going, told, "lost", Found(None, problem=told))
        going.scrolls = 0
        return self._aimed(act, going, found.node)

    def bound(self, anchor: Anchor) -> Anchor:
        """An anchor with this run's values in place of its templates."""
        near = tuple(one.model_copy(update={"name": self._fill(one.name)}) for one in anchor.near)
        return anchor.model_copy(update={"name": self._fill(anchor.name), "row": self._fill(anchor.row), "near": near})

    def _search(self, act: FlowAct, going: _Going, seen: Observation, found: Found) -> Move:
        """Not in sight: further down, once from the top; then it is not there."""
        if going.searched:
            return self._patient(act, going, found.problem, "lost", found)
        if going.scrolls == 0 and "above" in seen.more and not going.reached:
            going.reached = True
            return Act(Scroll(at=seen.screen.rect.centre, dy=_TOP_PX))
        if "below" in seen.more and going.scrolls < _MOST_SCROLLS:
            going.scrolls += 1
            return Act(Scroll(at=seen.screen.rect.centre, dy=_SCROLL_PX))
        going.searched = True
        return self._patient(act, going, found.problem, "lost", found)

    def _patient(
        self,
        act: FlowAct,
        going: _Going,
        problem: str,
        kind: Literal["lost", "elsewhere", "unlike"],
        found: Found | None = None,
    ) -> Move:
        """A page that took long when it was recorded is given as long again before it counts as not there."""
        if act.settled_s > _PATIENCE_S and not going.waited:
            going.waited = True
            return Act(Wait(seconds=min(act.settled_s, 30.0)))
        going.reached = False
        self.trouble = Trouble(going.number, going.act, kind, problem, found)
        return Blocked(problem)

    def _unaimed(self, act: FlowAct, seen: Observation) -> Move:
        match act.do:
            case "open":
                return Act(OpenUrl(url=urljoin(seen.url, self._fill(act.url))))
            case "keys":
                return Act(PressKeys(keys=act.keys))
            case _:
                focused = any(node.focused for node in seen.nodes)
                return (
                    Act(TypeText(text=self._fill(act.text)))
                    if focused
                    else Blocked("nothing has the focus to type into")
                )

    def _aimed(self, act: FlowAct, going: _Going, node: Node) -> Move | None:
        if not node.enabled:
            return Blocked(f'{node.role} "{node.name[:60]}" is disabled')
        at = node.rect.centre
        match act.do:
            case "click":
                if act.after.checked is not None and node.checked == act.after.checked:
                    return None
                action = Click(at=at, button=act.button, count=act.count, modifiers=act.modifiers)
                return Act(action, meant=node.id)
            case "hover":
                return Act(Hover(at=at), meant=node.id)
            case "long_press":
                return Act(LongPress(at=at), meant=node.id)
            case "keys":
                return Act(PressKeys(keys=act.keys), meant=node.id) if node.focused else _focus(node, going, at)
            case "choose":
                text = self._fill(act.text)
                if plain(node.value) == plain(text):
                    return None
                return Act(TypeText(text=text), meant=node.id) if node.focused else _focus(node, going, at)
            case _:
                text = self._fill(act.text)
                if node.value == text:
                    return None
                if node.focused and (not node.filled or "select" in going.did):
                    return Act(TypeText(text=text), meant=node.id)
                return _focus(node, going, at)

    def _elsewhere(self, page: str, seen: Observation) -> str:
        at = here(seen)
        return "" if fits(self._fill(page), at) else f"the page is at `{at}`, not at `{page}`"

    def _checked(self, act: FlowAct, going: _Going, seen: Observation) -> Move | None:
        """None when everything that the act changed when recorded is so now."""
        wrong = self._unlike(act.after, act, seen)
        if not wrong:
            return None
        return self._patient(act, going, f"`{self._what(act)}` was done, but {wrong}", "unlike")

    def _unlike(self, after: After, act: FlowAct, seen: Observation) -> str:
        at = here(seen)
        if after.address and not fits(after.address, at):
            return f"the page is at `{at}`, not at `{after.address}`"
        names = {plain(node.name) for node in own_nodes(seen)}
        if missing := [text for text in after.shown if plain(self._fill(text)) not in names]:
            return self._unseen(missing[0], seen)
        if act.target is None or (
            after.value is None and after.filled is None and after.checked is None and not after.gone
        ):
            return ""
        node = find(self.bound(act.target), own_nodes(seen)).node
        if after.gone:
            return f"{act.target.role} `{act.target.name}` is still shown" if node is not None else ""
        if node is None:  # what it says now may depend on its state; the next step looks for what it needs
            return ""
        if after.value is not None and node.value != self._fill(after.value):
            return f"the field holds `{node.value[:60]}`, not `{self._fill(after.value)}`"
        if after.filled is not None and node.filled != after.filled:
            return "the field is empty"
        if after.checked is not None and node.checked != after.checked:
            return f"it is {'on' if node.checked else 'off'}"
        return ""

    def _unseen(self, text: str, seen: Observation) -> str:
        """A heading may lie out of sight on a page that is scrolled; only where all is shown is it missing."""
        return "" if seen.more else f"the heading `{text}` is not shown"

    def _what(self, act: FlowAct) -> str:
        on = f' {act.target.role} "{self._fill(act.target.name)}"' if act.target is not None else ""
        return f"{act.do}{on}"


def _focus(node: Node, going: _Going, at: Point) -> Move:
    """A click that gives a field the focus; three where something in it is to be replaced."""
    if sum(kind in ("click", "select") for kind in going.did) > 1:
        return Blocked(f'{node.role} "{node.name[:60]}" does not take the focus')
    again = node.filled and node.tag != "select"
    return Act(Click(at=at, count=3 if again else 1), meant=node.id)


def here(seen: Observation) -> str:
    """Path of the page's address."""
    return urlsplit(seen.url).path


def _in_place(act: FlowAct) -> bool:
    """Whether an act only fills in a field, of which nothing is sent."""
    return act.still and (act.do in ("fill", "choose") or act.after.checked is not None)


def _kind(action: Action) -> str:
    if isinstance(action, Click) and action.count == 3:
        return "select"
    return action.kind


_LAST = {
    "click": ("click", "select"), "fill": ("type_text",), "choose": ("type_text",), "type": ("type_text",),
    "keys": ("press_keys",), "open": ("open_url",), "hover": ("hover",), "long_press": ("long_press",),
}  # fmt: skip


def _done(act: FlowAct, did: Sequence[str]) -> bool:
    return any(kind in _LAST[act.do] for kind in did)
