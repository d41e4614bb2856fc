"""Made-up pages as node lists: forms, calendars, seat maps, result lists, tables, menus, dialogs, in any mixture.

A page is only what the runtime would list of it (nodes with boxes and states) plus the options of its lists. Nothing here
knows how instructions are worded.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from actuators.geometry import Rect, Screen
from actuators.observation import Node
from model.training import labels
from model.training.words import Words

__all__ = ["FIELD_ROLES", "Page", "make_page"]

FIELD_ROLES = ("textbox", "searchbox", "spinbutton", "combobox")
Spec = dict[str, Any]


@dataclass
class Page:
    """A screen's nodes in list order; `options` holds what each list offers, by the list's name."""

    nodes: tuple[Node, ...]
    screen: Screen
    more: tuple[Literal["above", "below"], ...] = ()
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)


class _Maker:
    def __init__(self, words: Words, drawn_share: float) -> None:
        self.words = words
        self.dice = words.dice
        self.drawn_share = drawn_share
        self.options: dict[str, tuple[str, ...]] = {}

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def label(self, usual: tuple[str, ...]) -> str:
        """A usual label, or drawn words."""
        return self.words.phrase() if self.chance(self.drawn_share) else self.words.pick(usual)

    def nav(self) -> list[Spec]:
        role = self.dice.choice(("link", "link", "link", "tab", "button", "menuitem", "treeitem"))
        return [
            {"role": role, "name": self.label(labels.LINKS), "selected": True if role == "tab" and n == 0 else None}
            for n in range(self.dice.randint(2, 8))
        ]

    def toolbar(self) -> list[Spec]:
        return [
            {"role": "button", "name": self.label(labels.BUTTONS), "enabled": not self.chance(0.08)}
            for _ in range(self.dice.randint(1, 8))
        ]

    def form(self) -> list[Spec]:
        specs: list[Spec] = []
        captions = self.chance(0.4)
        for _ in range(self.dice.randint(1, 8)):
            name = self.label(labels.FIELDS)
            if captions:
                specs.append({"role": "text", "name": name})
            specs.append(self._field(name))
        if self.chance(0.6):
            specs.append({"role": "button", "name": self.label(labels.BUTTONS)})
        return specs

    def _field(self, name: str) -> Spec:
        spec: Spec = {"role": self.dice.choice(("textbox",) * 8 + FIELD_ROLES), "name": name, "editable": True}
        if "assword" in name or "ecurity" in name or self.chance(0.05):
            spec |= {"password": True, "filled": self.chance(0.4)}
        elif self.chance(0.42):
            spec["value"] = self.words.value()
        if spec["role"] == "combobox":
            spec["expanded"] = self.chance(0.15)
        if self.chance(0.04):
            spec["enabled"] = False
        return spec

    def lists(self) -> list[Spec]:
        specs: list[Spec] = []
        for _ in range(self.dice.randint(1, 4)):
            if self.chance(self.drawn_share * 0.7):
                name = self.words.phrase()
                offered = tuple(dict.fromkeys(self.words.phrase() for _ in range(self.dice.randint(2, 8))))
            else:
                name = self.words.pick(tuple(labels.CHOICES))
                offered = labels.CHOICES[name]
            if name in self.options:
                continue
            self.options[name] = offered
            specs += self._list(name, offered)
        return specs

    def _list(self, name: str, offered: tuple[str, ...]) -> list[Spec]:
        chosen = self.words.pick(offered)
        shown = "" if self.chance(0.1) else chosen
        opened = self.chance(0.2)
        specs: list[Spec] = [{"role": "text", "name": name}] if self.chance(0.3) else []
        specs.append({"role": "combobox", "name": name, "value": shown, "expanded": opened or None})
        if opened:
            kept = offered if self.chance(0.6) else tuple(self.dice.sample(offered, max(1, len(offered) - 1)))
            specs += [{"role": "option", "name": option, "selected": option == shown or None} for option in kept]
        return specs

    def checks(self) -> list[Spec]:
        return [
            {
                "role": self.dice.choice(("checkbox", "checkbox", "checkbox", "switch")),
                "name": self.label(labels.CHECKS),
                "checked": self.chance(0.4),
                "enabled": not self.chance(0.03),
            }
            for _ in range(self.dice.randint(1, 5))
        ]

    def radios(self) -> list[Spec]:
        name = self.words.pick(tuple(labels.CHOICES))
        offered = (
            labels.CHOICES[name]
            if not self.chance(self.drawn_share)
            else [self.words.phrase() for _ in range(self.dice.randint(2, 5))]
        )
        chosen = self.dice.randrange(len(offered) + 1)
        head: list[Spec] = [{"role": "text", "name": name}]
        return head + [{"role": "radio", "name": text, "checked": n == chosen} for n, text in enumerate(offered[:6])]

    def calendar(self) -> list[Spec]:
        month = self.words.month()
        style = self.dice.choice(("{d} {m}", "{d} {m}", "{d} {m}", "{d}", "{w} {d} {m}", "{d} {m}, {p}"))
        past = self.dice.choice((0, 0, self.dice.randint(1, 20)))
        head: list[Spec] = [
            {"role": "button", "name": "Previous month", "enabled": not self.chance(0.5)},
            {"role": self.dice.choice(("text", "heading", "status")), "name": month},
            {"role": "button", "name": "Next month"},
        ]
        if self.chance(0.2):
            head[0]["name"], head[2]["name"] = self.dice.choice(
                (("Previous", "Next"), ("Earlier", "Later"), ("Back one month", "Forward one month"))
            )
        if self.chance(0.4):
            head += [{"role": "text", "name": day} for day in ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")]
        days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        first = self.dice.randrange(7)
        role = self.dice.choice(("button", "button", "button", "gridcell"))
        for day in range(1, self.dice.randint(28, 31) + 1):
            name = style.format(d=day, m=month, w=days[(first + day) % 7], p=self.words.price())
            head.append({"role": role, "name": name, "enabled": day > past})
        return head

    def seats(self, longest: int = 66) -> list[Spec]:
        stem = self.words.pick(labels.STEMS) if self.chance(0.8) else self.words.pseudo().capitalize()
        letters = self.dice.choice(("ABCDEF", "ABEF", "AF", "ABC", ""))
        taken_share = self.dice.choice((0.1, 0.35, 0.35, 0.6, 0.9, 1.0))
        worded = self.chance(0.6)
        names = [f"{row}{letter}" for row in range(1, self.dice.randint(2, 19)) for letter in letters or [""]]
        first = self.dice.choice((0, 0, self.dice.randint(0, 20)))
        specs: list[Spec] = []
        for name in names[first : first + longest]:
            taken = self.chance(taken_share)
            tail = (
                ", taken" if taken and worded else f", extra legroom, {self.words.price()}" if self.chance(0.08) else ""
            )
            specs.append(
                {
                    "role": "button",
                    "name": f"{stem} {name}{tail}",
                    "enabled": not taken,
                    "checked": True if self.chance(0.01) else None,
                }
            )
        return specs

    def results(self) -> list[Spec]:
        specs: list[Spec] = []
        action = self.label(labels.ROW_ACTIONS)
        extra = self.chance(0.3)
        role = self.dice.choice(("button", "button", "button", "link"))
        titled = self.chance(0.3)
        for _ in range(self.dice.randint(2, 8)):
            title = self.dice.choice((self.words.code, self.words.phrase, self.words.person, self.words.company))()
            head = f"{self.words.word()} {title}" if self.chance(0.2) else title
            specs.append({"role": self.dice.choice(("text", "text", "heading")), "name": head})
            facts = (
                self.words.clock,
                self.words.price,
                self.words.city,
                self.words.phrase,
                lambda: f"{self.words.clock()} to {self.words.clock()}",
            )
            specs += [{"role": "text", "name": self.dice.choice(facts)()} for _ in range(self.dice.randint(0, 4))]
            if extra:
                specs.append({"role": "button", "name": "Details"})
            specs.append({"role": role, "name": f"{action} {title}" if titled else action})
        return specs

    def table(self) -> list[Spec]:
        actions = [self.label(labels.ROW_ACTIONS) for _ in range(self.dice.randint(1, 2))]
        role = self.dice.choice(("button", "link"))
        cell = self.dice.choice(("cell", "text"))
        makers = [
            self.dice.choice((self.words.person, self.words.phrase, self.words.code, self.words.first))
            for _ in range(1)
        ]
        makers += [
            self.dice.choice((self.words.price, self.words.day, self.words.email, self.words.phrase, self.words.city))
            for _ in range(self.dice.randint(0, 3))
        ]
        specs: list[Spec] = []
        for _ in range(self.dice.randint(2, 8)):
            specs += [{"role": cell, "name": make()} for make in makers]
            specs += [{"role": role, "name": action} for action in actions]
        return specs

    def paragraph(self) -> list[Spec]:
        makers = (
            self.words.sentence,
            self.words.phrase,
            self.words.price,
            self.words.person,
            lambda: f"{self.words.phrase(2)}: {self.words.value()}",
        )
        return [{"role": "text", "name": self.dice.choice(makers)()} for _ in range(self.dice.randint(1, 6))]

    def dialog(self) -> list[Spec]:
        head: list[Spec] = [
            {"role": "heading", "name": self.label(labels.HEADINGS)},
            {"role": "text", "name": self.words.sentence()},
        ]
        return head + [{"role": "button", "name": self.label(labels.BUTTONS)} for _ in range(self.dice.randint(2, 4))]

    def menu(self) -> list[Spec]:
        role = self.dice.choice(("menuitem", "option", "listitem", "treeitem", "link", "tab"))
        usual = self.dice.choice((labels.LINKS, labels.BUTTONS, labels.CHOICES["Country"], labels.CHOICES["Language"]))
        return [{"role": role, "name": self.label(usual)} for _ in range(self.dice.randint(3, 8))]

    def paying(self) -> list[Spec]:
        """A button whose name goes on after its verb."""
        verb = self.dice.choice(
            ("Pay", "Pay", "Buy for", "Book for", "Continue with", "Order", "Reserve", "Send", "Delete", "Open")
        )
        tail = self.dice.choice((self.words.price, self.words.price, self.words.phrase, self.words.code))()
        return [{"role": "text", "name": f"Total {self.words.price()}"}, {"role": "button", "name": f"{verb} {tail}"}]

    def heading(self) -> list[Spec]:
        return [{"role": "heading", "name": self.label(labels.HEADINGS)}]


_BLOCKS: tuple[tuple[str, float], ...] = (
    ("nav", 1.0), ("toolbar", 1.2), ("form", 2.6), ("lists", 1.6), ("checks", 1.1), ("radios", 0.5), ("calendar", 0.7),
    ("seats", 0.5), ("results", 1.0), ("table", 0.8), ("paragraph", 0.8), ("dialog", 0.5), ("menu", 0.4), ("paying", 0.4),
    ("heading", 0.5),
)  # fmt: skip
_LARGE = frozenset({"calendar", "seats", "results", "table"})


def _blocks(maker: _Maker, count: int) -> list[Spec]:
    names, weights = zip(*_BLOCKS, strict=True)
    parts: list[list[Spec]] = [maker.seats(104)] if count > 64 and maker.chance(0.25) else []
    total = sum(len(part) for part in parts)
    while total < count:
        name = maker.dice.choices(names, weights)[0]
        if name in _LARGE and count < 40 and maker.chance(0.6):
            continue
        build: Callable[[], list[Spec]] = getattr(maker, name)
        part = build()
        if total + len(part) > count * 1.25 + 6:
            part = part[: max(1, count - total)]
        parts.append(part)
        total += len(part)
    maker.dice.shuffle(parts)
    return [spec for part in parts for spec in part][:118]


def _rects(specs: list[Spec], screen: Screen, dice: random.Random) -> list[Rect]:
    """Boxes in flow order: rows from left to right, squeezed to the height of the screen."""
    x, y, tall = dice.randint(4, 60), dice.randint(4, 40), dice.randint(18, 44)
    margin, gap = x, dice.randint(4, 24)
    right = screen.width - dice.choice((10, 10, screen.width // 3, screen.width // 2))
    raw: list[tuple[float, float, float, float]] = []
    for spec in specs:
        wide = min(
            screen.width - margin - 4, 16 + 7 * max(2, len(spec["name"])) + (120 if spec["role"] in FIELD_ROLES else 0)
        )
        if x + wide > right or dice.random() < 0.25:
            x, y, tall = margin, y + tall + gap, dice.randint(18, 44)
        raw.append((x, y, x + wide, y + tall))
        x += wide + gap
    squeeze = min(1.0, (screen.height - 4) / max(bottom for *_, bottom in raw))
    rects = []
    for left, top, far, bottom in raw:
        upper = int(top * squeeze)
        rects.append(
            Rect(
                int(left),
                upper,
                min(screen.width, max(int(left) + 6, int(far))),
                min(screen.height, max(upper + 5, int(bottom * squeeze))),
            )
        )
    return rects


def _focus(nodes: list[Node], dice: random.Random) -> None:
    fields = [n for n, node in enumerate(nodes) if node.role in FIELD_ROLES and node.enabled]
    if fields and dice.random() < 0.65:
        n = dice.choice(fields)
        nodes[n] = dataclasses.replace(nodes[n], focused=True)
    elif nodes and dice.random() < 0.2:
        n = dice.randrange(len(nodes))
        nodes[n] = dataclasses.replace(nodes[n], focused=nodes[n].role not in ("text", "heading", "cell"))


def make_page(words: Words, count: int, drawn_share: float | None = None) -> Page:
    """A page of about `count` nodes, at most 118."""
    dice = words.dice
    maker = _Maker(words, dice.choice((0.15, 0.4, 0.7)) if drawn_share is None else drawn_share)
    specs = _blocks(maker, count)
    sizes = ((1280, 800),) * 8 + ((1920, 1080), (1024, 768), (1440, 900), (800, 600))
    screen = Screen(*dice.choice(sizes))
    rects = _rects(specs, screen, dice)
    nodes = [Node(id=str(n), rect=rect, **spec) for n, (spec, rect) in enumerate(zip(specs, rects, strict=True))]
    if dice.random() < 0.12:
        dice.shuffle(nodes)
    _focus(nodes, dice)
    more: tuple[Literal["above", "below"], ...] = dice.choice(
        ((), (), ("below",), ("below",), ("above",), ("above", "below"))
    )
    return Page(tuple(nodes), screen, more, maker.options)
