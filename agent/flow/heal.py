"""Healing: where a flow cannot go on, its step is proposed anew, by a model, within what the step was for.

It wraps the player. Once the runtime has waited and looked a second time and the step still cannot be done, the model
(loaded only now) is asked for it. Whatever it proposes must be the same sort of thing, not one that stood there under
its own name before, leading to the same place, and may do nothing worse than what was recorded; the policy judges the
act itself as any other. Where signs on the page speak for another thing than the model does, nothing is done.

The flow is never touched. Each proposal goes into the trail before anything is done by it, and into `flow.patch.yaml`
with a picture of before and after.

What this does not protect against: a page that takes the old words away and gives new ones, under the same address, to
a thing that does something else of the same class. The task's checks and limits hold there, and a person's review.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from actuators.action import Scroll, pointed
from actuators.observation import Node, Observation
from agent.flow import patches
from agent.flow.file import After, Anchor, Flow, FlowAct, FlowStep
from agent.flow.find import FIELDS, find
from agent.flow.heal_file import Change, FlowPatch, Kind, diff, patch_text
from agent.flow.heal_picture import before_and_after
from agent.flow.heal_signs import Candidate, anchored, candidates, clear, dismissals, unfit
from agent.flow.kept import Kept
from agent.flow.player import Player, Trouble, here
from agent.flow.slots import Slots
from agent.outcome import Ending
from agent.parts import Parts
from agent.plan import renamed
from agent.reading import own_nodes
from agent.run_folder import RunFolder
from agent.task import BoundTask
from model.base import Act, Blocked, Done, Finish, Instruction, Model, ModelError, Perception, Reply
from policies.consequence import KINDS

__all__ = ["HEAL", "Heal", "Healer"]

Heal = Literal["off", "suggest", "auto"]
HEAL: tuple[Heal, ...] = ("off", "suggest", "auto")
_MOST = 12
"""Changes in one run; a site that needs more is another site."""
_SCROLLS = 6
_CHEAP = frozenset({"look", "move", "edit", "submit"})


class _Unhealed(Exception):
    """Why nothing is proposed. One line."""


@dataclass(slots=True)
class _Scan:
    """How far the page was looked through for what a lost target has become."""

    number: int
    act: int
    topped: bool = False
    scrolls: int = 0
    over: str = ""
    """Why it has come to nothing."""


class Healer(Kept):
    """A `Model` around a player, and what goes along with the run (`agent.run.Beside`).

    Args:
        player: plays the flow.
        flow: as it was loaded, from `place` with SHA-256 `digest`.
        mode: `suggest` ends the run with a proposal, `auto` goes on with it.
        load: loads the model that is asked, when it is needed for the first time.
        slots: puts inputs in place of their values.
    """

    def __init__(
        self,
        player: Player,
        flow: Flow,
        place: Path,
        digest: str,
        mode: Heal,
        load: Callable[[], Model],
        slots: Slots,
    ) -> None:
        super().__init__(flow, place.parent)
        self._player, self._place, self._digest, self._mode = player, place, digest, mode
        self._load, self._slots = load, slots
        self._model: Model | None = None
        self._changes: list[Change] = []
        self._scan: _Scan | None = None
        self._parts: Parts | None = None
        self._folder: RunFolder | None = None

    # A model

    @property
    def name(self) -> str:
        return self._player.name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """The player's move; where it is blocked for the second time, what the step could be instead."""
        reply = self._player.propose(asked, history, seen, perception)
        trouble = self._player.trouble
        if not isinstance(reply.move, Blocked) or trouble is None:
            return reply
        scan = self._scan
        if scan is None or (scan.number, scan.act) != (trouble.number, trouble.act):
            if not _believed(history):
                return reply
            scan = self._scan = _Scan(trouble.number, trouble.act)
        if scan.over:
            return Reply(Blocked(scan.over), reply.text)
        try:
            if len(self._changes) >= _MOST:
                raise _Unhealed(f"more than {_MOST} steps would be other ones")
            change, mended = self._proposed(trouble, asked, history, seen)
        except _Unhealed as problem:
            if trouble.kind == "lost" and (further := _further(scan, seen)) is not None:
                return Reply(further, f"not healed here: {problem}")
            scan.over = f"{reply.move.reason}; not healed: {problem}"
            return Reply(Blocked(scan.over), reply.text)
        self._changes.append(change)
        self._tell(change)
        if self._mode == "suggest":
            scan.over = f"{reply.move.reason}; a change is suggested: {_in_words(change)}"
            return Reply(Blocked(scan.over), reply.text)
        self._scan = None
        self._player.mend(trouble.number, change.after, mended, done=trouble.kind == "unlike")
        if self._parts is not None and change.after.until != change.before.until:
            self._parts.plan.reword(trouble.number, *map(self._player.filled, _other_names(change)))
        return self._player.propose(asked, history, seen, perception)

    def close(self) -> None:
        if self._model is not None:
            self._model.close()

    # Along with the run

    def begin(self, parts: Parts, folder: RunFolder) -> None:
        self._parts, self._folder = parts, folder

    def closing(self, ending: Ending) -> Ending:
        """How it ended, and that steps of it were not those of the flow."""
        if not self._changes:
            return ending
        count = f"{len(self._changes)} step{'s' if len(self._changes) > 1 else ''}"
        did = "healed" if self._mode == "auto" else "to be reviewed"
        return Ending(ending.outcome, f"{ending.because}; {count} {did}, see flow.patch.yaml", ending.outputs)

    def leave(self, folder: RunFolder, task: BoundTask, ending: Ending, seconds: float) -> None:
        """The patch, whatever the outcome, and the flow as it was. Raises OSError."""
        if self._changes:
            where = str(self._place)
            patch = FlowPatch(flow=where, flow_digest=self._digest, run=folder.id, changes=tuple(self._changes))
            place = folder.path / "flow.patch.yaml"
            aside = place.with_suffix(".new")
            aside.write_text(patch_text(patch))
            aside.replace(place)
        super().leave(folder, task, ending, seconds)

    def told(self) -> Mapping[str, Any]:
        if not self._changes:
            return {}
        key = "healed" if self._mode == "auto" else "suggested"
        return {key: [{"step": one.step, "kind": one.kind, "why": one.why, "by": one.by} for one in self._changes]}

    def diff(self) -> str:
        """What accepting the patch would change; empty without one."""
        return diff(self._flow, tuple(self._changes), self._place.name) if self._changes else ""

    # What to propose

    def _proposed(
        self, trouble: Trouble, asked: Instruction, history: Sequence[Done], seen: Observation
    ) -> tuple[Change, list[FlowAct]]:
        """Raises `_Unhealed`."""
        step = self._player.steps[trouble.number]
        if trouble.act >= len(step.done_by):
            raise _Unhealed("the flow does not say what was done there")
        act = step.done_by[trouble.act]
        match trouble.kind:
            case "unlike":
                kind, acts, node, by = "expectation", [self._expected(act, trouble, asked, history, seen)], None, ""
            case "elsewhere":
                kind, node, by = "page", *self._same_elsewhere(act, asked, history, seen)
                acts = [act.model_copy(update={"page": self._pattern(here(seen))})]
            case "lost":
                kind, acts, node, by = self._replaced(act, asked, history, seen, rule=step.rule)
            case _:
                raise _Unhealed("it is nothing that a model could propose anew")
        after = self._with(step, trouble.act, acts)
        return self._change(trouble, cast(Kind, kind), by, act, node, seen, (step, after)), acts

    def _replaced(
        self, act: FlowAct, asked: Instruction, history: Sequence[Done], seen: Observation, rule: bool
    ) -> tuple[str, list[FlowAct], Node, str]:
        """Another target, or something in between that is put away first. Raises `_Unhealed`."""
        known, nodes = self._known(act), own_nodes(seen)
        found = candidates(act, nodes, known, self._player.filled, self._looks(seen))
        if rule:
            found = _firsts(found)
        signs, wish = clear(found), self._wished(asked, history, seen)
        away = dismissals(nodes, known, self._player.filled)
        if wish is not None and any(wish.id == node.id for node in away):
            return "dialog", [self._put_away(act, wish, seen), act], wish, f"model {self._who}"
        node, by = self._agreed(act, signs, wish, known, found)
        if node is None and len(away) == 1:
            return (
                "dialog",
                [self._put_away(act, away[0], seen), act],
                away[0],
                "signs: it came in between, by its words",
            )
        if node is None:
            raise _Unhealed(by)
        if sum(one.node.role == node.role and one.node.name == node.name for one in found) > 1 and not rule:
            raise _Unhealed(f'several things are {node.role} "{node.name[:60]}"')
        assert act.target is not None
        target = anchored(act.target, node, nodes, self._text)
        again = find(self._player.bound(target), nodes, self._looks(seen))
        if not rule and (again.node is None or again.node.id != node.id):
            raise _Unhealed(f"it would not be found again: {again.problem or 'another thing is'}")
        return "target", [act.model_copy(update={"target": target})], node, by

    def _agreed(
        self,
        act: FlowAct,
        signs: Candidate | None,
        wish: Node | None,
        known: Sequence[str],
        found: Sequence[Candidate],
    ) -> tuple[Node | None, str]:
        """The node and who says so; None and why not."""
        if wish is None:
            if signs is None:
                return None, f"model {self._who} sees nothing for it, and no two signs agree on one thing"
            if signs.node.role not in FIELDS and "words" not in signs.signs:
                there = f'only signs ({", ".join(signs.signs)}) speak for {signs.node.role} "{signs.node.name[:60]}"'
                return None, f"{there}, and its words are others"
            return signs.node, f"signs: {', '.join(signs.signs)}"
        if signs is not None and signs.node.id != wish.id:
            there = f'the signs speak for {signs.node.role} "{signs.node.name[:60]}"'
            return None, f'model {self._who} proposes {wish.role} "{wish.name[:60]}", but {there}'
        if problem := unfit(act, wish, known, self._player.filled):
            return None, f"model {self._who} proposes something else: {problem}"
        mine = next((one.signs for one in found if one.node.id == wish.id), ())
        if act.effect not in _CHEAP and not mine:
            return None, f"only model {self._who} speaks for it, and it would {act.effect or 'do what is not known'}"
        return wish, f"model {self._who}" + (f"; signs: {', '.join(mine)}" if mine else "")

    def _same_elsewhere(
        self, act: FlowAct, asked: Instruction, history: Sequence[Done], seen: Observation
    ) -> tuple[Node, str]:
        """The same thing, on a page at another address. Raises `_Unhealed`."""
        anchor = self._bound(act.target)
        node = find(anchor, own_nodes(seen), self._looks(seen)).node if anchor is not None else None
        if node is None:
            raise _Unhealed("its target is not there either")
        if problem := unfit(act, node, self._known(act), self._player.filled):
            raise _Unhealed(problem)
        wish = self._wished(asked, history, seen)
        if wish is None or wish.id != node.id:
            raise _Unhealed(f"model {self._who} does not propose it there")
        return node, f"model {self._who}; signs: role and name"

    def _expected(
        self, act: FlowAct, trouble: Trouble, asked: Instruction, history: Sequence[Done], seen: Observation
    ) -> FlowAct:
        """Another expectation, where the model says that the step is done and the flow can go on. `_Unhealed`."""
        if act.effect not in _CHEAP:
            raise _Unhealed(f"it was to {act.effect or 'do what is not known'}, and that is not done or done again")
        following = self._after(trouble)
        target = self._bound(following.target) if following is not None else None
        if following is None or target is None or find(target, own_nodes(seen), self._looks(seen)).node is None:
            raise _Unhealed("what comes after it is not there either")
        move = self._asked(asked, history, seen)
        if not isinstance(move, Finish):
            raise _Unhealed(f"model {self._who} does not say that it is done")
        address = self._pattern(here(seen)) if act.after.address else ""
        return act.model_copy(update={"after": After(address=address)})

    def _after(self, trouble: Trouble) -> FlowAct | None:
        steps = self._player.steps
        acts = [*steps[trouble.number].done_by[trouble.act + 1 :]]
        for step in steps[trouble.number + 1 : trouble.number + 2]:
            acts += step.done_by
        return acts[0] if acts else None

    def _put_away(self, act: FlowAct, node: Node, seen: Observation) -> FlowAct:
        """A press on what puts a newcomer away; it is skipped where that is not shown."""
        target = anchored(Anchor(role=node.role), node, own_nodes(seen), self._text)
        return FlowAct(do="click", target=target, page=act.page, effect="edit", maybe=True)

    # What it asks

    @property
    def _who(self) -> str:
        return self._model.name if self._model is not None else "none"

    def _wished(self, asked: Instruction, history: Sequence[Done], seen: Observation) -> Node | None:
        """The node that the model would act on; None where it sees none."""
        move = self._asked(asked, history, seen)
        if not isinstance(move, Act):
            return None
        if move.meant:
            return next((node for node in seen.nodes if node.id == move.meant), None)
        point = pointed(move.action)
        if point is None:
            return next((node for node in seen.nodes if node.focused and node.editable), None)
        return seen.node_at(point)

    def _asked(self, asked: Instruction, history: Sequence[Done], seen: Observation) -> object:
        """Its move. Raises `_Unhealed` where there is no model."""
        try:
            if self._model is None:
                self._model = self._load()
            reply = self._model.propose(asked, history, seen, "both")
        except ModelError as problem:
            raise _Unhealed(f"the model cannot be asked: {problem}") from None
        if self._parts is not None:
            self._parts.trail.event("gui.heal.asked", {"gui.heal.model": self._who}, f"{reply.move.kind}: {reply.text}")
        return reply.move

    # What it is made of

    def _known(self, act: FlowAct) -> tuple[str, ...]:
        known = patches.listed(self._beside / "patches", act.known) if act.known else None
        if known is None or act.effect not in KINDS:
            raise _Unhealed("the flow does not say what else was there; record it anew")
        return known

    def _looks(self, seen: Observation) -> Callable[[str, Sequence[Node]], list[Node]]:
        return lambda digest, nodes: patches.alike(self._beside / "patches", digest, seen.frame.image, nodes)

    def _bound(self, anchor: Anchor | None) -> Anchor | None:
        return self._player.bound(anchor) if anchor is not None else None

    def _text(self, text: str) -> str:
        try:
            clean = self._parts.trail.clean(" ".join(text.split())) if self._parts is not None else text
            return self._slots.template(clean)
        except ValueError as problem:
            raise _Unhealed(f"`{text[:60]}` cannot be kept in a flow: {problem}") from None

    def _pattern(self, path: str) -> str:
        parts = path.split("/")
        return "/".join("*" if any(letter.isdigit() for letter in part) else part for part in parts)

    def _with(self, step: FlowStep, number: int, acts: Sequence[FlowAct]) -> FlowStep:
        """The step with other acts in the place of one, and with the new name where its words say the old one.

        Raises `_Unhealed` for a rule whose words do not say it.
        """
        old, new = step.done_by[number].target, acts[-1].target  # of what is put before it, nothing is said
        told: dict[str, Any] = {"done_by": (*step.done_by[:number], *acts, *step.done_by[number + 1 :])}
        if old is not None and new is not None and old.name and old.name != new.name:
            word = re.compile(rf"(?<!\w){re.escape(old.name)}(?!\w)")
            if step.rule and not word.search(step.do):
                raise _Unhealed("the plan's words do not say its name, so they cannot say another")
            told["do"] = word.sub(lambda _: new.name, step.do)
            told["until"] = renamed(step.until, old.name, new.name)
        return step.model_copy(update=told)

    def _change(
        self,
        trouble: Trouble,
        kind: Kind,
        by: str,
        act: FlowAct,
        node: Node | None,
        seen: Observation,
        steps: tuple[FlowStep, FlowStep],
    ) -> Change:
        picture = ""
        if self._folder is not None:
            patch = act.target.patch if act.target is not None else ""
            old = self._beside / "patches" / f"{patch}.png" if patch else None
            picture = before_and_after(
                self._folder.path / "heal" / f"step-{trouble.number + 1}-{len(self._changes) + 1}.png",
                old, self._named(act), seen.frame.png, node.rect if node is not None else None, seen.url,
            )  # fmt: skip
        by = by or f"model {self._who}"
        number, done = trouble.number + 1, self._mode == "auto"
        before, after = steps
        return Change(
            step=number, kind=kind, why=trouble.why[:500], by=by[:200], done=done, picture=picture, before=before,
            after=after,
        )  # fmt: skip

    def _named(self, act: FlowAct) -> str:
        return f'{act.target.role} "{self._player.filled(act.target.name)}"' if act.target is not None else act.do

    def _tell(self, change: Change) -> None:
        """Into the trail, before anything is done by it."""
        if self._parts is None:
            return
        told = {"gui.heal.step": change.step, "gui.heal.kind": change.kind, "gui.heal.by": change.by}
        told |= {"gui.heal.done": change.done, "detail": change.why}
        self._parts.trail.event("gui.heal", told, _in_words(change))


