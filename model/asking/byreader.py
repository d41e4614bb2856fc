"""`ocr` and `ground` by a checkpoint's own reading heads: a small checkpoint that was taught to read screens, and no
general answering, does these two by what it reads and what its own choosing makes of it.

It knows the Latin alphabet without accents, tells no languages, and finds one thing at a time. How sure it is of a
thing is how well its words fit what was read there; a low figure is best taken for "perhaps not there".
"""

from __future__ import annotations

import io
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from actuators.action import pointed
from actuators.observation import Frame, Observation
from model.asking.form import Asked, Read, pixels_of
from model.asking.spotting import found_thing, ocr_answer
from model.base import Act, Instruction, ModelError
from model.local import QwenModel
from model.protocols.meaning import meant

if TYPE_CHECKING:
    from model.qwen3vl.checkpoint import Checkpoint

__all__ = ["FORMS", "ReadingAnswerer"]

FORMS = frozenset({"ocr", "ground"})
_LEAD = re.compile(r"^\s*(?:where (?:is|are)|where['’]s|find|locate|show me|point (?:at|to))\s+", re.IGNORECASE)
_PRESS = re.compile(r"^(?:click|press|tap|hit)\b", re.IGNORECASE)


class ReadingAnswerer:
    """One checkpoint with reading heads.

    Args:
        checkpoint: with its reader.
        deadline_s: longest time for all answers; the one that is being made then may take as long again.
    """

    def __init__(self, checkpoint: Checkpoint, deadline_s: float) -> None:
        if checkpoint.reader is None:
            raise ModelError(f"{checkpoint.path}: this checkpoint brings no reading heads")
        self._reader = checkpoint.reader
        patient = checkpoint.profile.model_copy(update={"deadline_s": deadline_s})
        self._model = QwenModel(replace(checkpoint, profile=patient))
        self._deadline, self._limit_s = time.monotonic() + deadline_s, deadline_s

    def answer(self, form: str, asked: Asked) -> Read:
        """The answer of `ocr` or `ground` about one picture.

        Raises:
            ModelError: timeout, cancelled or out of memory.
            Unusable: a picture that cannot be decoded.
        """
        if time.monotonic() > self._deadline:
            raise ModelError(f"no answer within {self._limit_s:g} s, ask about fewer pictures or give more --deadline")
        return self._ocr(asked) if form == "ocr" else self._ground(asked)

    def _ocr(self, asked: Asked) -> Read:
        import numpy as np

        [shown] = asked.pictures
        lines = []
        for piece in self._reader.lines(np.asarray(shown.image())):
            left, top, right, bottom = piece.box
            box = [
                max(0, round(left)),
                max(0, round(top)),
                min(shown.size[0], round(right)),
                min(shown.size[1], round(bottom)),
            ]
            if box[2] > box[0] and box[3] > box[1]:
                lines.append({"text": piece.text, "box": box, "language": None, "sure": round(piece.sure, 3)})
        return Read(ocr_answer(lines))

    def _ground(self, asked: Asked) -> Read:
        [shown] = asked.pictures
        buffer = io.BytesIO()
        shown.image().save(buffer, "png")
        seen = Observation(0, 0.0, "fake", shown.screen, Frame(buffer.getvalue()), ())
        reply = self._model.propose(Instruction(goal=_wish(asked.question)), [], seen, "pixels")
        point = pointed(reply.move.action) if isinstance(reply.move, Act) else None
        if point is None:
            return Read({"found": []}, found=False)
        read = self._model.read(seen)
        node = read.node_at(point) if read is not None else None
        if node is None:
            return Read({"found": []}, (f"it points at {point.x}, {point.y}, where it reads nothing",), False)
        fit = meant(read.nodes, asked.question, seen.screen, misread=True).fit if read is not None else 0.0
        sure = round(min(fit, reply.confidence if reply.confidence is not None else 1.0), 3)
        return Read({"found": [found_thing(f"{node.role} {node.name}".strip(), pixels_of(node.rect), point, sure)]})


def _wish(question: str) -> str:
    """A thing as something to press, which is how a model that acts is asked where it is."""
    thing = _LEAD.sub("", question).strip().rstrip("?")
    return thing if _PRESS.match(thing) else f"Click {thing}"
