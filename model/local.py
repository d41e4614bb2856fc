"""A Qwen3-VL checkpoint in this process, as a `Model`: prompt, pictures, engine, and back to a `Move`.

Knows nothing about surfaces, policies or runs. Needs the `model` extra; import it through `model.load`.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from actuators.action import Zoom
from actuators.geometry import Point
from actuators.observation import Frame, Node, Observation
from model.base import Act, Done, Finish, Instruction, ModelError, Move, Perception, Reply
from model.course import Course
from model.looking import Looking, image_of
from model.looks import Looks
from model.pointer import Pointer
from model.profile import Profile
from model.protocols import dates, elements, meaning, sums, wish
from model.protocols.asked import quoted
from model.protocols.clauses import clauses
from model.protocols.speech import speech
from model.protocols.spoken import Narrowing, Prompt
from model.qwen3vl.checkpoint import Checkpoint
from model.qwen3vl.confidence import confidences
from model.qwen3vl.constrained import Grammar, ThinkSteering, TokenTable
from model.qwen3vl.engine import Engine, Generated, Steering, Stop
from model.qwen3vl.processor import Encoded, Picture
from model.reading.recall import Recall
from model.reading.shapes import Shape

__all__ = ["QwenModel"]

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_GRAMMARS = 16
"""Compiled grammars kept."""
_FITS = 0.42
"""From here on a node is taken for what an instruction means; see `meaning.meant`."""


class QwenModel:
    """One checkpoint and one conversation. Not thread-safe, except that any thread may set `cancel`.

    Args:
        cancel: the stop button. While it is set, every reply ends with `ReplyCancelled`; whoever set it clears it.
    """

    def __init__(self, checkpoint: Checkpoint, cancel: threading.Event | None = None) -> None:
        self._checkpoint: Checkpoint | None = checkpoint
        self._cancel = cancel
        self._name = checkpoint.name
        self.profile: Profile = checkpoint.profile
        self._processor = checkpoint.processor
        self._recall = Recall(checkpoint.reader) if checkpoint.reader is not None else None
        self._course = Course()
        self._engine: Engine | None = Engine(
            checkpoint.network, seed=self.profile.sampling.seed, most_tokens=checkpoint.most_tokens
        )
        size = int(checkpoint.network.config.text_config.vocab_size)
        self._table = TokenTable(checkpoint.tokenizer, size)
        self._spoken = speech(self.profile)
        self._grammars: dict[str, Grammar] = {}
        self._pointer = Pointer()
        self.last: Generated | None = None
        """Figures of the last reply: forwards, prefill and total seconds."""

    @property
    def name(self) -> str:
        return self._name

    @property
    def digest(self) -> str:
        """SHA-256 of the checkpoint's files, for the audit trail."""
        if self._checkpoint is None:
            raise ModelError("the model is closed")
        return self._checkpoint.digest

    def another(self) -> QwenModel:
        """A further conversation with the same checkpoint, which is in memory once. Raises `ModelError` once closed."""
        if self._checkpoint is None:
            raise ModelError("the model is closed")
        return QwenModel(self._checkpoint, self._cancel)

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """One move. Ends by `profile.deadline_s`.

        A checkpoint with reading heads that is shown pixels alone lists for itself what it reads on them; the nodes
        of the surface and what they were called in the history stay unseen.

        Raises:
            ModelError: timeout, cancelled, out of memory, or a screenshot that is no picture.
        """
        if self._engine is None:
            raise ModelError("the model is closed")
        stop = Stop.after(self.profile.deadline_s, self._cancel)
        if asked.step or self.profile.with_goal:
            return self._propose(asked, history, seen, perception, stop)
        self._course.look(asked, history)
        while True:  # a wish of several acts, for a checkpoint that knows one act at a time
            part = self._course.part(asked)
            reply = self._propose(part, history, seen, perception, stop)
            if not isinstance(reply.move, Finish) or not self._course.more(history):
                return reply

    def _propose(
        self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception, stop: Stop
    ) -> Reply:
        assert self._engine is not None
        recall = self._recall if perception == "pixels" else None
        if recall is not None:
            seen, history, perception = recall.seen(seen), recall.told(history, self._move_of), "both"
        pointer = self._pointer.now(history, seen.screen)
        asked, narrowing = self._offered(asked, history, seen, perception, recall is not None, pointer)
        prompt, images = self._prompt(asked, history, seen, perception)
        look = Looking(self._processor, seen, self._most(perception))
        reply: Reply | None = None
        for left in range(self.profile.zooms, -1, -1):
            encoded = self._processor.encode([*prompt.messages, *look.turns], [*images, *look.pictures])
            may = replace(narrowing, zoom_of=len(prompt.images) - 1 if left else None)
            steering = self._steering(encoded, self._grammar(may))
            out = self._engine.reply(encoded, steering, self.profile.sampling, stop)
            self.last = out
            text = "<think>\n" * encoded.opened_thought + self._table.text(out.ids)
            moves = self._spoken.moves(text, seen.screen, pointer, len(prompt.images))
            reply = self._reply(moves, text, out, encoded, reply)
            if not (left and isinstance(moves[0], Act) and isinstance(moves[0].action, Zoom)):
                break
            look.closer(moves[0].action, text)
        assert reply is not None
        self._pointer.hope(reply.move, len(history), seen.screen)
        return reply

    def _reply(
        self, moves: tuple[Move, ...], text: str, out: Generated, encoded: Encoded, before: Reply | None
    ) -> Reply:
        """The reply with what it took, earlier looks included."""
        sure = confidences([self._table.bytes[i] for i in out.ids], out.chances)
        return Reply(
            move=moves[0],
            text=text,
            confidence=sure[0] if sure else None,
            confidences=sure[: len(moves)],
            prompt_tokens=out.prompt_tokens,
            cached_tokens=out.cached_tokens,
            output_tokens=len(out.ids) + (before.output_tokens if before else 0),
            seconds=out.total_s + (before.seconds if before else 0.0),
            shown=tuple(picture.key.partition("@")[0] for picture in encoded.pictures),
            then=moves[1:],
        )

    def read(self, seen: Observation) -> Observation | None:
        """The observation as the checkpoint's own reading heads see it; None where it has none.

        Raises:
            ModelError: the screenshot is no picture.
        """
        return self._recall.seen(seen) if self._recall is not None else None

    def close(self) -> None:
        """Give the memory back."""
        self._engine = None
        self._checkpoint = None

    def encode(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Encoded:
        """The prompt of one step as the network gets it."""
        prompt, images = self._prompt(asked, history, seen, perception)
        return self._processor.encode(prompt.messages, images)

    def _prompt(
        self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception
    ) -> tuple[Prompt, list[Picture]]:
        told = [_without_thoughts(step) for step in history]
        if not self.profile.with_goal:
            told = told[asked.since :]
        prompt = self._spoken.prompt(asked, told, seen, perception, self.profile.turns)
        most = self._most(perception)
        return prompt, [self._picture(image, most) for image in prompt.images]

    def _most(self, perception: Perception) -> int:
        return self.profile.max_pixels.both if perception == "both" else self.profile.max_pixels.pixels

    def _picture(self, seen: Observation, max_pixels: int) -> Picture:
        frame = seen.frame
        return self._processor.picture(
            frame.digest,
            lambda: image_of(frame),
            _size(frame),
            max_pixels=max_pixels,
            min_pixels=self.profile.min_pixels,
        )

    def _move_of(self, step: Done) -> Move | None:
        """What a step's reply meant, where the model spoke at all."""
        if step.seen is None or not step.reply:
            return None
        return self._spoken.moves(step.reply, step.seen.screen, None, 1)[0]

    def _offered(
        self,
        asked: Instruction,
        history: Sequence[Done],
        seen: Observation,
        perception: Perception,
        reads: bool,
        pointer: Point | None,
    ) -> tuple[Instruction, Narrowing]:
        """The instruction as it is put to the network, and what its reply may say."""
        profile = self.profile
        narrow = profile.points != "any" and perception == "both"
        listed = _left(seen.nodes, asked.rejected) if narrow else []
        meant: list[Node] = []
        if profile.points == "named":
            looks = self._looks(asked, history, listed, seen, reads)
            if (shown := looks.offered()) is not None:
                return shown
            asked = looks.reworded()
            asked, meant = self._understood(asked, history, listed, seen, reads)
        return asked, self._narrowing(asked, seen, listed, meant, reads, pointer)

    def _looks(
        self, asked: Instruction, history: Sequence[Done], listed: Sequence[Node], seen: Observation, reads: bool
    ) -> Looks:
        """The instruction as one about figures and drags."""
        wishes = (self._course.goal, asked.step or asked.goal)
        nodes = elements.without_echoes(listed, wishes, reads)
        told = [node.rect for node in listed if node not in nodes]

        def find(words: str) -> list[Node]:
            return _meant(nodes, replace(asked, goal=f"press {words}", step=""), wishes, seen, reads)

        signs = self._recall.signs if self._recall is not None else _no_signs
        return Looks(asked, history, seen, nodes, told, find, signs, self._nodes_of, self._spoken.grid)

    def _nodes_of(self, seen: Observation) -> Sequence[Node]:
        """What stands on an earlier screen: its nodes, or what is read on it where the surface tells none."""
        return seen.nodes if self._recall is None else self._recall.seen(seen).nodes

    def _understood(
        self, asked: Instruction, history: Sequence[Done], listed: Sequence[Node], seen: Observation, reads: bool
    ) -> tuple[Instruction, list[Node]]:
        """The nodes that an instruction means, and the instruction in the words that go with them.

        A wish to type becomes the sentence of a plan; a thing that is to be found and is not on view becomes a wish to
        open what has not been opened yet.
        """
        if not asked.step and (whole := self._course.together()):
            there = _meant(listed, replace(asked, goal=whole), (self._course.goal, whole), seen, reads)
            if len(there) == 1:
                self._course.join()
                return replace(asked, goal=whole), there
        text = asked.step or asked.goal
        meant = _meant(listed, asked, (self._course.goal, text), seen, reads)
        if asked.step:
            return asked, meant
        if reads and wish.seeks(self._course.goal):
            shown = elements.without_echoes(listed, (self._course.goal, text), reads)
            meant = wish.sought(shown, meant, self._course.searched(history), text)
        if (entry := wish.completion(text)) is not None:
            return self._completed(entry, asked, history, listed)
        if not meant and (sign := wish.folded(text, listed)):
            return replace(asked, goal=f"press {sign[0].name}"), sign
        value = wish.typed(text)
        if value is None:
            value = wish.copied(text, elements.without_echoes(listed, (self._course.goal, text), reads))
        if value is not None and sums.wants_answer(value):
            value = sums.solved(node.name for node in listed)
            listed, meant = wish.largest(wish.fields(listed)), wish.largest(wish.fields(meant))
        if value is not None:
            into = wish.fields(meant) or wish.fields(listed)
            if len(into) == 1:
                return replace(asked, goal=wish.reworded(value, into[0]), values=(value,)), into
            if reads and wish.begun(history[asked.since :]):  # what has the focus now looks otherwise
                return replace(asked, goal=f"type {value} into the field", values=(value,), unfinished=True), []
        elif (day := dates.chosen(text)) is not None:
            return self._towards(day, asked, history, listed) or (asked, meant)
        elif not meant and wish.seeks(self._course.goal):
            unopened = wish.openers(listed, self._course.searched(history), self._course.goal)
            if unopened:
                self._course.search(history)
                looking = replace(asked, goal=f"press {unopened[0].name}", unfinished=True, since=len(history))
                return looking, unopened[:1]
        return asked, meant

    def _completed(
        self, entry: wish.Completion, asked: Instruction, history: Sequence[Done], listed: Sequence[Node]
    ) -> tuple[Instruction, list[Node]]:
        """The next act on the way to an entry of which a wish says how it begins and ends."""
        done = [step.summary for step in history[asked.since :]]
        begun = any(step.startswith("type") for step in done)
        if not begun:
            into = wish.largest(wish.fields(listed))
            named = replace(into[0], name="") if len(into) == 1 else None
            goal = f"type {entry.begins} into the field" if named is None else wish.reworded(entry.begins, named)
            return replace(asked, goal=goal, values=(entry.begins,), unfinished=True), into
        after = done[max(n for n, step in enumerate(done) if step.startswith("type")) + 1 :]
        offered = entry.offered(elements.without_echoes(listed, (self._course.goal, asked.goal), misread=True))
        if offered and not after:
            return replace(asked, goal=f"press {offered[0].name}", unfinished=True, since=len(history)), offered[:1]
        sends = [node for node in listed if node.role == "button" and node.enabled and node.name]
        if after and asked.unfinished and len(sends) == 1 and f'"{sends[0].name}"' not in " ".join(after):
            return replace(asked, goal=f"press {sends[0].name}", since=len(history)), sends  # it has to be sent off
        return asked, []

    def _towards(
        self, day: date, asked: Instruction, history: Sequence[Done], listed: Sequence[Node]
    ) -> tuple[Instruction, list[Node]] | None:
        """One press on the way to a day in a calendar, in the words of a plan; None where nothing leads there."""
        if len(history) > asked.since:  # the day itself was pressed
            return replace(asked, goal=f"press {day.day}"), []
        found = dates.nearer(listed, day)
        if found is None:
            return None
        node, last = found
        if last:
            return replace(asked, goal=f"press {node.name}"), [node]
        self._course.search(history)
        return replace(asked, goal=f"press {node.name or 'the field'}", unfinished=True, since=len(history)), [node]

    def _narrowing(
        self,
        asked: Instruction,
        seen: Observation,
        listed: Sequence[Node],
        meant: Sequence[Node],
        reads: bool,
        pointer: Point | None,
    ) -> Narrowing:
        """What this one reply may say, where the profile narrows it to what is listed, named or given."""
        text = asked.step or asked.goal
        told = self.profile.words == "instruction"
        grid = self._spoken.grid
        return Narrowing(
            points=tuple(elements.points(meant, seen.screen, grid) or elements.centres(listed, seen.screen, grid=grid)),
            words=text if told else "",
            values=(asked.values or (() if asked.step else quoted(text))) if told else (),
            unfinished=asked.unfinished or wish.outstanding(text, meant),
            possible=any(node.enabled for node in meant),
            pressing=bool(meant) or self._may_press_anything(asked, text, reads),
            pointer=pointer is not None,
            replacing=told and wish.replaces(text, meant),
            answer=asked.answer,
        )

    def _may_press_anything(self, asked: Instruction, text: str, reads: bool) -> bool:
        """Whether something may be pressed although nothing is listed that the words mean."""
        by_plan = bool(asked.step) and not reads and not (self.profile.points == "named" and elements.names_one(text))
        return by_plan or len(clauses(text)) > 1

    def _grammar(self, narrowing: Narrowing) -> Grammar:
        """The compiled grammar, kept for as long as the same is asked again and again."""
        lark = self._spoken.grammar(narrowing)
        found = self._grammars.get(lark)
        if found is None:
            if len(self._grammars) >= _MOST_GRAMMARS:
                self._grammars.clear()
            found = self._grammars[lark] = Grammar(self._table, lark)
        return found

    def _steering(self, encoded: Encoded, grammar: Grammar) -> Steering:
        call = grammar.steering(self.profile.max_new_tokens)
        if not self.profile.thinking and not encoded.opened_thought:
            return call
        budget = self.profile.think_budget if self.profile.thinking else 0
        return ThinkSteering(self._table, call, budget, encoded.opened_thought)


def _meant(
    listed: Sequence[Node], asked: Instruction, wishes: Sequence[str], seen: Observation, misread: bool
) -> list[Node]:
    """The nodes that an instruction names: a plan's step to the letter where it can, one free wish by its meaning.

    `wishes` are the instruction and the whole that it may be a part of: a text that only prints one is never meant.
    """
    planned, text = bool(asked.step), asked.step or asked.goal
    listed = elements.without_echoes(listed, wishes, misread)
    exact = elements.named(listed, text)
    if len(clauses(text)) > 1 or (planned and exact and len({node.name for node in exact}) > 1):
        return exact
    loose = meaning.meant(listed, text, seen.screen, misread, seen.frame)
    if not exact or not planned:
        found = list(loose.nodes) if loose.fit >= _FITS else exact if planned else []
        found = [node for node in found if elements.holds_name(node, text)] if planned else found
        return [elements.part_of(node, text) for node in found] if misread else found
    return [node for node in exact if node in loose.nodes] or exact


def _no_signs(seen: Observation, found: Sequence[Shape]) -> dict[Shape, str]:
    """For a checkpoint that cannot read."""
    return {}


def _left(nodes: Sequence[Node], rejected: Sequence[Point]) -> list[Node]:
    """The nodes that have not turned out wrong; all of them once every one has."""
    left = [node for node in nodes if not any(node.rect.contains(point) for point in rejected)]
    return left or list(nodes)


def _without_thoughts(step: Done) -> Done:
    if not step.reply.lstrip().startswith("<think>"):
        return step
    return replace(step, reply=step.reply.split("</think>", 1)[-1].lstrip())


def _size(frame: Frame) -> tuple[int, int]:
    """(width, height) of the screenshot, from the PNG header where there is one."""
    if frame.png.startswith(_PNG) and len(frame.png) >= 24:
        width, height = struct.unpack(">II", frame.png[16:24])
        if width and height:
            return width, height
    return image_of(frame).size
