"""Which of the listed nodes an instruction about one thing can mean, judged by words, kind, looks and place together.

Every word of the instruction has to be accounted for: by the thing's own name, by its kind, by what stands around it.
What is left over speaks against the thing. Names are compared loosely, since a reader of pixels misspells and people do
not quote. Screen pixels throughout.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from actuators.geometry import Screen
from actuators.observation import Frame, Node
from model.protocols.asked import DEFAULT_DEEDS, HARD, NOUNS, SOFT_KINDS, SWITCHED, Asked, Place, tokens, understood
from model.protocols.colours import colour_of
from model.protocols.standing import FIELDS, READABLE, Layout, apart, beside, level, related
from model.protocols.thesaurus import FAINT, SMALL, kin, skeleton, stem, words_of

__all__ = ["READABLE", "Meant", "alike", "meant"]

_ICON_PX = 48
_CATEGORY = frozenset(["settings", "options", "details", "information", "preferences", "one"])
"""What often follows a name: "cookie settings"."""
_NAME_DEEDS = frozenset(
    [
        "hide",
        "show",
        "edit",
        "delete",
        "remove",
        "close",
        "add",
        "select",
        "message",
        "copy",
        "share",
        "rename",
        "play",
        "pause",
        "reply",
        "report",
        "like",
        "star",
        "save",
        "download",
        "print",
        "open",
        "collapse",
        "expand",
        "kill",
        "stop",
        "clear",
        "mark",
        "move",
    ]
)
"""Verbs at the head of a name: a thing called so is seldom meant where the verb is not said."""
_TOGGLES = frozenset(
    ["enable", "disable", "activate", "deactivate", "check", "tick", "uncheck", "untick", "toggle", "mark"]
)
_SWITCHES = frozenset({"checkbox", "switch", "radio"})
_WRITES = frozenset({"textbox", "searchbox", "combobox", "spinbutton"})
_NOUN_FIT = 0.46
"""How well anything is "the file", "the key" or "the mail" that stands where it is said to stand."""
_EMPTY = 0.02
"""What a candidate is worth that lacks something it must have."""
_TOO_FAR = 0.3
"""A thing that stands to its place less than this does not stand there."""
_SEARCHES = frozenset({"search", "find", "go", "magnifier"})
_MEASURES = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2629800, "year": 31557600}
_UNITS = frozenset(stem(word) for word in _MEASURES)
_NUMBER = re.compile(r"(\d[\d,.]*)\s*([a-z]*)", re.IGNORECASE)
_FILE = re.compile(r"^\S.*\.\w{1,6}$|^\.\w+$")
_WHAT_IS = (
    (frozenset({"file", "document", "attachment"}), _FILE),
    (frozenset({"folder", "directory"}), re.compile(r"^[▸▾📁]|/$")),
    (frozenset({"price", "amount", "cost", "sum"}), re.compile(r"[€$£¥]\s?\d|\d\s?(?:[€$£¥]|EUR|USD|GBP|CHF)")),
    (frozenset({"email"}), re.compile(r"\S@\S+\.\w")),
    (frozenset({"date", "day"}), re.compile(r"^\d{1,2}[./ -]\w+|^\d{4}-\d\d-\d\d$")),
    (frozenset({"time", "duration"}), re.compile(r"^\d{1,2}:\d\d")),
    (frozenset({"reaction", "count"}), re.compile(r"^\W{1,2}\s?\d+$")),
    (frozenset({"digit", "number", "key"}), re.compile(r"^\d(?: |$)")),
    (frozenset({"tag", "hashtag"}), re.compile(r"^#\w")),
    (frozenset({"channel"}), re.compile(r"^# ?\w")),
    (frozenset({"mention"}), re.compile(r"^@\w")),
)
"""Kinds of things that show in how they are written."""


_TRULY = {
    "list": {"listbox", "combobox", "list"}, "menu": {"menuitem", "menu"}, "item": {"menuitem", "listitem", "option"},
    "option": {"option", "radio", "menuitem"}, "entry": {"treeitem", "listitem", "menuitem"}, "image": {"image"},
    "picture": {"image"}, "photo": {"image"}, "bar": {"slider", "textbox", "searchbox"}, "tab": {"tab"},
    "select": {"combobox"},
}  # fmt: skip
"""Roles that are what a kind says in the strict sense."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The nodes that fit best, in reading order, and how well: 0 not at all, 1 exactly."""

    nodes: tuple[Node, ...]
    fit: float


def meant(
    nodes: Sequence[Node], asked: str, screen: Screen, misread: bool = False, frame: Frame | None = None
) -> Meant:
    """The best understanding of an instruction about one thing, on these nodes.

    Args:
        nodes: what is listed.
        asked: the instruction.
        screen: where corners are.
        misread: whether the names were read from pixels, so that letters may be wrong, doubled or missing.
        frame: where colours are looked up; without one they say nothing.
    """
    scene = _Scene(tuple(nodes), screen, misread, frame, tokens(asked))
    best = Meant((), 0.0)
    for n, way in enumerate(understood(asked)):
        found = scene.found(way)
        if found.fit - 0.004 * n > best.fit:
            best = Meant(found.nodes, found.fit - 0.004 * n)
    return best


