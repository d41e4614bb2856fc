"""An instruction about one thing, taken apart: what is named, of what kind, which of several, and where it stands.

Plain rules over English words. They widen nothing: a checkpoint's profile may use them to offer a small model fewer
nodes to choose from, never more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from model.protocols.elements import plain_words

__all__ = ["QUOTES", "Asked", "Place", "quoted", "tokens", "understood"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the thing stands: beside something that is named."""

    relation: str
    """`row`, `within`, `right`, `left`, `below`, `above`, `near` or `any` (a weak word such as "for")."""
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One way of understanding an instruction."""

    words: tuple[str, ...]
    """What names the thing; empty where only its kind and place are said."""
    roles: frozenset[str] = frozenset()
    """Roles that its kind allows; empty where no kind is said."""
    likely: frozenset[str] = frozenset()
    """Roles that the verb suggests."""
    deed: str = ""
    """The verb, where it may itself be what a control is called (`delete`, `mute`); empty for `click` and its like."""
    icon: bool = False
    """Whether it is called an icon."""
    place: Place | None = None
    ordinal: int | None = None
    """0 for the first, -1 for the last; None where no place in a series is said."""
    corner: tuple[str, ...] = ()
    """Of `top`, `bottom`, `left`, `right`, `middle`."""
    literal: bool = False
    """Whether the words stood in quotes."""


_MARK = re.compile(r"[^\w\s]")


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[str, ...]:
    """Lower-case words without accents; marks count as words where nothing else is there."""
    return tuple(_NUMBERS.get(word, word) for word in plain_words(text).split()) or tuple(_MARK.findall(text))


_KINDS: dict[str, tuple[str, ...]] = {
    "button": ("button",),
    "link": ("link",),
    "hyperlink": ("link",),
    "field": ("textbox", "searchbox", "spinbutton", "combobox"),
    "box": ("textbox", "searchbox", "checkbox", "combobox"),
    "input": ("textbox", "searchbox", "spinbutton"),
    "textbox": ("textbox", "searchbox"),
    "textfield": ("textbox", "searchbox"),
    "textarea": ("textbox",),
    "checkbox": ("checkbox", "switch"),
    "tickbox": ("checkbox",),
    "toggle": ("switch", "checkbox"),
    "switch": ("switch", "checkbox"),
    "radio": ("radio",),
    "tab": ("tab", "link"),
    "dropdown": ("combobox", "listbox", "button"),
    "combobox": ("combobox",),
    "select": ("combobox",),
    "selector": ("combobox", "button"),
    "list": ("combobox", "listbox"),
    "option": ("option", "radio", "menuitem"),
    "menu": ("menuitem", "button", "combobox", "link"),
    "item": ("menuitem", "option", "link"),
    "slider": ("slider",),
    "spinner": ("spinbutton",),
    "icon": ("button", "link", "image", "tab", "menuitem"),
    "image": ("image",),
    "picture": ("image",),
    "bar": ("textbox", "searchbox"),
    "entry": ("menuitem", "link", "option"),
}
_VERBS = (
    r"(?:please )?(?:click|press|tap|hit|push|select|choose|pick|open|activate|toggle|check|tick|mark|uncheck|untick|"
    r"turn on|turn off|switch on|switch off|enable|disable|go to|switch to|focus|find|locate|show|use|move to|"
    r"hover over|hover|"
    r"double[- ]click|right[- ]click|expand|collapse|follow|visit|view|see|point to|point at)(?: on| at| to| in| the)?"
)
_PHRASES: tuple[tuple[str, str], ...] = (
    (r"magnifying glass|look up|looking glass", "search"),
    (r"three (?:\w+ )?dots|ellipsis|overflow menu", "more options"),
    (r"three (?:\w+ )?(?:lines|bars)|hamburger(?: menu| icon)?", "menu"),
    (r"paper ?clip", "attach"),
    (r"trash ?can|waste ?(?:bin|basket)", "delete"),
    (r"shopping (?:bag|cart|basket)", "cart"),
    (r"thumbs? up", "like"),
    (r"thumbs? down", "dislike"),
    (r"plus sign", "plus"),
    (r"log in", "login"),
    (r"log out", "logout"),
    (r"sign in", "signin"),
    (r"sign out", "signout"),
    (r"sign up", "signup"),
    (r"e-mail", "email"),
    (r"wi-fi", "wifi"),
    (r"cog ?wheel", "settings"),
    (r"go on", "continue"),
    (r"drop[- ]down", "dropdown"),
    (r"check ?box", "checkbox"),
    (r"text (?:box|field|area)", "textbox"),
    (r"pop[- ]up", "popup"),
    (r"drop ?down (?:list|menu)|combo ?box", "dropdown"),
    (r"radio button", "radio"),
    (r"push button", "button"),
)
_COUNTING = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: str(number) for number, word in enumerate(_COUNTING.split(" "))}
_SUGGESTS: tuple[tuple[str, frozenset[str]], ...] = (
    (r"(?:un)?tick|(?:un)?check|uncheck|mark", frozenset({"checkbox", "switch", "radio"})),
    (r"toggle|turn on|turn off|switch on|switch off|enable|disable", frozenset({"switch", "checkbox", "button"})),
    (r"type|enter|write|fill(?: in| out)?|put|input", frozenset({"textbox", "searchbox", "combobox", "spinbutton"})),
    (
        r"choose|pick|set|select",
        frozenset(
            {"combobox", "radio", "option", "checkbox", "menuitem", "listbox", "slider", "spinbutton", "tab", "link"}
        ),
    ),
    (r"search|look for", frozenset({"textbox", "searchbox", "button", "combobox"})),
)
_BY = re.compile(r"^.+? by (?=(?:click|press|tapp|choos|select)ing\b)(.+)$", re.IGNORECASE)
"""What is to be reached, and how: the thing that is meant stands in the second half."""
_DOING = (
    ("clicking", "click"),
    ("pressing", "press"),
    ("tapping", "tap"),
    ("choosing", "choose"),
    ("selecting", "select"),
)
_PURPOSE = re.compile(r" (?:to|in order to) \w+ (?:it|them|this|that)$", re.IGNORECASE)
"""What pressing it is good for: "the trash icon to delete it"."""
_WIDGETS = r"(?:widget|control|element|component)s?"
_LEAD = re.compile(rf"^{_VERBS} (?=\S)")
_ARTICLE = re.compile(r"^(?:(?:the|a|an|this|that|my|your|its|called|named|labell?ed|with|for|to|on|of|says|saying) )+")
_SMALL_WORDS = """
the a an of to on in at for with and or is it this that
my your its called named labelled labeled what which where who how please one saying says
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_ORDINALS = {
    "first": 0,
    "1st": 0,
    "second": 1,
    "2nd": 1,
    "third": 2,
    "3rd": 2,
    "fourth": 3,
    "4th": 3,
    "fifth": 4,
    "5th": 4,
    "sixth": 5,
    "6th": 5,
    "seventh": 6,
    "7th": 6,
    "eighth": 7,
    "8th": 7,
    "ninth": 8,
    "tenth": 9,
    "last": -1,
}
_CONTAINER = (
    "row|line|entry|card|tile|section|group|panel|area|dialog|window|popup|toolbar|sidebar|list|table|form|column|block|"
    "header|footer|message|result|post|comment|task|ticket|product|order|item|record|menu|box|navigation|bar"
)
_ROWS = frozenset({"row", "line", "entry", "item", "record", "result", "message", "order", "task", "ticket"})
QUOTES = re.compile(r"[\"“”«»]([^\"“”«»]+)[\"“”«»]|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_SIDES = (
    (r"(?:to the )?right of", "right"),
    (r"(?:to the )?left of", "left"),
    (r"below|under|underneath|beneath", "below"),
    (r"above|over", "above"),
    (r"next to|beside|by|near|close to|following|after|belonging to", "near"),
)
_WEAK = r"for|of|from|in|on|at|with|about"
_CORNER = re.compile(
    r"\b(?:(?:in|at|on|of|near) the )?"
    r"((?:(?:top|upper|bottom|lower)[- ]?)?(?:left|right|centre|center|middle)|top|upper|bottom|lower|leftmost"
    r"|rightmost|topmost|bottommost)(?:[- ]hand)?(?: corner| side| edge| end)?(?: of the (?:screen|page|window))?\b"
)


