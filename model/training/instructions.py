"""How an instruction is worded: templates for every kind, some of them kept for evaluation only.

A rendered instruction knows where the name, the value and the anchor stand in it, for the auxiliary losses.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from actuators.observation import Node
from model.training.oracle import Ask
from model.training.words import Split

__all__ = ["ORDINALS", "Wording", "role_words", "word"]

_VERBS = (
    "press",
    "press",
    "press",
    "click",
    "click",
    "click on",
    "tap",
    "tap on",
    "select",
    "open",
    "go to",
    "hit",
    "push",
    "activate",
    "choose",
    "pick",
    "please press",
    "Press",
    "Click",
    "Click on",
    "Open",
    "Please click",
    "Tap",
    "now press",
    "then click",
    "use",
    "follow",
    "trigger",
)
_PLAIN = ("{n}", "{n}", "{n}", '"{n}"', "“{n}”", "'{n}'", "the {n}")
_ROLED = (
    "the {n} {r}",
    "the {n} {r}",
    "the {n} {r}",
    'the "{n}" {r}',
    'the {r} "{n}"',
    "the {r} {n}",
    "{n} {r}",
    "the {r} called {n}",
    "the {r} named {n}",
    "the {r} labelled {n}",
    'the {r} that says "{n}"',
)

_TYPE = (
    "type {v} into the {n} field", "type {v} into the {n} field", "type {v} into the {n} field", "type {v} into {n}",
    "type {v} in the {n} field", "type {v} in {n}", "enter {v} in {n}", "enter {v} into the {n} field", "enter {v} in the {n} box",
    "fill {n} with {v}", "fill the {n} field with {v}", "fill in the {n} field with {v}", "fill in {n} with {v}", "set {n} to {v}",
    "set the {n} field to {v}", "put {v} into {n}", "put {v} in the {n} field", "write {v} in the {n} field", "write {v} into {n}",
    'type "{v}" into the {n} field', 'type "{v}" into "{n}"', 'enter "{v}" in the "{n}" field', 'fill "{n}" with "{v}"',
    "in the {n} field, type {v}", "in {n} type {v}", "in the {n} box enter {v}", "{n}: {v}", "Type {v} into the {n} field",
    "Enter {v} in the {n} field", "Fill {n} with {v}", "Set {n} to {v}", "type the text {v} into the {n} field", "change {n} to {v}",
    "change the {n} field to {v}", "replace the text in {n} with {v}", "input {v} into {n}", "search for {v} in the {n} field",
    "the {n} field should say {v}", "key {v} into the {n} field",
)  # fmt: skip
_CHOOSE = (
    "choose {v} in the {n} list", "choose {v} in the {n} list", "choose {v} in the {n} list", "choose {v} in {n}", "select {v} in the {n} list",
    "select {v} in {n}", "select {v} from the {n} list", "select {v} from {n}", "pick {v} from the {n} list", "pick {v} in {n}",
    "choose {v} from the {n} menu", "choose {v} from the {n} drop-down", "select {v} in the {n} dropdown", 'choose "{v}" in the "{n}" list',
    'select "{v}" from "{n}"', "set the {n} list to {v}", "change the {n} list to {v}", "in the {n} list, choose {v}", "in the {n} list choose {v}",
    "in {n} select {v}", "for {n} choose {v}", "choose {v} for {n}", "Choose {v} in the {n} list", "Select {v} in the {n} list",
    "choose the option {v} in the {n} list", 'choose "{v}" in the {n} list', 'select "{v}" in the {n} list', "switch the {n} list to {v}", "take {v} from the {n} list",
)  # fmt: skip
_CHECK_ON = (
    "check {n}",
    "check {n}",
    "check {n}",
    "check the {n} box",
    "check the {n} checkbox",
    "tick {n}",
    "tick the {n} box",
    "tick the {n} checkbox",
    "turn on {n}",
    "turn {n} on",
    "enable {n}",
    "switch on {n}",
    "switch {n} on",
    'check "{n}"',
    'tick "{n}"',
    "Check {n}",
    "make sure {n} is checked",
    "mark {n} as checked",
    "Turn on {n}",
    "activate the {n} checkbox",
    "put a tick at {n}",
)
_CHECK_OFF = (
    "uncheck {n}",
    "uncheck {n}",
    "uncheck the {n} box",
    "uncheck the {n} checkbox",
    "untick {n}",
    "untick the {n} box",
    "turn off {n}",
    "turn {n} off",
    "disable {n}",
    "switch off {n}",
    "switch {n} off",
    'uncheck "{n}"',
    "Uncheck {n}",
    "make sure {n} is not checked",
    "clear the {n} checkbox",
    "remove the tick from {n}",
)
_KEY = (
    "press {k}",
    "press {k}",
    "press the {k} key",
    "hit {k}",
    "hit the {k} key",
    "Press {k}",
    "use the {k} key",
    "press {k} on the keyboard",
    "push the {k} key",
    "type the key {k}",
)
_DOWN = (
    "scroll down",
    "scroll down",
    "scroll down a little",
    "scroll the page down",
    "scroll further down",
    "Scroll down",
    "move down the page",
    "scroll downwards",
    "page down a bit",
)
_UP = (
    "scroll up",
    "scroll up",
    "scroll up a little",
    "scroll the page up",
    "scroll back up",
    "Scroll up",
    "move up the page",
    "scroll upwards",
)
_WAIT = (
    "wait until {v} is shown",
    "wait until {v} is shown",
    "wait for {v}",
    "wait until {v} appears",
    "wait until the page shows {v}",
    'wait until "{v}" is shown',
    "wait for {v} to appear",
    "Wait until {v} is visible",
    "wait till {v} is shown",
    "hold on until {v} appears",
)
_UNTIL = (
    "{t} until {v} is shown",
    "{t} until {v} is shown",
    "{t} until {v} is shown",
    "{t} until {v} appears",
    "{t} until you see {v}",
    '{t} until "{v}" is shown',
    "{t} until {v} is visible",
    "{t} until the page shows {v}",
    "keep pressing {n} until {v} is shown",
    "{t} as often as needed until {v} is shown",
    "{t} till {v} is shown",
    "repeat: {t} until {v} is there",
)
_MAYBE = (
    "{t} if it is shown",
    "{t} if it is shown",
    "{t} if it is shown",
    "{t} if it is there",
    "{t} if it appears",
    "{t} if present",
    "{t} if it is visible",
    "if {n} is shown, press it",
    "if there is a {n} button, press it",
    "if {n} is visible, {t}",
    "{t}, if shown",
    "{t} if there is one",
)
_NTH = (
    "the {o} {n} {r}",
    "the {o} {n} {r}",
    "the {o} {n} {r}",
    "the {o} {n}",
    'the {o} "{n}" {r}',
    "{n} number {i}",
    "the {o} {r} called {n}",
)
_LAST = ("the {o} {n} {r}", "the {o} {n} {r}", "the {o} {n}", 'the {o} "{n}" {r}', "the {o} of the {n} {r}s")
_FREE = (
    "press the first available {n}",
    "press the first available {n}",
    "press the first available {n}",
    "press the first free {n}",
    "click the first available {n}",
    "select the first available {n}",
    "select the first free {n}",
    "choose the first available {n}",
    "choose any available {n}",
    "pick any free {n}",
    "press any available {n}",
    "press any free {n}",
    "take the first free {n}",
    "click on the first free {n}",
    "tap any available {n}",
    "Choose the first available {n}",
    "choose the first {n} that is free",
    "pick the first {n} that is not taken",
    "book any {n} that is still free",
)
_ROW = (
    "the {n} {r} for {a}",
    "the {n} {r} for {a}",
    "the {n} {r} in the row of {a}",
    "the {n} {r} in the row of {a}",
    "the {n} {r} of {a}",
    "{n} for {a}",
    "{n} in the row of {a}",
    "the {n} {r} next to {a}",
    "the {n} {r} beside {a}",
    'the "{n}" {r} for "{a}"',
    "the {n} {r} below {a}",
    "the {n} {r} belonging to {a}",
    "{n} next to {a}",
    "the {n} {r} after {a}",
)

ORDINALS = {
    1: ("first", "1st", "first"),
    2: ("second", "2nd", "second"),
    3: ("third", "3rd", "third"),
    4: ("fourth", "4th"),
    5: ("fifth", "5th"),
    6: ("sixth", "6th"),
    -1: ("last", "final", "last"),
}

_ROLE_WORDS: dict[str, tuple[str, ...]] = {
    "button": ("button",) * 6 + ("key", "push button"),
    "link": ("link",), "tab": ("tab",), "menuitem": ("menu item", "menu entry", "item"), "option": ("option", "entry"),
    "listitem": ("item", "entry"), "treeitem": ("item", "entry"), "radio": ("radio button", "option", "choice"),
    "checkbox": ("checkbox", "box"), "switch": ("switch", "toggle"), "textbox": ("field", "box", "input", "text field", "calendar"),
    "searchbox": ("field", "search field", "box"), "spinbutton": ("field",), "combobox": ("list", "drop-down", "field", "menu"),
    "gridcell": ("cell", "day"),
}  # fmt: skip


def role_words(role: str) -> tuple[str, ...]:
    """Words that people use for a role."""
    return _ROLE_WORDS.get(role, ("element",))


@dataclass
class Wording:
    """An instruction's text and where its parts stand in it, as character ranges by placeholder letter."""

    text: str
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)


