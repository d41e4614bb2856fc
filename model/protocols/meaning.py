"""Which of the listed nodes an instruction about one thing can mean, judged by words, kind and place.

Names are compared loosely, since a reader of pixels misspells and people do not quote. Screen pixels throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from actuators.geometry import Screen
from actuators.observation import Node
from model.protocols.asked import Asked, Place, tokens, understood

__all__ = ["Meant", "alike", "meant"]

READABLE = frozenset({"text", "heading", "cell", "status", "alert", "image"})
_SAME, _MISREAD = 0.78, 0.58
"""From this likeness on two words count as one: misspelt by people, misread from pixels."""
_GROUPS = """
cart basket bag trolley
settings setting gear cog preference option configure
delete trash bin remove rubbish discard erase clear
search find magnifier lookup loupe zoom
close dismiss x cross exit hide
menu hamburger navigation
home house start
user person account profile avatar me
mail email envelope inbox message
edit pencil pen modify rename change
add plus new create compose write insert
bell notification alert reminder
heart favourite favorite like wish love save
star favourite bookmark rate
erase eraser rubber
download save export
upload import
share forward
lock secure private padlock
eye show view visibility preview visible hide
more dot ellipsis overflow option kebab action
help question support
info information about detail
warning alert caution
phone call telephone dial handset
location pin map place marker
refresh reload sync update
undo back
back previous left prev earlier older
forward next right later newer
photo camera picture image gallery
calendar date schedule
signin login
signup register join
logout signout
attach clip attachment
send submit
globe language world web internet
moon dark night theme
play start resume run
pause stop
kill stop terminate end
copy duplicate
filter funnel
print printer
chat message comment bubble conversation
folder directory
clock time history recent
microphone mic voice record
volume sound speaker audio
cancel abort
ok confirm accept agree
cut scissor
expand chevron
video film movie clip
smiley emoji react reaction
up upvote raise increase
down downvote lower decrease
more increase plus
fewer less decrease minus
sort order sorted
report flag
continue next proceed
picker pipette eyedropper
bug debug debugger
branch source
page number
password passcode
money payment pay
buy purchase order
book reserve
key digit
"""
"""Words that can stand for one another on a control, one group a line."""
_LIKE = tuple(frozenset(line.split()) for line in _GROUPS.split("\n") if line)
_FAINT_WORDS = """
page key digit number letter item product song file channel account entry thing green red blue
yellow grey gray white black pink orange big large small little current main whole
"""
_FAINT = frozenset(_FAINT_WORDS.split())
"""Words that say little about which thing is meant."""
_IDLE_WORDS = "the a an of to on in at for with and or is it this that my your"
_IDLE = frozenset(_IDLE_WORDS.split())
_ICON_PX = 48
_HARD = frozenset(
    {"textbox", "searchbox", "checkbox", "radio", "switch", "slider", "spinbutton", "combobox", "listbox"}
)
"""A request for one of these is seldom met by anything else."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The nodes that fit best, in reading order, and how well: 0 not at all, 1 exactly."""

    nodes: tuple[Node, ...]
    fit: float


def meant(nodes: Sequence[Node], asked: str, screen: Screen, misread: bool = False) -> Meant:
    """The best understanding of an instruction about one thing, on these nodes.

    Args:
        nodes: what is listed.
        asked: the instruction.
        screen: where corners are.
        misread: whether the names were read from pixels, so that letters may be wrong, doubled or missing.
    """
    best = Meant((), 0.0)
    for n, way in enumerate(understood(asked)):
        found = _found(nodes, way, screen, _MISREAD if misread else _SAME)
        if way.deed and way.place is not None and found.fit > 0.5:  # a control in its row, called what is to be done
            found = Meant(found.nodes, min(1.0, found.fit + 0.15))
        if found.fit - 0.01 * n > best.fit:
            best = Meant(found.nodes, found.fit - 0.01 * n)
    return best