def quoted(text: str) -> tuple[str, ...]:
    """What stands in quotes."""
    return tuple(a or b for a, b in QUOTES.findall(text))


def understood(text: str) -> list[Asked]:
    """Every way of understanding an instruction about one thing, the most literal first."""
    flat = _common(_PURPOSE.sub("", _kind_unquoted(_how(" ".join(text.split()).strip(" .!")))))
    spoken = _target_of(flat)
    ways: list[Asked] = []
    for phrase in dict.fromkeys((spoken, flat)):
        ways.append(_plain(phrase))
        ways.append(_literal(phrase))
        ways += _placed(phrase)
    first = _plain(spoken)
    if len(first.words) > 1 and not first.literal and first.deed:  # "Delete Alan Turing": a deed and whose
        ways.append(replace(first, words=first.words[:1], place=Place("any", first.words[1:])))
    if first.words and first.likely & {"checkbox", "switch"} and not first.literal:  # "tick Ada": the box in her row
        ways.append(
            replace(first, words=(), roles=frozenset({"checkbox", "radio", "switch"}), place=Place("row", first.words))
        )
    verb_too = _LEAD.match(spoken.casefold()) and not first.literal  # "Open file": it may be part of the name
    if first.words and verb_too:
        ways.append(replace(first, words=tokens(spoken.casefold())))
    return [way for way in dict.fromkeys(ways) if way.words or way.roles or way.corner]


