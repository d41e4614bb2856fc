"""Puts a prompt to a model behind an OpenAI-compatible server. A reply that is not in form is asked for again, with
what was wrong with it; the last one that is not is an error. A recording goes as single frames with their times.
"""

from __future__ import annotations

import base64
import io
import time
from typing import TYPE_CHECKING, Any

from model.asking.form import Misread, Prompt
from model.asking.media import Moment, Shown
from model.base import ModelError
from model.protocols.calls import without_thoughts
from model.protocols.grid import Grid
from model.protocols.speech import speech
from model.server import READINGS, ServerModel

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ServedSpeaker"]

_TOLD = 4000
"""Characters of a reply that is not in form, as it is shown again."""


class ServedSpeaker:
    """One server.

    Args:
        server: where it is and how its model is sampled.
        deadline_s: longest time for everything that is said from now on.
    """

    def __init__(self, server: ServerModel, deadline_s: float) -> None:
        self._server = server
        self._deadline = time.monotonic() + deadline_s
        self._sent: dict[tuple[str, int], str] = {}
        self.grid: Grid = speech(server.profile).grid
        self.last = ""
        """The last reply, word for word."""

    def say(self, prompt: Prompt) -> Any:
        """What the prompt's check makes of the reply.

        Raises:
            ModelError: the server does not answer, or not in form after several tries.
            Unusable: a picture that cannot be decoded.
        """
        messages: list[dict[str, Any]] = [{"role": "user", "content": self._content(prompt)}]
        problem = ""
        for _ in range(READINGS):
            self.last, _usage = self._server.complete(messages, self._deadline, prompt.lark, prompt.words)
            try:
                return prompt.check(_visible(self.last))
            except Misread as error:
                problem = str(error)
            messages = [*messages[:1], *_corrected(self.last, problem)]
        raise ModelError(f"{self._server.name}: {READINGS} replies, none in form; the last: {problem}")

    def _content(self, prompt: Prompt) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = []
        for part in prompt.parts:
            match part:
                case Shown():
                    content.append(self._image(part.digest, part.image, prompt.pixels[1]))
                case Moment(seconds=seconds, frames=(first, _)):
                    content.append({"type": "text", "text": f"<{seconds:.1f} seconds>"})
                    content.append(self._image(part.digest, lambda first=first: first, part.most_pixels))
                case str():
                    content.append({"type": "text", "text": part})
        return content

    def _image(self, digest: str, image: Any, most: int) -> dict[str, Any]:
        """A picture as a data address, made once for each digest; shrunk where fewer pixels are shown."""
        key = (digest, most)
        if key not in self._sent:
            self._sent[key] = "data:image/png;base64," + base64.b64encode(_png(image(), most)).decode()
        return {"type": "image_url", "image_url": {"url": self._sent[key]}}


def _png(image: Image, most: int) -> bytes:
    area = image.width * image.height
    if area > most:
        shrink = (most / area) ** 0.5
        image = image.resize((max(1, int(image.width * shrink)), max(1, int(image.height * shrink))))
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()


_BEGINS = ("```", "{", "[", "<!doctype", "<html", "<mx")


def _visible(reply: str) -> str:
    """A reply without its thoughts; one that begins as an answer has none, whatever its words are."""
    return reply if reply.lstrip().lower().startswith(_BEGINS) else without_thoughts(reply)


def _corrected(reply: str, problem: str) -> list[dict[str, Any]]:
    said = _visible(reply).strip()[:_TOLD] or "(nothing)"
    asked = f"That is not in form: {problem}. Reply again, in the form that was asked for and with nothing else."
    return [{"role": "assistant", "content": said}, {"role": "user", "content": asked}]