def alike(asked: tuple[str, ...], name: tuple[str, ...], strict: bool = False, same: float = _SAME) -> float:
    """How well some words name something called `name`: 1 the same, 0 nothing in common.

    `same` is the likeness from which two words count as one; `strict` says that what was asked for is a quotation,
    of which every word counts.
    """
    from rapidfuzz import fuzz

    if not asked or not name:
        return 0.0
    if asked == name:
        return 1.0
    hit_name = [max((_same(word, other, same) for other in asked), default=0.0) for word in name]
    hit_asked = [max((_same(word, other, same) for other in name), default=0.0) for word in asked]
    covered = sum(hit * _weight(word) for hit, word in zip(hit_name, name, strict=True)) / sum(map(_weight, name))
    used = sum(hit * _weight(word) for hit, word in zip(hit_asked, asked, strict=True)) / sum(map(_weight, asked))
    joint = used ** (1.5 if strict else 0.9) * covered**0.4  # a word asked for and missing tells more than one too many
    one, other = "".join(asked), "".join(name)
    whole = fuzz.ratio(one, other) / 100
    if same < _SAME:
        whole = max(whole, fuzz.ratio(_skeleton(one), _skeleton(other)) / 100)
    fits = (0.97 * joint, 0.7 * used if used > 0.78 else 0.0, whole if whole > min(0.7, same) else 0.0)
    return float(min(0.99, max(fits)))


def _weight(word: str) -> float:
    return 1.0 if word in _FAINT else 0.5 if word in _IDLE else float(min(max(len(word), 3), 9))


def _skeleton(text: str) -> str:
    """Letters that are easily taken for one another as one, doubled ones once."""
    for pair, letter in (("rn", "m"), ("nn", "m"), ("vv", "w"), ("ii", "u")):
        text = text.replace(pair, letter)
    plain = text.translate(_ALIKE)
    return "".join(char for n, char in enumerate(plain) if n == 0 or char != plain[n - 1])


_ALIKE = str.maketrans("i1|!0c5", "lllloes")


def _same(one: str, other: str, same: float = _SAME) -> float:
    from rapidfuzz import fuzz

    if one == other:
        return 1.0
    if len(one) > 3 and len(other) > 3 and (one.rstrip("s") == other.rstrip("s")):
        return 0.97
    likeness = fuzz.ratio(one, other) / 100 if min(len(one), len(other)) > 2 else 0.0
    if same < _SAME and min(len(one), len(other)) > 2:
        likeness = max(likeness, fuzz.ratio(_skeleton(one), _skeleton(other)) / 100)
    if likeness >= same:
        return likeness
    if min(len(one), len(other)) > 3 and (one.startswith(other) or other.startswith(one)):
        return 0.75
    one, other = _singular(one), _singular(other)
    return 0.8 if any(one in group and other in group for group in _LIKE) else 0.0


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word


def _found(nodes: Sequence[Node], way: Asked, screen: Screen, same: float) -> Meant:
    fits = [_fit(node, way, screen, same) for node in nodes]
    if way.place is not None:
        anchors = _anchors(nodes, way.place, same)
        if not anchors:
            return Meant((), 0.0)
        fits = [
            fit * _beside(_standing(node, way.place.relation, anchors)) if fit > 0.3 else 0.0
            for node, fit in zip(nodes, fits, strict=True)
        ]
    best = max(fits, default=0.0)
    if best <= 0:
        return Meant((), 0.0)
    slack = 0.12 if way.ordinal is not None else 0.005 if way.corner else 0.04
    near = [node for node, fit in zip(nodes, fits, strict=True) if fit >= best - slack]
    if way.ordinal is not None:
        if not -len(near) <= way.ordinal < len(near):
            return Meant((), 0.0)
        near = [near[way.ordinal]]
        best = min(1.0, best + 0.02)
    return Meant(tuple(near), best)


def _beside(standing: float) -> float:
    """A thing called as asked may stand loosely to its anchor, but it must stand to it somehow."""
    return 0.7 + 0.3 * standing if standing > 0.04 else 0.0


