"""Pictures packed in bands decode to exactly the same pixels, whatever changed before."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

from actuators.png import Packer


def decoded(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.mode == "RGB" and picture.format == "PNG"
        picture.load()
        return np.asarray(picture)


@pytest.mark.parametrize("size", [(1, 1), (7, 39), (640, 40), (33, 41), (123, 200)])
def test_every_pixel_comes_back_while_the_screen_changes(size: tuple[int, int]) -> None:
    width, height = size
    chance, packer = random.Random(5), Packer()
    pixels = np.frombuffer(chance.randbytes(width * height * 4), np.uint8).reshape(height, width, 4).copy()
    for _ in range(6):
        assert np.array_equal(decoded(packer.png(pixels.tobytes(), width, height)), pixels[:, :, 2::-1])
        top = chance.randrange(height)
        pixels[top : top + chance.randint(1, 50), : chance.randint(1, width)] = chance.randrange(256)


def test_a_screen_of_another_size_is_packed_afresh() -> None:
    packer = Packer()
    for width, height in ((50, 90), (90, 50), (50, 90)):
        pixels = np.full((height, width, 4), width, np.uint8)
        assert np.array_equal(decoded(packer.png(pixels.tobytes(), width, height)), pixels[:, :, 2::-1])


def test_the_same_screen_has_the_same_bytes() -> None:
    raw = bytes(range(256)) * 40
    assert Packer().png(raw, 64, 40) == Packer().png(raw, 64, 40)