def _keep(templates: Sequence[str], split: Split) -> list[str]:
    """One distinct template in eight is for evaluation only; the first never is."""
    distinct = list(dict.fromkeys(templates))
    held = {text for n, text in enumerate(distinct) if n % 8 == 5}
    return [text for text in templates if (text in held) == (split == "held")] or [templates[0]]


def _fill(template: str, parts: dict[str, str]) -> Wording:
    wording = Wording("")
    for piece in re.split(r"(\{\w\})", template):
        letter = piece[1] if len(piece) == 3 and piece[0] == "{" else ""
        text = parts[letter] if letter else piece
        if letter:
            wording.spans[letter] = (len(wording.text), len(wording.text) + len(text))
        wording.text += text
    return wording


def _press_template(ask: Ask, node_role: str, dice: random.Random, split: Split) -> str:
    def one(templates: Sequence[str]) -> str:
        return dice.choice(_keep(templates, split))

    verb = one(_VERBS)
    if ask.anchor:
        return f"{verb} {one(_ROW)}"
    if ask.free:
        return one(_FREE)
    if ask.ordinal:
        return f"{verb} {one(_NTH if ask.ordinal > 0 else _LAST)}"
    return f"{verb} {one(_ROLED if ask.group else _PLAIN)}"


def _template(ask: Ask, node_role: str, dice: random.Random, split: Split) -> str:
    def one(templates: Sequence[str]) -> str:
        return dice.choice(_keep(templates, split))

    match ask.kind:
        case "type":
            return one(_TYPE)
        case "choose":
            return one(_CHOOSE)
        case "check":
            return one(_CHECK_ON if ask.wanted else _CHECK_OFF)
        case "key":
            return one(_KEY)
        case "scroll":
            return one(_DOWN if ask.wanted else _UP)
        case "wait":
            return one(_WAIT)
        case "until":
            return one(_UNTIL).replace("{t}", _press_template(ask, node_role, dice, split))
        case "maybe":
            return one(_MAYBE).replace("{t}", _press_template(ask, node_role, dice, split))
        case _:
            return _press_template(ask, node_role, dice, split)


def _key_text(keys: tuple[str, ...], dice: random.Random) -> str:
    usual = {"page_down": "Page Down", "page_up": "Page Up"}
    words = [usual.get(key, key.upper() if len(key) == 1 else key.capitalize()) for key in keys]
    return "+".join(words) if dice.random() < 0.85 else "+".join(keys)


def word(ask: Ask, node: Node | None, dice: random.Random, split: Split) -> Wording:
    """One wording. `node` is the element meant, where there is one; its role decides the word for it."""
    role = node.role if node else {"link": "link", "tab": "tab"}.get(ask.group, "button")
    name = ask.name
    if not ask.free and dice.random() < 0.07:
        name = dice.choice((name.lower(), name.lower(), name.upper()))
    template = _template(ask, role, dice, split)
    place = ask.ordinal or 1
    parts = {
        "n": name, "v": ask.value, "a": ask.anchor, "r": dice.choice(role_words(role)),
        "o": dice.choice(ORDINALS[place]), "i": str(place), "k": _key_text(ask.keys, dice),
    }  # fmt: skip
    wording = _fill(template, parts)
    if not template.endswith("{v}") and dice.random() < 0.08:
        wording.text += "."
    return wording
