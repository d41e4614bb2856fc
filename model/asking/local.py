"""Puts a prompt to a Qwen3-VL checkpoint in this process; its grammar is enforced while the reply is made.

Needs the `model` extra; import it through `model.asking.ask`.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from model.asking.form import Misread, Prompt
from model.asking.media import Moment, Shown
from model.base import ModelError
from model.protocols.grid import Grid
from model.protocols.speech import speech
from model.qwen3vl.checkpoint import Checkpoint
from model.qwen3vl.constrained import Grammar, ThinkSteering, TokenTable
from model.qwen3vl.engine import Engine, Steering, Stop
from model.qwen3vl.processor import Encoded, Picture, moment_text

__all__ = ["LocalSpeaker"]

_LEAST_FRAME_PX = 128 * 32 * 32


class LocalSpeaker:
    """One checkpoint. Pictures that were shown before are not encoded again.

    Args:
        checkpoint: the network with everything around it.
        deadline_s: longest time for everything that is said from now on.
        cancel: an event that ends a running reply.
    """

    def __init__(self, checkpoint: Checkpoint, deadline_s: float, cancel: threading.Event | None = None) -> None:
        self._profile = checkpoint.profile
        self._processor = checkpoint.processor
        self._engine = Engine(checkpoint.network, seed=self._profile.sampling.seed)
        self._table = TokenTable(checkpoint.tokenizer, int(checkpoint.network.config.text_config.vocab_size))
        self._deadline, self._limit_s, self._cancel = time.monotonic() + deadline_s, deadline_s, cancel
        self.grid: Grid = speech(self._profile).grid
        self.last = ""
        """The last reply, word for word."""

    def say(self, prompt: Prompt) -> Any:
        """What the prompt's check makes of the reply.

        Raises:
            ModelError: out of time or memory, cancelled, or a reply that is not in form for all its grammar.
            Unusable: a picture that cannot be decoded.
        """
        encoded = self._encoded(prompt)
        steering = self._steering(encoded, prompt)
        stop = Stop(self._deadline, self._cancel, self._limit_s)
        out = self._engine.reply(encoded, steering, self._profile.sampling, stop)
        self.last = self._table.text(out.ids)
        thought = self._profile.thinking or encoded.opened_thought
        try:
            return prompt.check(self.last.partition("</think>")[2] if thought else self.last)
        except Misread as problem:
            raise ModelError(f"the reply is not in form: {problem}") from None

    def _encoded(self, prompt: Prompt) -> Encoded:
        parts: list[dict[str, Any]] = []
        pictures: list[Picture] = []
        for part in prompt.parts:
            match part:
                case Shown():
                    parts.append({"type": "image"})
                    pictures.append(self._picture(part, prompt.pixels))
                case Moment():
                    parts.append({"type": "text", "text": moment_text(part.seconds), "own": True})
                    pictures.append(self._moment(part))
                case str():
                    parts.append({"type": "text", "text": part})
        return self._processor.encode([{"role": "user", "content": parts}], pictures)

    def _picture(self, shown: Shown, pixels: tuple[int, int]) -> Picture:
        least, most = self._profile.min_pixels or pixels[0], self._most(pixels[1])
        return self._processor.picture(shown.digest, shown.image, shown.size, most, min(least, most))

    def _moment(self, moment: Moment) -> Picture:
        if not self._processor.knows_recordings:
            raise ModelError("this checkpoint's tokenizer has no <|video_pad|>: it knows no recordings")
        most = self._most(moment.most_pixels)
        least = min(_LEAST_FRAME_PX, most)
        return self._processor.moment(moment.digest, lambda: moment.frames, moment.frames[0].size, most, least)

    def _most(self, pixels: int) -> int:
        """As many pixels as the form wants, or fewer where the checkpoint's profile names its own bound."""
        own = self._profile.max_pixels.pixels if "max_pixels" in self._profile.model_fields_set else pixels
        return min(pixels, own)

    def _steering(self, encoded: Encoded, prompt: Prompt) -> Steering:
        own = self._profile.max_new_tokens if "max_new_tokens" in self._profile.model_fields_set else prompt.words
        reply = Grammar(self._table, prompt.lark, prompt.marks).steering(min(prompt.words, own))
        if not self._profile.thinking and not encoded.opened_thought:
            return reply
        budget = self._profile.think_budget if self._profile.thinking else 0
        return ThinkSteering(self._table, reply, budget, encoded.opened_thought)
