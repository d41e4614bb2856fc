"""From what single squares say of the thing they belong to, to things. Pixels of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.reading.tiles import SQUARE

__all__ = ["Squares", "Thing", "things"]

Floats = npt.NDArray[np.float32]
_ALONE = 0.3
"""What a square without a neighbour counts as agreement."""
_KNOWN = 16
"""Pixels over which a square's word on an edge falls to a third: squares next to an edge know it best."""
_SHARED, _TWICE = 0.7, 0.35
"""Things that share so much of the smaller one, or of both together, are one thing."""


@dataclass(frozen=True)
class Squares:
    """The squares of a picture that speak for it; P of them."""

    centres: Floats  # (P, 2)
    boxes: Floats  # (P, 4): left, top, right, bottom of the thing as this square sees it
    roles: Floats  # (P, roles): probabilities; role 0 is none
    trusts: Floats  # (P,): how far each box is believed to overlap the thing, 0..1
    states: Floats  # (P, states): probabilities
    icons: Floats  # (P, icons): probabilities; icon 0 is none
    tiles: Floats  # (P, 4): left, top, right, bottom of the tile it was seen on, infinite at the picture's own edges

    def of(self, which: npt.NDArray[np.intp]) -> Squares:
        """Some of them, in that order."""
        return Squares(**{name: array[which] for name, array in vars(self).items()})


@dataclass(slots=True)
class Thing:
    """One operable thing."""

    box: Floats  # (4,)
    role: int
    sure: float
    states: Floats
    icon: int
    icon_sure: float
    cut: npt.NDArray[np.bool_]  # (4,): whether that edge is only the edge of the tile
    support: int = 1
    """How many squares say so."""


def things(
    squares: Squares, holding: frozenset[int] = frozenset(), least: float = 0.45, alike: float = 0.45
) -> list[Thing]:
    """Group squares that mean the same box, weigh their words, join what a seam between tiles cut apart.

    Args:
        squares: what was seen.
        holding: roles of things that may hold others, such as lists and pictures.
        least: from here on a square counts as part of something.
        alike: intersection over union from which two boxes count as the same.
    """
    squares = squares.of(np.flatnonzero((1 - squares.roles[:, 0] > least) & (squares.roles.argmax(-1) > 0)))
    squares = squares.of(np.argsort(squares.centres[:, 1], kind="stable"))
    worth = (1 - squares.roles[:, 0]) * squares.trusts * _agreed(squares)
    ys, free = squares.centres[:, 1], np.ones(len(worth), dtype=bool)
    found: list[Thing] = []
    for seed in np.argsort(-worth, kind="stable").tolist():
        if not free[seed]:
            continue
        box = squares.boxes[seed]
        low, high = np.searchsorted(ys, [box[1] - SQUARE, box[3] + SQUARE])
        near = low + np.flatnonzero(free[low:high])
        same = (_overlap(box, squares.boxes[near]) > alike) | (near == seed)
        members = near[same] if same.any() else np.array([seed])
        free[members] = free[seed] = False
        thing = _joined(squares, members)
        expected = _area(thing) / SQUARE**2
        if len(members) >= min(0.25 * expected, 12) and thing.sure > least:
            found.append(thing)
    return _distinct(_mended(found), holding)


def _agreed(squares: Squares) -> Floats:
    """How far the boxes of the squares around each one are its own box, 0..1: where they differ, trust none."""
    columns, rows = (squares.centres / SQUARE).astype(np.int64).T
    wide = int(columns.max(initial=0)) + 8
    keys = rows * wide + columns
    order = np.argsort(keys, kind="stable")
    found = np.zeros(len(keys), dtype=np.float32)
    for step in (-1, 1, -wide, wide, -2, 2):
        places = np.searchsorted(keys[order], keys + step).clip(max=len(keys) - 1)
        beside = order[places]
        there = keys[beside] == keys + step
        found += np.where(there, _overlap(squares.boxes.T, squares.boxes[beside]), _ALONE)
    return (found / 6).astype(np.float32)


def _overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of a box `(4,)` with others, or of boxes `(4, K)` with one other each."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    both = width.clip(0) * height.clip(0)
    area = (others[:, 2] - others[:, 0]).clip(1) * (others[:, 3] - others[:, 1]).clip(1)
    mine = ((box[2] - box[0]) * (box[3] - box[1])).clip(1)
    result: Floats = both / (mine + area - both)
    return result