def _believed(history: Sequence[Done]) -> bool:
    """Whether the runtime has waited and looked again already."""
    return bool(history) and history[-1].note.startswith("blocked")


def _firsts(found: Sequence[Candidate]) -> list[Candidate]:
    """Of several that are called the same, the first: what a rule with `first` means."""
    seen: dict[tuple[str, str], Candidate] = {}
    for one in found:
        seen.setdefault((one.node.role, one.node.name), one)
    return list(seen.values())


def _further(scan: _Scan, seen: Observation) -> Act | None:
    """Where else on the page to look: its top, then further down; None once all of it was seen."""
    if not scan.topped:
        scan.topped = True
        if "above" in seen.more:
            return Act(Scroll(at=seen.screen.rect.centre, dy=-20_000))
    if "below" in seen.more and scan.scrolls < _SCROLLS:
        scan.scrolls += 1
        return Act(Scroll(at=seen.screen.rect.centre, dy=500))
    return None


def _other_names(change: Change) -> tuple[str, str]:
    """The target's name before and after."""
    old = [act.target.name for act in change.before.done_by if act.target is not None]
    new = [act.target.name for act in change.after.done_by if act.target is not None]
    return next((one, other) for one, other in zip(old, new, strict=False) if one != other)


def _in_words(change: Change) -> str:
    acts = [act for act in change.after.done_by if act not in change.before.done_by]
    what = ", ".join(f'{act.target.role} "{act.target.name}"' for act in acts if act.target is not None)
    return f"step {change.step}: {change.kind} {what or 'as it is now'}, by {change.by}"[:400]
