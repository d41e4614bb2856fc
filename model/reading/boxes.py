"""From what single patches say of the thing they belong to, to things. Pixels of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Patches", "Thing", "things"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Patches:
    """The patches of a picture that speak for it; P of them."""

    centres: Floats  # (P, 2)
    boxes: Floats  # (P, 4): left, top, right, bottom of the thing as this patch sees it
    roles: Floats  # (P, roles): probabilities; role 0 is none
    states: Floats  # (P, states): probabilities
    icons: Floats  # (P, icons): probabilities; icon 0 is none
    tiles: Floats  # (P, 4): left, top, right, bottom of the tile it was seen on, infinite at the picture's own edges


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
    """How many patches say so."""


def things(
    patches: Patches, holding: frozenset[int] = frozenset(), least: float = 0.45, alike: float = 0.45
) -> list[Thing]:
    """Group patches that mean the same box, weigh their words, join what a seam between tiles cut apart.

    Args:
        patches: what was seen.
        holding: roles of things that may hold others, such as lists and pictures.
        least: from here on a patch counts as part of something.
        alike: intersection over union from which two boxes count as the same.
    """
    role = patches.roles.argmax(-1)
    sure = 1 - patches.roles[:, 0]
    left = np.flatnonzero((sure > least) & (role > 0))
    weight = _centred(patches)
    found: list[Thing] = []
    while len(left):
        seed = left[np.argmax(sure[left] * weight[left])]
        same = _overlap(patches.boxes[seed], patches.boxes[left]) > alike
        same |= left == seed
        members = left[same]
        left = left[~same]
        thing = _joined(patches, members)
        expected = (thing.box[2] - thing.box[0]) * (thing.box[3] - thing.box[1]) / 256
        if len(members) >= min(0.25 * expected, 12) and thing.sure > least:
            found.append(thing)
    return _distinct(_mended(found), holding)


def _centred(patches: Patches) -> Floats:
    """How near each patch is to the middle of its box, 0..1: patches in the middle of a thing seed it."""
    box, at = patches.boxes, patches.centres
    middle = np.stack([(box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2], axis=-1)
    size = np.stack([box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]], axis=-1).clip(8)
    away: Floats = np.abs((at - middle) / size).max(-1)
    return np.exp(-2 * away).astype(np.float32)


def _overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    both = width.clip(0) * height.clip(0)
    area = (others[:, 2] - others[:, 0]).clip(1) * (others[:, 3] - others[:, 1]).clip(1)
    mine = max((box[2] - box[0]) * (box[3] - box[1]), 1)
    result: Floats = both / (mine + area - both)
    return result


def _joined(patches: Patches, members: npt.NDArray[np.intp]) -> Thing:
    boxes, at = patches.boxes[members], patches.centres[members]
    away = np.abs(boxes - np.concatenate([at, at], axis=-1))  # each edge is best known by the patches next to it
    weights = np.exp(-away / 40) * (1 - patches.roles[members, :1]) + 1e-6
    box = (boxes * weights).sum(0) / weights.sum(0)
    roles = patches.roles[members].mean(0)
    icons = patches.icons[members].max(0)
    icons[0] = patches.icons[members, 0].min()
    tiles = patches.tiles[members]
    cut = (np.abs(box - tiles) < 8).any(0)
    role = int(roles[1:].argmax()) + 1
    icon = int(icons[1:].argmax()) + 1 if len(icons) > 1 else 0
    return Thing(
        box.astype(np.float32), role, float(1 - roles[0]), patches.states[members].mean(0),
        icon, float(icons[icon]) if icon else 0.0, cut, len(members),
    )  # fmt: skip


def _distinct(found: list[Thing], holding: frozenset[int]) -> list[Thing]:
    """Without weaker things that share their place with stronger ones: one control does not hold another.

    A picture on a control lends it its icon.
    """
    kept: list[Thing] = []
    for thing in sorted(found, key=lambda one: -one.sure * one.support**0.25 * (0.5 if one.role in holding else 1.0)):
        rival = next((one for one in kept if _share(thing, one) > 0.6 and not _nest(thing, one, holding)), None)
        if rival is None:
            kept.append(thing)
        elif thing.icon_sure > rival.icon_sure:
            rival.icon, rival.icon_sure = thing.icon, thing.icon_sure
    return kept


def _share(one: Thing, other: Thing) -> float:
    """Of the smaller box, how much lies in the other, 0..1."""
    low, high = np.maximum(one.box[:2], other.box[:2]), np.minimum(one.box[2:], other.box[2:])
    both = float(np.prod((high - low).clip(0)))
    return both / max(min(_area(one), _area(other)), 1.0)


def _area(thing: Thing) -> float:
    return float(np.prod(thing.box[2:] - thing.box[:2]))


def _nest(one: Thing, other: Thing, holding: frozenset[int]) -> bool:
    """Whether the larger of two may hold the other."""
    larger, smaller = (one, other) if _area(one) > _area(other) else (other, one)
    return larger.role in holding and _area(smaller) < 0.6 * _area(larger)


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