def _joined(squares: Squares, members: npt.NDArray[np.intp]) -> Thing:
    boxes, at = squares.boxes[members], squares.centres[members]
    away = np.abs(boxes - np.concatenate([at, at], axis=-1))
    weights = np.exp(-away / _KNOWN) * squares.trusts[members, None] ** 2 + 1e-6
    box = (boxes * weights).sum(0) / weights.sum(0)
    roles = squares.roles[members].mean(0)
    icons = squares.icons[members].max(0)
    icons[0] = squares.icons[members, 0].min()
    tiles = squares.tiles[members]
    cut = (np.abs(box - tiles) < 8).any(0)
    role = int(roles[1:].argmax()) + 1
    icon = int(icons[1:].argmax()) + 1 if len(icons) > 1 else 0
    return Thing(
        box.astype(np.float32), role, float(1 - roles[0]), squares.states[members].mean(0),
        icon, float(icons[icon]) if icon else 0.0, cut, len(members),
    )  # fmt: skip


def _distinct(found: list[Thing], holding: frozenset[int]) -> list[Thing]:
    """Without weaker things that share their place with stronger ones: one control does not hold another.

    A picture on a control lends it its icon.
    """
    if not found:
        return []
    ranked = sorted(found, key=lambda one: -one.sure * one.support**0.25 * (0.5 if one.role in holding else 1.0))
    rivals = _rivals(ranked, holding)
    kept: list[int] = []
    for n, thing in enumerate(ranked):
        rival = next((ranked[m] for m in kept if rivals[n, m]), None)
        if rival is None:
            kept.append(n)
        elif thing.icon_sure > rival.icon_sure:
            rival.icon, rival.icon_sure = thing.icon, thing.icon_sure
    return [ranked[n] for n in kept]


def _rivals(found: Sequence[Thing], holding: frozenset[int]) -> npt.NDArray[np.bool_]:
    """Which of K things cannot stand where another does, `(K, K)`; what may hold a small thing is no rival of it."""
    boxes = np.stack([thing.box for thing in found])
    low, high = np.maximum(boxes[:, None, :2], boxes[:, :2]), np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    both = (high - low).clip(0).prod(-1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(-1).clip(1)
    least, most = np.minimum(areas[:, None], areas), np.maximum(areas[:, None], areas)
    same = (both / least > _SHARED) | (both / (least + most - both) > _TWICE)
    holds = np.array([thing.role in holding for thing in found])
    larger = np.where(areas[:, None] > areas, holds[:, None], holds)
    rivals: npt.NDArray[np.bool_] = same & ~(larger & (least < 0.6 * most))
    return rivals


def _area(thing: Thing) -> float:
    return float(np.prod(thing.box[2:] - thing.box[:2]))


def _mended(found: list[Thing]) -> list[Thing]:
    """Things that a seam cut apart become one again."""
    kept = list(found)
    for axis in (0, 1):
        again = True
        while again:
            again = False
            for a in kept:
                pair = next((b for b in kept if b is not a and _continues(a, b, axis)), None)
                if pair is not None:
                    kept = [one for one in kept if one is not a and one is not pair]
                    kept.append(_union(a, pair, axis))
                    again = True
                    break
    return kept


def _continues(a: Thing, b: Thing, axis: int) -> bool:
    """Whether `b` goes on where a seam cut `a` off to the right (axis 0) or below (axis 1)."""
    if a.role != b.role or not a.cut[axis + 2] or not b.cut[axis]:
        return False
    other = 1 - axis
    low, high = max(a.box[other], b.box[other]), min(a.box[other + 2], b.box[other + 2])
    longest = max(a.box[other + 2] - a.box[other], b.box[other + 2] - b.box[other], 1)
    return bool((high - low) / longest > 0.6 and a.box[axis] < b.box[axis + 2] and a.box[axis + 2] >= b.box[axis] - 16)


def _union(a: Thing, b: Thing, axis: int) -> Thing:
    box = np.concatenate([np.minimum(a.box[:2], b.box[:2]), np.maximum(a.box[2:], b.box[2:])])
    cut = a.cut & b.cut
    cut[axis], cut[axis + 2] = a.cut[axis], b.cut[axis + 2]
    best = a if a.sure > b.sure else b
    states: Floats = ((a.states + b.states) / 2).astype(np.float32)
    return Thing(box, a.role, max(a.sure, b.sure), states, best.icon, best.icon_sure, cut, a.support + b.support)
