"""A Qwen3-VL checkpoint in this process, as a `Model`: prompt, pictures, engine, and back to a `Move`.

Knows nothing about surfaces, policies or runs. Needs the `model` extra; import it through `model.load`.
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from PIL.Image import DecompressionBombError, Image

from actuators.action import pointed
from actuators.geometry import Point
from actuators.observation import Frame, Node, Observation, Target
from model.base import Act, Done, Finish, Instruction, ModelError, Perception, Reply
from model.profile import Profile
from model.protocols import asked as wording
from model.protocols import computer_use, elements, meaning
from model.protocols.clauses import clauses
from model.qwen3vl.checkpoint import Checkpoint
from model.qwen3vl.confidence import confidence
from model.qwen3vl.constrained import Grammar, ThinkSteering, TokenTable
from model.qwen3vl.engine import Engine, Generated, Steering, Stop
from model.qwen3vl.processor import Encoded, Picture

__all__ = ["QwenModel"]

_PNG = b"\x89PNG\r\n\x1a\n"
_READ = 40
"""Screens whose reading is remembered, for the history."""
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
        self._reader = checkpoint.reader
        self._read: OrderedDict[str, tuple[Node, ...]] = OrderedDict()
        self._course = _Course()
        self._engine: Engine | None = Engine(checkpoint.network, seed=self.profile.sampling.seed)
        size = int(checkpoint.network.config.text_config.vocab_size)
        self._table = TokenTable(checkpoint.tokenizer, size)
        self._grammar = Grammar(self._table, computer_use.grammar(self.profile.action_line))
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
        while True:  # a wish of several acts, for a checkpoint that knows one act at a time
            part = self._course.part(asked, history)
            reply = self._propose(part, history, seen, perception, stop)
            if not isinstance(reply.move, Finish) or not self._course.more(history):
                return reply

    def _propose(
        self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception, stop: Stop
    ) -> Reply:
        assert self._engine is not None
        if reads := perception == "pixels" and self._reader is not None:
            seen, history, perception = self._as_read(seen), self._in_own_words(history), "both"
        encoded = self.encode(asked, history, seen, perception)
        steering = self._steering(encoded, self._narrowed(asked, seen, perception, reads))
        out = self._engine.reply(encoded, steering, self.profile.sampling, stop)
        self.last = out
        text = "<think>\n" * encoded.opened_thought + self._table.text(out.ids)
        return Reply(
            move=computer_use.parse(text, seen.screen),
            text=text,
            confidence=confidence([self._table.bytes[i] for i in out.ids], out.chances),
            prompt_tokens=out.prompt_tokens,
            cached_tokens=out.cached_tokens,
            output_tokens=len(out.ids),
            seconds=out.total_s,
            shown=tuple(picture.key.partition("@")[0] for picture in encoded.pictures),
        )

    def close(self) -> None:
        """Give the memory back."""
        self._engine = None
        self._checkpoint = None

    def encode(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Encoded:
        """The prompt of one step as the network gets it."""
        told = [_without_thoughts(step) for step in history]
        if not self.profile.with_goal:
            told = told[asked.since :]
        turns, with_goal = self.profile.turns, self.profile.with_goal
        prompt = computer_use.prompt(asked, told, seen, perception, turns=turns, with_goal=with_goal)
        most = self.profile.max_pixels.both if perception == "both" else self.profile.max_pixels.pixels
        return self._processor.encode(prompt.messages, [self._picture(image, most) for image in prompt.images])

    def _picture(self, seen: Observation, max_pixels: int) -> Picture:
        frame = seen.frame
        return self._processor.picture(
            frame.digest, lambda: _image(frame), _size(frame), max_pixels=max_pixels, min_pixels=self.profile.min_pixels
        )

    def _as_read(self, seen: Observation) -> Observation:
        """What the checkpoint's own reading heads see on the pixels, in place of the surface's nodes."""
        assert self._reader is not None
        nodes = self._read.pop(seen.digest, None)
        if nodes is None:
            _image(seen.frame)
            nodes = self._reader.read(seen.frame.pixels)
        self._read[seen.digest] = nodes
        while len(self._read) > _READ:
            self._read.popitem(last=False)
        return replace(seen, nodes=nodes, more=())

    def _in_own_words(self, history: Sequence[Done]) -> list[Done]:
        """The history with every thing called what the reader took it for."""
        told = []
        for step in history:
            nodes = self._read.get(step.seen.digest) if step.seen is not None else None
            move = computer_use.parse(step.reply, step.seen.screen) if step.seen is not None and step.reply else None
            if not isinstance(move, Act):
                told.append(step)
                continue
            point = pointed(move.action)
            hit = [node for node in nodes or () if point is not None and node.rect.contains(point)]
            node = min(hit, key=lambda one: one.rect.area, default=None)
            target = Target(surface="fake", node=node, point=point) if node else None
            told.append(replace(step, summary=computer_use.summary(move.action, target)))
        return told

    def _narrowed(self, asked: Instruction, seen: Observation, perception: Perception, reads: bool) -> Grammar:
        """The grammar of this one reply, where the profile narrows it to what is listed, named or given."""
        profile = self.profile
        listed = _left(seen.nodes, asked.rejected) if profile.points != "any" and perception == "both" else []
        text = asked.step or asked.goal
        single = not wording.several(text)
        meant = _meant(listed, text, seen, planned=bool(asked.step)) if profile.points == "named" else []
        told = profile.words == "instruction"
        if not (listed or told or asked.unfinished):
            return self._grammar
        lark = computer_use.grammar(
            profile.action_line,
            points=elements.points(meant, seen.screen) or elements.centres(listed, seen.screen),
            words=text if told and asked.step else "",
            values=(asked.values or (() if asked.step else wording.quoted(text))) if told else (),
            unfinished=asked.unfinished,
            possible=any(node.enabled for node in meant),
            pressing=bool(meant) or not (reads and single),
        )
        return Grammar(self._table, lark)

    def _steering(self, encoded: Encoded, grammar: Grammar) -> Steering:
        call = grammar.steering(self.profile.max_new_tokens)
        if not self.profile.thinking and not encoded.opened_thought:
            return call
        budget = self.profile.think_budget if self.profile.thinking else 0
        return ThinkSteering(self._table, call, budget, encoded.opened_thought)


class _Course:
    """How far a wish of several acts has come."""

    def __init__(self) -> None:
        self._goal = ""
        self._parts: list[str] = []
        self._at = self._since = 0

    def part(self, asked: Instruction, history: Sequence[Done]) -> Instruction:
        """The single wish that is due now, with the history from where it began."""
        if asked.goal != self._goal or len(history) < self._since or not history:
            self._goal, self._parts, self._at, self._since = asked.goal, clauses(asked.goal), 0, 0
        if len(self._parts) == 1:
            return asked
        return replace(asked, goal=self._parts[self._at], since=self._since)

    def more(self, history: Sequence[Done]) -> bool:
        """Go on to the next single wish, where there is one."""
        if self._at + 1 >= len(self._parts):
            return False
        self._at, self._since = self._at + 1, len(history)
        return True


def _meant(listed: Sequence[Node], text: str, seen: Observation, planned: bool) -> list[Node]:
    """The nodes that an instruction names: a plan's step to the letter where it can, one free wish by its meaning."""
    exact = elements.named(listed, text)
    if wording.several(text) or (planned and exact and len({node.name for node in exact}) > 1):
        return exact
    loose = meaning.meant(listed, text, seen.screen)
    if not exact or not planned:
        return list(loose.nodes) if loose.fit >= _FITS else exact if planned else []
    return [node for node in exact if node in loose.nodes] or exact


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
    return _image(frame).size


def _image(frame: Frame) -> Image:
    try:
        return frame.image
    except (OSError, ValueError, SyntaxError, Warning, DecompressionBombError) as error:
        raise ModelError("the screenshot is no picture, expected PNG bytes") from error