def alike(asked: tuple[str, ...], name: tuple[str, ...], strict: bool = False, misread: bool = False) -> float:
    """How well some words name something called `name`: 1 the same, 0 nothing in common.

    `strict` says that what was asked for is a quotation, of which every word counts.
    """
    from rapidfuzz import fuzz

    if not asked or not name:
        return 0.0
    if asked == name:
        return 1.0
    used = _share([(_weight(word), max(kin(word, other, misread) for other in name)) for word in asked])
    covered = _share([(_weight(word), max(kin(one, word, misread) for one in asked)) for word in name])
    fit = used ** (1.6 if strict else 1.2) * (0.62 + 0.38 * covered)
    if misread:
        one, other = skeleton("".join(asked)), skeleton("".join(name))
        whole = fuzz.ratio(one, other) / 100
        fit = max(fit, 0.97 * whole if whole > 0.68 else 0.0)
    return float(min(0.99, fit))


def _share(weighed: Sequence[tuple[float, float]]) -> float:
    total = sum(weight for weight, _ in weighed)
    return sum(weight * part for weight, part in weighed) / total if total else 0.0


def _weight(word: str) -> float:
    if word in SMALL:
        return 0.1
    if word in FAINT or word.removesuffix("s") in FAINT:
        return 0.35
    if word in _CATEGORY or word.isdigit():
        return 0.5
    return 0.25 if len(word) < 2 and not word.isalpha() else 1.0


def _plainly(word: str, said: tuple[str, ...]) -> float:
    """The weight of a word of a name; a number nobody spoke of is a count."""
    return 0.3 if word.isdigit() and word not in said else _weight(word)


