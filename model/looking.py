"""Looking closer within one proposal: the crop goes to the model as the answer of its own zoom call."""

from __future__ import annotations

from typing import Any

from PIL.Image import DecompressionBombError, Image

from actuators.action import Zoom
from actuators.geometry import Rect
from actuators.observation import Frame, Observation
from model.base import ModelError
from model.protocols.calls import without_thoughts
from model.qwen3vl.processor import Picture, Processor

__all__ = ["Looking", "image_of"]

_LEAST_PIXELS = 256 * 32 * 32
"""A crop is enlarged to at least this, as far as the profile's largest picture allows."""


class Looking:
    """The turns and pictures that were added to one prompt by looking closer."""

    def __init__(self, processor: Processor, seen: Observation, max_pixels: int) -> None:
        self._processor, self._seen, self._most = processor, seen, max_pixels
        self.turns: list[dict[str, Any]] = []
        self.pictures: list[Picture] = []

    def closer(self, action: Zoom, said: str) -> None:
        """Add what was said, thoughts left out, and the crop."""
        box, frame = action.region, self._seen.frame
        self.pictures.append(
            self._processor.picture(
                f"{frame.digest}#{box.left},{box.top},{box.right},{box.bottom}",
                lambda: _crop(frame, box),
                (box.width, box.height),
                max_pixels=self._most,
                min_pixels=min(_LEAST_PIXELS, self._most),
            )
        )
        opened, closed = ({"type": "text", "text": f"<{mark}tool_response>", "own": True} for mark in ("", "/"))
        self.turns += [
            {"role": "assistant", "content": [{"type": "text", "text": without_thoughts(said).strip()}]},
            {"role": "user", "content": [opened, {"type": "image"}, closed]},
        ]


def _crop(frame: Frame, box: Rect) -> Image:
    return image_of(frame).crop((box.left, box.top, box.right, box.bottom))


def image_of(frame: Frame) -> Image:
    """The decoded screenshot.

    Raises:
        ModelError: it is no picture.
    """
    try:
        return frame.image
    except (OSError, ValueError, SyntaxError, Warning, DecompressionBombError) as error:
        raise ModelError("the screenshot is no picture, expected PNG bytes") from error