def _fit(node: Node, way: Asked, screen: Screen, same: float) -> float:
    name = tokens(node.name)
    fit = alike(way.words, name, way.literal, same) if way.words else 0.0
    if way.words and node.value:
        fit = max(fit, 0.85 * alike(way.words, tokens(node.value), way.literal, same))
    if not way.words:
        fit = 0.6 if node.role in way.roles and (not way.icon or _iconic(node)) else 0.0
        fit = 0.5 if not way.roles and way.corner and node.role not in READABLE else fit
    if fit <= 0:
        return 0.0
    if way.roles and node.role not in way.roles:
        fit *= 0.6 if way.roles & _HARD and not way.icon else 0.85
    if way.likely and node.role not in way.likely and not way.roles:
        fit *= 0.93
    if way.deed and way.place is None and not any(_same(way.deed, word, same) for word in name):
        fit *= 0.8  # "Delete the message" is not "New message"
    if node.role in READABLE:
        fit *= 0.8 if node.role == "image" else 0.72
    if not node.enabled:
        fit *= 0.97
    return fit * _cornered(node, way.corner, screen)


def _iconic(node: Node) -> bool:
    return node.role == "image" or max(node.rect.width, node.rect.height) <= _ICON_PX


def _cornered(node: Node, corner: tuple[str, ...], screen: Screen) -> float:
    if not corner:
        return 1.0
    x, y = node.rect.centre.x / screen.width, node.rect.centre.y / screen.height
    away = {"top": y, "bottom": 1 - y, "left": x, "right": 1 - x, "middle": 2 * max(abs(x - 0.5), abs(y - 0.5))}
    return 1 - 0.6 * min(1.0, math.hypot(*(away[side] for side in corner)))


def _anchors(nodes: Sequence[Node], place: Place, same: float) -> list[tuple[Node, float]]:
    scored = [(node, _called(node, place.words, same)) for node in nodes]
    best = max((fit for _, fit in scored), default=0.0)
    return [(node, fit) for node, fit in scored if fit > 0.55 and fit > best - 0.15]


def _called(node: Node, words: tuple[str, ...], same: float) -> float:
    name, value = tokens(node.name), tokens(node.value)
    held = 0.9 if _contains(name, words) else 0.0
    return max(held, alike(words, name, same=same), 0.9 * alike(words, value, same=same))


def _contains(name: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return len(name) > len(words) and any(name[n : n + len(words)] == words for n in range(len(name) - len(words) + 1))


def _standing(node: Node, relation: str, anchors: Sequence[tuple[Node, float]]) -> float:
    """How well a node stands in a relation to the best of the anchors, 0..1."""
    return max((fit * _related(node, anchor, relation) for anchor, fit in anchors if anchor is not node), default=0.0)


def _related(node: Node, anchor: Node, relation: str) -> float:
    dx, dy = node.rect.centre.x - anchor.rect.centre.x, node.rect.centre.y - anchor.rect.centre.y
    tall = max(anchor.rect.height, 14)
    level = 1 / (1 + (dy / (0.9 * tall)) ** 2)
    gap_x = max(node.rect.left - anchor.rect.right, anchor.rect.left - node.rect.right, 0)
    gap_y = max(node.rect.top - anchor.rect.bottom, anchor.rect.top - node.rect.bottom, 0)
    row = level / (1 + gap_x / 3000)
    below = (1 / (1 + (gap_y / 160) ** 2) / (1 + (gap_x / 120) ** 2)) * (1.0 if dy > 0 else 0.75)
    match relation:
        case "row":
            return row
        case "within":
            return max(below, 0.8 * row)
        case "right":
            return level / (1 + gap_x / 400) if dx > 0 else 0.0
        case "left":
            return level / (1 + gap_x / 400) if dx < 0 else 0.0
        case "below":
            return 1 / (1 + gap_y / 120) / (1 + (gap_x / 60) ** 2) if dy > 0 else 0.0
        case "above":
            return 1 / (1 + gap_y / 120) / (1 + (gap_x / 60) ** 2) if dy < 0 else 0.0
        case "near":
            return max(0.95 * row, 1 / (1 + math.hypot(gap_x, 2 * gap_y) / 200))
        case _:
            return max(row, 0.85 * below)