def _how(text: str) -> str:
    """The second half of "close it by clicking the x"; anything else as it is."""
    found = _BY.match(text)
    if found is None:
        return text
    said = found.group(1)
    for doing, do in _DOING:
        said = re.sub(rf"^{doing}\b", do, said, flags=re.IGNORECASE)
    return said


def _kind_unquoted(text: str) -> str:
    """A kind in quotes before a word like "widget" is a kind: `a "radio" widget`."""

    def plain(found: re.Match[str]) -> str:
        kind = found.group(1).casefold()
        return kind if kind in _KINDS else found.group()

    return re.sub(rf"[\"“'‘](\w+)[\"”'’] {_WIDGETS}\b", plain, text)


def _common(text: str) -> str:
    """Common words for the looks of things; what stands in quotes stays as it is."""
    parts = re.split(r"([\"“”«»][^\"“”«»]*[\"“”«»])", text)
    for n in range(0, len(parts), 2):
        for pattern, word in _PHRASES:
            parts[n] = re.sub(rf"\b(?:{pattern})\b", word, parts[n], flags=re.IGNORECASE)
    return "".join(parts)


def _target_of(text: str) -> str:
    """The part that names the thing: not the value to be typed or chosen, nor the verb."""
    for pattern in (
        r"^(?:type|enter|write|put|input|paste|insert)\b.*?\b(?:in|into|to|as|for) (?:the )?(.+)$",
        r"^(?:fill(?: in| out)?|complete|clear|empty|edit|set|change) (?:the )?(.+?) (?:with|to|as) .+$",
        r"^(?:fill(?: in| out)?|complete|clear|empty) (?:the )?(.+)$",
        r"^(?:select|choose|pick|set) .+? (?:in|from) (?:the )?"
        r"(.+? (?:list|dropdown|menu|selector|select|combobox|box|field))$",
    ):
        if found := re.match(pattern, text, re.IGNORECASE):
            return found.group(1)
    return text


