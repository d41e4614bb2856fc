"""Tiles full of drawn text: far more characters a tile than a page holds, from one plain font to many.

A tower that begins with rendered pages alone sees a character in every fifth patch and stays on a plateau for an hour;
dense text in one font takes it off within minutes, and the difficulty then grows.
"""

from __future__ import annotations

import functools
import itertools
import random
import subprocess

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from model.reading.alphabet import Alphabet
from model.reading.tiles import PATCH
from model.training.reading.shards import Tile
from model.training.reading.targets import read_labels, targets
from model.training.web.styles import installed_fonts
from model.training.words import Words

__all__ = ["draw_tile"]

_FIRST = ("Liberation Sans", "DejaVu Sans", "Roboto", "Open Sans", "Inter", "Noto Sans", "Lato", "Liberation Serif")


_PLAIN = 18
"""Files of the everyday fonts, which come first and are drawn most."""
_SIZES = (10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 16, 18, 20, 24, 28)


@functools.lru_cache(maxsize=1)
def _files() -> tuple[str, ...]:
    """Font files of the training fonts, the plainest first."""
    names = [
        *[n for n in _FIRST if n in installed_fonts("train")],
        *[n for n in installed_fonts("train") if n not in _FIRST],
    ]
    found = []
    for name in names:
        for style in ("Regular", "Bold"):
            asked = ["fc-match", "-f", "%{family}|%{file}", f"{name}:style={style}"]
            family, _, file = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.partition("|")
            if name.split()[0] in family and file.endswith((".ttf", ".otf")):
                found.append(file)
    return tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=600)
def _font(file: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(maxsize=200_000)
def _advance(file: str, size: int, char: str) -> float:
    """Kerning is left out: it moves a character by less than a pixel."""
    return _font(file, size).getlength(char)


def _colours(dice: random.Random, difficulty: float) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Ground and ink, at least somewhat apart."""
    if dice.random() > difficulty:
        return (255, 255, 255), (20, 20, 20)
    while True:
        ground = (dice.randint(0, 255), dice.randint(0, 255), dice.randint(0, 255))
        ink = (dice.randint(0, 255), dice.randint(0, 255), dice.randint(0, 255))
        apart = abs(_light(ground) - _light(ink))
        if apart > 70:
            return ground, ink


def _light(colour: tuple[int, int, int]) -> float:
    red, green, blue = colour
    return (3 * red + 6 * green + blue) / 10


def draw_tile(words: Words, grid: tuple[int, int], alphabet: Alphabet, difficulty: float) -> Tile:
    """One tile of lines of text; `difficulty` 0 is one font, 13 px, black on white, 1 all fonts, sizes and colours."""
    dice = words.dice
    width, height = grid[1] * PATCH, grid[0] * PATCH
    ground, ink = _colours(dice, difficulty)
    picture = Image.new("RGB", (width, height), ground)
    pen = ImageDraw.Draw(picture)
    files = _files()
    usable = files[: max(1, round(1 + difficulty * (_PLAIN - 1)))]
    if dice.random() < 0.2 * difficulty:
        usable = files
    lines = []
    top = float(dice.randint(-6, 10))
    while top < height:
        file = dice.choice(usable)
        size = dice.choice((13, 14)) if dice.random() > difficulty else dice.choice(_SIZES)
        font = _font(file, size)
        ascent, descent = font.getmetrics()
        tall = ascent + descent
        if dice.random() < 0.25 * difficulty:
            ground, ink = _colours(dice, difficulty)
            pen.rectangle((0, top - 2, width, top + tall + 4), fill=ground)
        left = float(dice.randint(-4, 30))
        while left < width:
            text = _some_text(words)
            drawn = text.upper() if dice.random() < 0.08 else text
            ends = list(itertools.accumulate(_advance(file, size, char) for char in drawn))
            pen.text((left, top), drawn, font=font, fill=ink)
            starts = [0.0, *ends[:-1]]
            centres = [left + (a + b) / 2 for a, b in zip(starts, ends, strict=True)]
            lines.append({"text": drawn, "box": [left, top, ends[-1], tall], "chars": centres})
            left += ends[-1] + dice.choice((12, 20, 30, 60))
        top += tall + dice.choice((1, 3, 5, 9, 14))
    labels = read_labels({"lines": lines, "nodes": []}, alphabet)
    return Tile(np.asarray(picture), targets(labels, 0, 0, grid, alphabet))


def _some_text(words: Words) -> str:
    draw = words.dice.random()
    if draw < 0.6:
        return words.phrase()
    if draw < 0.8:
        return " ".join(words.pseudo() for _ in range(words.dice.randint(1, 3)))
    return "".join(words.dice.choice(_MARKS) for _ in range(words.dice.randint(1, 8)))


_MARKS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,:;-/()€$%#@&!?+=*'\"_"