class _Scene:
    """One screen and one instruction: what each word matches is worked out once."""

    def __init__(
        self, nodes: tuple[Node, ...], screen: Screen, misread: bool, frame: Frame | None, said: tuple[str, ...]
    ) -> None:
        self.nodes, self.screen, self.misread, self.frame, self.said = nodes, screen, misread, frame, said
        self.layout = Layout(nodes, screen)
        self.names = [words_of(node.name) or tokens(node.name) for node in nodes]
        self.values = [words_of(node.value) for node in nodes]
        self._own: dict[str, list[float]] = {}
        self._named: dict[str, list[float]] = {}
        self._around: dict[str, list[float]] = {}
        self._near: dict[tuple[int, int], float] = {}
        self._specific: dict[tuple[str, ...], list[float]] = {}

    # What a thing itself says.

    @cached_property
    def more(self) -> list[tuple[tuple[str, ...], float]]:
        """Beside name and value: words of the labels and column heads of each node, and what they are worth."""
        found = []
        for node in self.nodes:
            told: list[str] = []
            if node.role in FIELDS:
                for label in self.layout.labels(node):
                    told += words_of(label.name)
                told += self._button_words(node)
            elif node.role in ("link", "button"):
                told += self._lead_words(node)
            found.append((tuple(told), 0.85))
        return found

    def _button_words(self, field: Node) -> list[str]:
        """A field with a Search button behind it is for searching."""
        if field.role not in ("textbox", "searchbox", "combobox"):
            return []
        for other, name in zip(self.nodes, self.names, strict=True):
            gap = other.rect.left - field.rect.right
            level_with = abs(other.rect.centre.y - field.rect.centre.y) < field.rect.height
            if other.role == "button" and set(name) & _SEARCHES and -8 <= gap < 24 and level_with:
                return ["search"]
        return []

    def _lead_words(self, node: Node) -> list[str]:
        """What stands right before it with a colon: "Mail: [slow]"."""
        for other, name in zip(self.nodes, self.names, strict=True):
            gap = node.rect.left - other.rect.right
            level_with = abs(other.rect.centre.y - node.rect.centre.y) < 6
            if other.role == "text" and other.name.endswith(":") and -4 <= gap < 14 and level_with:
                return list(name)
        return []

    @cached_property
    def roles(self) -> frozenset[str]:
        return frozenset(node.role for node in self.nodes)

    @cached_property
    def columns(self) -> frozenset[int]:
        """Which nodes head a column."""
        under = {id(head) for node in self.nodes for head in self.layout.above(node)}
        return frozenset(n for n, node in enumerate(self.nodes) if id(node) in under)

    @cached_property
    def searching(self) -> int:
        """The uppermost field, where nothing on the screen is called a search; -1 where something is."""
        if any(set(name) & _SEARCHES for name in self.names) or any("search" in told for told, _ in self.more):
            return -1
        fields = [n for n, node in enumerate(self.nodes) if node.role in ("textbox", "searchbox")]
        return min(fields, key=lambda n: self.nodes[n].rect.top, default=-1)

    @cached_property
    def heads(self) -> list[tuple[str, ...]]:
        """Words of the head of the column that each node stands in."""
        return [tuple(w for head in self.layout.above(node) for w in words_of(head.name)) for node in self.nodes]

    def own(self, word: str) -> list[float]:
        """How well a word names each node."""
        if word not in self._own:
            self._own[word] = [self._names(word, n) for n in range(len(self.nodes))]
        return self._own[word]

    def named(self, word: str) -> list[float]:
        """How well a word stands for one of each node's name."""
        if word not in self._named:
            self._named[word] = [
                max((kin(word, other, self.misread) for other in name), default=0.0) for name in self.names
            ]
        return self._named[word]

    def _names(self, word: str, n: int) -> float:
        best = self.named(word)[n]
        best = max(best, 0.9 * max((kin(word, other, self.misread) for other in self.values[n]), default=0.0))
        if best > 0.9:
            return best
        told, worth = self.more[n]
        best = max(best, worth * max((kin(word, other, self.misread) for other in told), default=0.0))
        best = max(best, 0.7 * max((kin(word, other, self.misread) for other in self.heads[n]), default=0.0))
        name = self.nodes[n].name
        if best < 0.6 and any(
            (word in kinds or stem(word) in kinds) and shape.search(name) for kinds, shape in _WHAT_IS
        ):
            best = 0.6
        if best < 0.8 and word in ("sort", "order", "sorted") and n in self.columns:
            best = 0.8
        if best < 0.6 and word == "search" and n == self.searching:
            best = 0.6
        if best < 0.9 and word in _TOGGLES and self.nodes[n].role in ("switch", "checkbox"):
            best = 0.9
        if best < 0.7 and len(word) == 2 and self.names[n] and self.names[n][0].startswith(word) and self._small(n):
            best = 0.7  # initials on a small round picture
        return best

    def _small(self, n: int) -> bool:
        return max(self.nodes[n].rect.width, self.nodes[n].rect.height) <= _ICON_PX

    def spec(self, asked: Sequence[str]) -> list[float]:
        """How much of each node's name is accounted for by these words."""
        key = tuple(asked)
        if key not in self._specific:
            self._specific[key] = [
                _share(
                    [
                        (_plainly(word, key), max((kin(one, word, self.misread) for one in key), default=0.0))
                        for word in name
                    ]
                )
                if name
                else 0.0
                for name in self.names
            ]
        return self._specific[key]

    # What stands around it.

    def near(self, n: int, m: int) -> float:
        """How likely node `n` belongs to node `m`."""
        if (n, m) not in self._near:
            close = self._close(n, m)
            self._near[n, m] = close * (0.6 if close > 0.2 and self._outdone(n, m, close) else 1.0)
        return self._near[n, m]

    @cached_property
    def twins(self) -> dict[tuple[str, tuple[str, ...]], list[int]]:
        """The nodes of one role and name."""
        found: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for n, node in enumerate(self.nodes):
            found.setdefault((node.role, self.names[n]), []).append(n)
        return found

    @cached_property
    def mates(self) -> list[list[int]]:
        """Of each small button, the others of its column: one for each row, called alike or not."""
        small = [n for n, node in enumerate(self.nodes) if node.role in ("button", "link") and self._small(n)]
        found: list[list[int]] = [[] for _ in self.nodes]
        for n in small:
            at = self.nodes[n].rect.centre
            found[n] = [k for k in small if k != n and abs(self.nodes[k].rect.centre.x - at.x) <= 6]
        return found

    def _close(self, n: int, m: int) -> float:
        node, anchor = self.nodes[n], self.nodes[m]
        close = beside(node.rect, anchor.rect)
        if close < 0.98 and m in self.titled:
            within = self.layout.within(node, anchor)
            return max(close, within) if within else 0.6 * close
        return close

    @cached_property
    def titled(self) -> frozenset[int]:
        """Which nodes are headings."""
        titles = {id(title) for title in self.layout.titles}
        return frozenset(n for n, node in enumerate(self.nodes) if id(node) in titles)

    def _outdone(self, n: int, m: int, close: float) -> bool:
        """Whether another of the same role and name is clearly closer, or the one of its column stands level."""
        anchor = self.nodes[m].rect
        if level(self.nodes[n].rect, anchor) < 0.2 and any(
            level(self.nodes[k].rect, anchor) > 0.5 for k in self.mates[n] if k != m
        ):
            return True
        twins = self.twins[self.nodes[n].role, self.names[n]]
        if len(twins) < 2:
            return False
        mine = apart(self.nodes[n].rect, self.nodes[m].rect)
        return any(
            apart(self.nodes[k].rect, self.nodes[m].rect) < 0.6 * mine - 4 and self._close(k, m) > close - 0.05
            for k in twins
            if k not in (n, m)
        )

    def around(self, word: str) -> list[float]:
        """How well a word names what each node belongs to, itself left out."""
        if word not in self._around:
            own = self.own(word)
            told = [m for m, fit in enumerate(own) if fit > 0.55]
            self._around[word] = [
                max((own[m] * self.near(n, m) for m in told if m != n), default=0.0) for n in range(len(self.nodes))
            ]
        return self._around[word]

    # All together.

    def found(self, way: Asked) -> Meant:
        """The nodes that fit one way of understanding best."""
        fits = self.fits(way, alone=way.place is None)
        if way.place is not None:
            fits = self._placed(fits, way, way.place)
        if way.ordinal is not None or way.most:
            return self._counted(fits, way)
        best = max(fits, default=0.0)
        if best <= _EMPTY:
            return Meant((), 0.0)
        slack = 0.003 if way.corner or way.region else 0.012
        near = [node for node, fit in zip(self.nodes, fits, strict=True) if fit >= best - slack]
        operable = [node for node in near if node.role not in READABLE]
        return Meant(tuple(operable or near), best)

    def fits(self, way: Asked, alone: bool = True) -> list[float]:
        """How well each node is what is asked for, its place left out.

        Args:
            way: what is asked for.
            alone: whether what stands around a node may account for words that its name does not.
        """
        weights = [self._worth(word, way) for word in way.words]
        rest = [word for word in way.words if word != way.deed]
        if all(_weight(word) < 0.5 for word in rest):  # nothing else is said
            weights = [
                weight if word == way.deed else max(weight, 1.0)
                for word, weight in zip(way.words, weights, strict=True)
            ]
        spec = self.spec(tuple(dict.fromkeys((*self.said, *way.words))))
        owns = [self.own(word) for word in way.words]
        arounds = [
            self.around(word) if len(word) > 2 or not word.isdigit() else [0.0] * len(self.nodes) for word in way.words
        ]
        arounds = arounds if alone and not way.literal else []
        return [self._fit(n, way, weights, owns, arounds, spec[n]) for n in range(len(self.nodes))]

    def _worth(self, word: str, way: Asked) -> float:
        if word == way.colour:
            return 0.5
        if word == way.deed and len(way.words) > 1 and self._by_default(word):
            return 0.3
        return 1.25 if word in way.proper else _weight(word)

    def _fit(
        self,
        n: int,
        way: Asked,
        weights: Sequence[float],
        owns: Sequence[Sequence[float]],
        arounds: Sequence[Sequence[float]],
        spec: float,
    ) -> float:
        node = self.nodes[n]
        if way.words:
            fit = self._worded(n, way, weights, owns, arounds, spec)
        elif way.roles:
            fit = 0.66 if node.role in way.roles and (not way.icon or self._iconic(node)) else 0.0
        else:
            fit = 0.5 if (way.corner or way.colour or way.region) and node.role not in READABLE else 0.0
        if fit <= 0:
            return 0.0
        return float(min(1.0, fit * self._kind(n, way) * self._looks(node, way)))

    def _worded(
        self,
        n: int,
        way: Asked,
        weights: Sequence[float],
        owns: Sequence[Sequence[float]],
        arounds: Sequence[Sequence[float]],
        spec: float,
    ) -> float:
        """How well the words fit a node."""
        node = self.nodes[n]
        parts = [
            max(own[n], 0.95 * self._coloured(node, word)) if word == way.colour else own[n]
            for own, word in zip(owns, way.words, strict=True)
        ]
        told = max(parts)
        if arounds:
            parts = [
                max(part, 0.72 * around[n]) if part < 0.6 else part for part, around in zip(parts, arounds, strict=True)
            ]
        soft = [kind for kind in way.kinds if kind in SOFT_KINDS and kind not in way.words]
        kinds = [(0.3, max(self.own(kind)[n], 0.9 if node.role in _TRULY[kind] else 0.0)) for kind in soft]
        if node.role in FIELDS or len(self.names[n]) > 6:  # hints and whole sentences are seldom said in full
            spec = max(spec, 0.7 if node.role in FIELDS else 0.45)
        if not self._by_name(n, way):
            spec = max(spec, 0.75)
        cover = _share([*zip(weights, parts, strict=True), *kinds])
        fit = cover ** (1.6 if way.literal else 1.25) * (0.6 + 0.4 * spec)
        if way.literal and way.words == self.names[n]:
            fit = 1.0
        against = self._against(n, way, parts)
        fit *= against
        if told < 0.5 and not (way.roles and node.role in way.roles):
            fit *= 0.45  # nothing of its own says so: only what stands around it
        if self.misread:
            fit = max(fit, 0.97 * against * alike(way.words, self.names[n], way.literal, True))
        nouns = all(word != way.deed and (_weight(word) < 0.4 or word in NOUNS) for word in way.words)
        if way.place is not None and fit < _NOUN_FIT and node.role not in READABLE and nouns:
            fit = _NOUN_FIT
        return float(fit)

    def _against(self, n: int, way: Asked, parts: Sequence[float]) -> float:
        """What speaks against a node that some of the words fit."""
        factor = 1.0
        if way.exact and min(parts) < (0.55 if self.misread else 0.8):
            factor *= 0.55
        if self._unsaid_deed(n, way):
            factor *= 0.8
        if any(part < 0.5 and word in way.proper for part, word in zip(parts, way.words, strict=True)):
            factor *= 0.72
        more = len(way.words) > 1 or way.place is not None
        if way.deed and more and way.deed in way.words and not self._does(n, way.deed):
            mild = self._by_default(way.deed) or (way.deed in SWITCHED and self.nodes[n].role in _SWITCHES)
            factor *= 0.9 if mild else 0.6  # "Delete the message" is not "New message"
        return factor

    def _does(self, n: int, deed: str) -> bool:
        """Whether a node is called by what is to be done; a long name that holds the word somewhere is not."""
        name = self.names[n]
        first = name if len(name) <= 4 else name[:2]
        return self.own(deed)[n] >= 0.5 and (
            self.named(deed)[n] < 0.5 or any(kin(deed, word, self.misread) >= 0.5 for word in first)
        )

    def _unsaid_deed(self, n: int, way: Asked) -> bool:
        """Whether a node is called by a deed that nobody spoke of: "Hide Sun" is not the layer Sun."""
        name = [word for word in self.names[n] if word.isalpha()]
        if len(name) < 2 or name[0] not in _NAME_DEEDS or self.nodes[n].role in FIELDS:
            return False
        if self.nodes[n].role == "checkbox" and "checkbox" in (way.roles or way.likely):
            return False
        said = (*self.said, way.deed) if way.deed else self.said
        return not any(kin(word, name[0]) > 0.8 for word in said) and not (way.deed and self.own(way.deed)[n] > 0.8)

    def _by_name(self, n: int, way: Asked) -> bool:
        """Whether a word of it is in the name, and not only in a label, a value or a column's head."""
        return any(self.named(word)[n] >= 0.5 for word in way.words) or not self.names[n]

    def _by_default(self, deed: str) -> bool:
        """Whether pressing a thing does this to it anyway; calls and messages only where there are any."""
        called = any(
            named > 0.95 and node.role not in READABLE for named, node in zip(self.named(deed), self.nodes, strict=True)
        )
        if deed in ("call", "message", "play", "watch"):
            return called
        return deed in DEFAULT_DEEDS and not called

    def _kind(self, n: int, way: Asked) -> float:
        """How well a node's role goes with what is asked for."""
        node = self.nodes[n]
        factor = 1.0
        if way.roles and node.role not in way.roles and way.roles.isdisjoint(self.roles):
            factor *= 0.9  # nothing here is of that kind
        elif way.roles and node.role not in way.roles:
            named = max((self.own(kind)[n] for kind in way.kinds), default=0.0)
            if named > 0.8:
                factor *= 0.98
            elif set(way.kinds) <= SOFT_KINDS:
                factor *= 0.93
            elif way.roles & HARD and not way.icon:
                factor *= 0.7 if self.misread else 0.5
            else:
                factor *= 0.9 if self.misread else 0.8
        elif not way.roles and way.likely and node.role not in way.likely:
            ticks = "combobox" not in way.likely and "button" not in way.likely and "textbox" not in way.likely
            writes = way.likely == _WRITES
            factor *= 0.75 if ticks else 0.82 if writes else 0.95
        if way.side and self.own(way.side)[n] < 0.9:
            factor *= 0.66
        if way.verb and self.own(way.verb)[n] > 0.9:
            factor *= 1.03
        if node.role in READABLE and not (way.roles and node.role in way.roles):
            factor *= 0.85 if node.role == "image" else 0.71
        if not node.enabled and way.state != "disabled":
            factor *= 0.97
        return factor

    def _iconic(self, node: Node) -> bool:
        return node.role == "image" or (
            max(node.rect.width, node.rect.height) <= _ICON_PX
            and 0.5 < node.rect.width / max(1, node.rect.height) < 1.7
        )

    def _looks(self, node: Node, way: Asked) -> float:
        """Where it stands on the screen, its size, colour and state."""
        factor = self._cornered(node, way.corner) * self._edge(node, way.region)
        if way.size:
            area = min(1.0, (node.rect.area / 60000) ** 0.5)
            factor *= 0.9 + 0.1 * (area if way.size > 0 else 1 - area)
        if way.colour and not way.words:
            factor *= 0.3 + 0.7 * self._coloured(node, way.colour)
        if way.state:
            holds = {
                "checked": node.checked is True, "unchecked": node.checked is False, "disabled": not node.enabled,
                "selected": node.selected is True or node.checked is True or node.focused,
                "empty": node.role in FIELDS and not node.value and not node.filled,
                "expanded": node.expanded is True, "collapsed": node.expanded is False,
            }  # fmt: skip
            factor *= 1.06 if holds[way.state] else 0.94
        return factor

    def _coloured(self, node: Node, colour: str) -> float:
        return colour_of(self.frame, node.rect, colour) if self.frame is not None else 0.5

    def _cornered(self, node: Node, corner: tuple[str, ...]) -> float:
        if not corner:
            return 1.0
        x, y = node.rect.centre.x / self.screen.width, node.rect.centre.y / self.screen.height
        away = {"top": y, "bottom": 1 - y, "left": x, "right": 1 - x, "middle": 2 * max(abs(x - 0.5), abs(y - 0.5))}
        return 1 - 0.6 * min(1.0, math.hypot(*(away[side] for side in corner)))

    def _edge(self, node: Node, region: str) -> float:
        """How likely a thing lies in a bar along an edge."""
        x, y = node.rect.centre.x / self.screen.width, node.rect.centre.y / self.screen.height
        match region:
            case "":
                return 1.0
            case "top":
                away = y / 0.12
            case "bottom":
                away = (1 - y) / 0.15
            case "left":
                away = x / 0.25
            case "right":
                away = (1 - x) / 0.3
            case _:  # a row of small controls
                level_with = sum(
                    abs(other.rect.centre.y - node.rect.centre.y) < 8
                    and other.rect.width <= 60
                    and other.role == "button"
                    for other in self.nodes
                )
                return 1.0 if level_with >= 4 else 0.6
        return 1.0 if away <= 1 else max(0.35, 1.3 - 0.3 * away)

    # Places.

    def _placed(self, fits: list[float], way: Asked, place: Place) -> list[float]:
        """The fits, with what stands in the place weighed in."""
        best = max(fits, default=0.0)
        if best <= _EMPTY:
            return fits
        stands, there = self._standing(fits, place)
        what = place.what
        if not there:
            if way.deed in DEFAULT_DEEDS and way.words == (way.deed,) and max(self.named(way.deed), default=0.0) < 0.95:
                return [0.3 * fit for fit in fits]
            rivals = sum(fit >= best - 0.05 for fit in fits)
            if (
                what.proper & set(what.words)
                or rivals > 1
                or what.literal
                or place.relation in ("between", "left", "right")
            ):
                return [0.3 * fit for fit in fits]
            return [0.72 * fit for fit in fits]
        if way.ordinal is not None:
            stands = [1.0 if stand > 0.5 else stand for stand in stands]
        good = [n for n, fit in enumerate(fits) if fit >= best - 0.05]
        elsewhere = any(stand > _TOO_FAR and fit > 0.5 * best for stand, fit in zip(stands, fits, strict=True))
        if (
            len(good) == 1
            and not elsewhere
            and stands[good[0]] <= _TOO_FAR
            and place.relation == "any"
            and not what.proper & set(what.words)
        ):
            named = any(self.nodes[m].role not in READABLE for m, _ in self._anchors(what, fits))
            return [(0.55 if named else 0.62) * fit if n == good[0] else 0.25 * fit for n, fit in enumerate(fits)]
        return [
            fit * (0.41 + 0.61 * stand) if stand > _TOO_FAR else 0.25 * fit
            for fit, stand in zip(fits, stands, strict=True)
        ]

    def _standing(self, fits: list[float], place: Place) -> tuple[list[float], bool]:
        """How well each node stands in a place, 0 to 1, and whether there is such a place at all."""
        what, count = place.what, len(self.nodes)
        loose = place.relation in ("any", "row", "within")
        if loose and not what.words and (what.ordinal is not None or what.corner) and not what.roles:
            return self._nth_place(fits, what), True
        if loose and (what.ordinal is not None or what.corner) and all(word in NOUNS for word in what.words):
            stands = self._nth_place(fits, what)
            if any(stands):
                return stands, True
        if place.relation in ("any", "row", "within") and what.ordinal is None:
            return self._belonging(what, place.relation)
        anchors = self._anchors(what, fits)
        if place.relation == "between" and place.other is not None:
            seconds = self._anchors(place.other, fits)
            return [self._between(n, anchors, seconds) for n in range(count)], bool(anchors and seconds)
        stands = [
            max((fit * self._relation(n, m, place.relation) for m, fit in anchors if m != n), default=0.0)
            for n in range(count)
        ]
        if place.relation == "below":  # "under Waiting" may be in its section
            stands = [
                max(
                    stand,
                    max(
                        (0.9 * fit * self.layout.within(self.nodes[n], self.nodes[m]) for m, fit in anchors),
                        default=0.0,
                    ),
                )
                for n, stand in enumerate(stands)
            ]
        return stands, bool(anchors)

    def _relation(self, n: int, m: int, relation: str) -> float:
        if relation in ("any", "row", "within"):
            return self.near(n, m)
        return related(self.nodes[n].rect, self.nodes[m].rect, relation)

    def _belonging(self, what: Asked, relation: str) -> tuple[list[float], bool]:
        """How much of a place's words is said by what each node belongs to, or by itself."""
        words = what.words
        if not words:
            anchors = self._anchors(what, [])
            stands = [
                max((fit * self.near(n, m) for m, fit in anchors if m != n), default=0.0)
                for n in range(len(self.nodes))
            ]
            stands = [stand * self._cornered(self.nodes[n], what.corner) for n, stand in enumerate(stands)]
            if not anchors and (what.corner or what.region):
                return [self._cornered(node, what.corner) * self._edge(node, what.region) for node in self.nodes], True
            return stands, bool(anchors)
        weights = [self._worth(word, what) for word in words]
        spread = [[0.0] * len(self.nodes) for _ in words]
        for k, word in enumerate(words):
            own, around = self.own(word), self.around(word)
            for n in range(len(self.nodes)):
                spread[k][n] = max(0.93 * own[n] if own[n] > 0.55 else 0.0, around[n])
        stands = [
            _share([(weight, part[n]) for weight, part in zip(weights, spread, strict=True)])
            * self._cornered(self.nodes[n], what.corner)
            for n in range(len(self.nodes))
        ]
        there = _share(
            [(weight, max(self.own(word), default=0.0)) for weight, word in zip(weights, words, strict=True)]
        )
        missing = any(max(self.own(word), default=0.0) < 0.6 for word in words if word in what.proper or what.exact)
        return stands, there > 0.45 and not missing and max(stands, default=0.0) > _TOO_FAR

    def _anchors(self, what: Asked, fits: Sequence[float]) -> list[tuple[int, float]]:
        """The nodes that a place is named by, and how well."""
        scored = self.fits(what, alone=False)
        for n, node in enumerate(self.nodes):  # a text names a place as well as a button does
            if node.role in READABLE and not what.roles:
                scored[n] /= 0.85 if node.role == "image" else 0.71
        if what.ordinal is not None or what.most:
            chosen = self._counted(scored, what)
            return [(n, 1.0) for n, node in enumerate(self.nodes) if any(node is one for one in chosen.nodes)]
        best = max(scored, default=0.0)
        if best < 0.4:
            return []
        return [(n, min(1.0, fit / best)) for n, fit in enumerate(scored) if fit > best - 0.12]

    def _between(self, n: int, ones: list[tuple[int, float]], others: list[tuple[int, float]]) -> float:
        rect = self.nodes[n].rect
        best = 0.0
        for m, _ in ones:
            for k, _ in others:
                a, b = self.nodes[m].rect.centre, self.nodes[k].rect.centre
                if m == k or n in (m, k):
                    continue
                length = math.hypot(b.x - a.x, b.y - a.y) or 1.0
                along = ((rect.centre.x - a.x) * (b.x - a.x) + (rect.centre.y - a.y) * (b.y - a.y)) / length**2
                away = abs((rect.centre.x - a.x) * (b.y - a.y) - (rect.centre.y - a.y) * (b.x - a.x)) / length
                if 0 < along < 1:
                    best = max(best, (1 - abs(along - 0.5)) / (1 + away / 60))
        return best

    def _nth_place(self, fits: list[float], what: Asked) -> list[float]:
        """For "the third row": which of the likeliest nodes of one name is the third."""
        best = max(fits)
        groups: dict[tuple[str, int], list[int]] = {}
        for n, fit in enumerate(fits):
            if fit >= 0.45 * best:
                groups.setdefault((self.nodes[n].role, self.nodes[n].rect.left // 6), []).append(n)
        if all(len(group) < 2 for group in groups.values()):
            return [0.0] * len(fits)
        if self._in_grid(fits, best):
            line = [n for n, fit in enumerate(fits) if fit >= best - 0.06]
            line.sort(key=lambda n: (self.nodes[n].rect.top // 8, self.nodes[n].rect.left))
        else:
            line = max(groups.values(), key=lambda group: (len(group) > 1) * sum(fits[n] for n in group) / len(group))
        if what.words:
            titles = [m for m in self.titled if all(self.own(word)[m] > 0.9 for word in what.words)]
            inside = [n for n in line if any(self.layout.within(self.nodes[n], self.nodes[m]) for m in titles)]
            line = inside if len(inside) > 1 else line
        ordinal = what.ordinal
        if ordinal is None:
            ordinal = -1 if "bottom" in what.corner or "right" in what.corner else 0
        if not -len(line) <= ordinal < len(line):
            return [0.0] * len(fits)
        chosen = line[ordinal]
        return [1.0 if n == chosen else 0.0 for n in range(len(fits))]

    def _in_grid(self, fits: Sequence[float], best: float) -> bool:
        """Whether the likeliest nodes stand in several columns."""
        near = [n for n, fit in enumerate(fits) if fit >= best - 0.06]
        return len({self.nodes[n].rect.left // 6 for n in near}) > 1 and len(near) > 2

    # Numbers.

    def _counted(self, fits: list[float], way: Asked) -> Meant:
        """The one that an ordinal counts to or that has the most, among those that fit as well."""
        best = max(fits, default=0.0)
        slack = 0.12 if self.misread else 0.06
        near = [n for n, fit in enumerate(fits) if fit >= best - slack]
        line = self._in_order(near, way.counted)
        if way.ordinal is not None and (best < 0.45 or len(line) < 2):  # "the third song": nothing is called a song
            if way.deed and line and self.own(way.deed)[line[0]] > 0.8:
                return Meant((self.nodes[line[0]],), 0.9 * best)
            members, fit = self._members(way)
            fit *= 0.66 if way.side else 1.0
            if fit > 0.5 * best:
                line, best = members, fit
            else:
                best *= 0.5
        if best < 0.45 and way.most in ("+", "-"):  # "the longest period": what is measured in time
            line, best = self._timed(), 0.5
        if not line or best <= _EMPTY:
            return Meant((), 0.0)
        if way.most:
            measured = [(self._measure(n, way.most), n) for n in line]
            told = [(value, n) for value, n in measured if value is not None]
            if len(told) < 2:
                return Meant((), 0.0)
            best = max(best, 0.5) if way.words and way.place is None else best
            pick = max(told) if way.most.endswith("+") else min(told)
            return Meant((self.nodes[pick[1]],), min(1.0, best + 0.02))
        assert way.ordinal is not None
        if not -len(line) <= way.ordinal < len(line):
            return Meant((), 0.0)
        return Meant((self.nodes[line[way.ordinal]],), min(1.0, best + 0.02))

    def _in_order(self, which: Sequence[int], side: str) -> list[int]:
        """Nodes in reading order, or from one side of the screen on."""
        across, down = side in ("left", "right"), side in ("top", "bottom")
        back = -1 if side in ("right", "bottom") else 1

        def place(n: int) -> tuple[int, int]:
            rect = self.nodes[n].rect
            if across or down:
                return back * (rect.left if across else rect.top), rect.top if across else rect.left
            return rect.top // 8, rect.left

        return sorted(which, key=place)

    def _timed(self) -> list[int]:
        """What can be pressed and says a length of time."""
        return [
            n
            for n, node in enumerate(self.nodes)
            if node.role not in READABLE
            and any(stem(word) in _UNITS for word in self.names[n])
            and _NUMBER.search(node.name)
        ]

    def _members(self, way: Asked) -> tuple[list[int], float]:
        """The things of a series that has no name of its own: "the third song"."""
        index = {id(node): n for n, node in enumerate(self.nodes)}
        stands, there = [1.0] * len(self.nodes), True
        what = way.place.what if way.place is not None else (replace(way, ordinal=None) if way.words else None)
        says = what is not None and any(
            (word not in NOUNS and word not in FAINT) or any(self.own(word)[n] > 0.8 for n in self.titled)
            for word in what.words
        )
        if what is not None and says:
            place = way.place if way.place is not None else Place("any", what)
            stands, there = self._standing([1.0] * len(self.nodes), place)
        inside = (
            [node for n, node in enumerate(self.nodes) if stands[n] > 0.6 and node.role != "heading"] if there else []
        )
        pool = tuple(inside) if len(inside) > 1 or (inside and way.ordinal in (0, -1)) else self.nodes
        if way.roles:
            pool = tuple(node for node in pool if node.role in way.roles) or pool
        runs = Layout(pool, self.screen).series
        if not runs:
            single = [n for node in pool if node.role not in READABLE and (n := index[id(node)]) >= 0]
            return (single, 0.56) if pool is not self.nodes and len(single) == 1 else ([], 0.0)
        return [index[id(node)] for node in runs[0]], 0.56

    def _measure(self, n: int, most: str) -> float | None:
        """The number that a node's name holds, in seconds where it is a time; of `price`, what stands beside it."""
        texts = [self.nodes[n].name, self.nodes[n].value]
        if most.startswith("price"):
            close = sorted(range(len(self.nodes)), key=lambda m: -self.near(n, m))
            texts += [self.nodes[m].name for m in close[:6] if re.search(r"[€$£¥]", self.nodes[m].name)][:1]
            texts = texts[-1:]
        for text in texts:
            if found := _NUMBER.search(text):
                unit = next(
                    (
                        size
                        for word, size in _MEASURES.items()
                        if found.group(2).lower()[:3] and word.startswith(found.group(2).lower()[:3])
                    ),
                    1,
                )
                try:
                    return float(found.group(1).replace(",", "").rstrip(".")) * unit
                except ValueError:
                    return None
        return None