def _plain(phrase: str, place: Place | None = None) -> Asked:
    """Words, kind, number and corner of a phrase without its place."""
    said = quoted(phrase)
    low = QUOTES.sub(" ", phrase).casefold().strip()
    likely = next((roles for verbs, roles in _SUGGESTS if re.match(rf"(?:{verbs})\b", low)), frozenset[str]())
    plain_verb = _LEAD.match(low)
    low = _LEAD.sub("", low) if plain_verb else low
    corner: tuple[str, ...] = ()
    if found := _CORNER.search(low):
        corner, low = _corner(found.group(1)), (low[: found.start()] + " " + low[found.end() :]).strip()
    low = _ARTICLE.sub("", low)
    ordinal, words, roles, icon = None, [], set(), False
    before = ""
    for word in re.findall(r"\w+(?:['’]\w+)?", low):
        before, last = word, before
        if last in _KINDS and word in _NUMBERS:  # "button ONE": what follows a kind is its name
            words.append(_NUMBERS[word])
        elif word in _ORDINALS and ordinal is None:
            ordinal = _ORDINALS[word]
        elif word in _KINDS or word.rstrip("s") in _KINDS:
            kind = word if word in _KINDS else word.rstrip("s")
            roles |= set(_KINDS[kind])
            icon |= kind == "icon"
        elif word not in _SMALL:
            words.append(_NUMBERS.get(word, word))
    bare = Asked((), frozenset(roles), likely, "", icon, place, ordinal, corner)
    if said:
        return replace(bare, words=tokens(said[0]), literal=True)
    named = tokens(" ".join(words)) if words else ()
    began = re.match(r"\w+", low)
    deed = named[0] if named and began and not plain_verb and began.group() == named[0] and len(named) > 1 else ""
    return replace(bare, words=named, deed=deed)


def _literal(phrase: str) -> Asked:
    """Every word as part of the name: "Shopping list" need not be a list."""
    return Asked(tuple(word for word in tokens(_LEAD.sub("", phrase.casefold())) if word not in ("the", "a", "an")))


def _corner(said: str) -> tuple[str, ...]:
    sides = (("top", ("top", "upper")), ("bottom", ("bottom", "lower")), ("left", ("left",)), ("right", ("right",)))
    found = tuple(side for side, words in sides if any(word in said for word in words))
    return found or ("middle",)


def _placed(phrase: str) -> list[Asked]:
    """The same with one part taken for the place."""
    ways = []
    if found := re.match(r"^(?:in|on|for|under|below|next to|beside|from|of) (.+?)[,:] (.+)$", phrase, re.IGNORECASE):
        ways.append(_plain(found.group(2), Place("any", _named(found.group(1)))))
    titled = r"of|for|with|called|named|titled|headed|labell?ed|that says|containing|about|from|by|where"
    inside = r"\b(?:in|on|from|of|inside|within|at) (?:the |this )?(?:same )?"
    container = rf"{inside}({_CONTAINER})s? (?:{titled})? ?(?:the )?(.+)$"
    if found := re.search(container, phrase, re.IGNORECASE):
        relation = "row" if found.group(1).casefold() in _ROWS else "within"
        ways.append(_plain(phrase[: found.start()], Place(relation, _named(found.group(2)))))
    owned = rf"\b(?:in|on|from|of|inside|within|at) (?:the )?(.+?)(?:['’]s?)? ({_CONTAINER})\b"
    if found := re.search(owned, phrase, re.IGNORECASE):
        relation = "row" if found.group(2).casefold() in _ROWS else "within"
        ways.append(_plain(phrase[: found.start()], Place(relation, _named(found.group(1)))))
    for pattern, relation in _SIDES:
        if found := re.search(rf"\b(?:{pattern}) (?:the )?(.+)$", phrase, re.IGNORECASE):
            ways.append(_plain(phrase[: found.start()], Place(relation, _named(found.group(1)))))
    if found := re.search(r"\b(\w[\w .-]*?)['’]s (.+)$", _LEAD.sub("", phrase.casefold())):
        ways.append(_plain(found.group(2), Place("any", _named(found.group(1)))))
    for found in re.finditer(rf"\b(?:{_WEAK}) (?:the )?(.+)$", phrase, re.IGNORECASE):
        ways.append(_plain(phrase[: found.start()], Place("any", _named(found.group(1)))))
    return [way for way in ways if way.place is not None and way.place.words]


def _named(text: str) -> tuple[str, ...]:
    """The words of what stands at the place."""
    said = quoted(text)
    found = tokens(said[0] if said else text)
    kept = tuple(word for word in found if word not in _SMALL and word not in ("row", "line", "section", "card"))
    return kept or found
