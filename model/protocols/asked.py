"""An instruction about one thing, taken apart: what is named, of what kind, which of several, and where it stands.

Plain rules over English words. They widen nothing: a checkpoint's profile may use them to offer a small model fewer
nodes to choose from, never more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from model.protocols.thesaurus import SMALL, phrased, split

__all__ = [
    "DEFAULT_DEEDS",
    "HARD",
    "NOUNS",
    "QUOTES",
    "SOFT_KINDS",
    "SWITCHED",
    "Asked",
    "Place",
    "quoted",
    "tokens",
    "understood",
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the thing stands: beside something that is named."""

    relation: str
    """`row`, `within`, `right`, `left`, `below`, `above`, `near`, `between` or `any` (a weak word such as "for")."""
    what: Asked
    """What it stands beside."""
    other: Asked | None = None
    """The second one of `between`."""

    @property
    def words(self) -> tuple[str, ...]:
        return self.what.words


@dataclass(frozen=True, slots=True)
class Asked:
    """One way of understanding an instruction."""

    words: tuple[str, ...]
    """What names the thing; empty where only its kind and place are said."""
    roles: frozenset[str] = frozenset()
    """Roles that its kind allows; empty where no kind is said."""
    kinds: tuple[str, ...] = ()
    """The words that said so: a kind may be a part of the name too."""
    likely: frozenset[str] = frozenset()
    """Roles that the verb suggests."""
    deed: str = ""
    """The verb, where it may itself be what a control is called (`delete`, `mute`); empty for `click` and its like."""
    verb: str = ""
    """A plain verb that was left out (`select`); it names a thing only beside other words."""
    icon: bool = False
    """Whether it is called an icon."""
    place: Place | None = None
    ordinal: int | None = None
    """0 for the first, -1 for the last; None where no place in a series is said."""
    counted: str = ""
    """The side that the ordinal counts from: `top`, `bottom`, `left` or `right`; empty for reading order."""
    corner: tuple[str, ...] = ()
    """Of `top`, `bottom`, `left`, `right`, `middle`."""
    region: str = ""
    """`top`, `bottom`, `left` or `right`: a bar along that edge; `tools`: a row of small controls."""
    colour: str = ""
    size: int = 0
    """1 for a big one, -1 for a small one."""
    most: str = ""
    """`+` or `-`: the one of the greatest or least number in its name; `price+` or `price-` of the price beside it."""
    state: str = ""
    """`checked`, `unchecked`, `selected`, `disabled`, `empty`, `expanded` or `collapsed`."""
    proper: frozenset[str] = frozenset()
    """Words that are written like a name; nothing else can be meant by them."""
    literal: bool = False
    """Whether the words stood in quotes."""
    exact: bool = False
    """Whether somebody put them in quotes: each of them counts then."""
    side: str = ""
    """A word for a place ("below") that this way of understanding takes for a part of the name."""


_MARK = re.compile(r"[^\w\s]")


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[str, ...]:
    """Lower-case words without accents, common phrases in one; any marks where nothing else is there."""
    told = re.sub(r"<secret:\w+>", " ", text)
    return tuple(split(phrased(told))) or tuple(_MARK.findall(told))


_KINDS: dict[str, tuple[str, ...]] = {
    "button": ("button", "submit"),
    "link": ("link",),
    "hyperlink": ("link",),
    "field": ("textbox", "searchbox", "spinbutton", "combobox"),
    "box": ("textbox", "searchbox", "checkbox", "combobox", "spinbutton"),
    "input": ("textbox", "searchbox", "spinbutton"),
    "textbox": ("textbox", "searchbox", "spinbutton"),
    "textfield": ("textbox", "searchbox"),
    "textarea": ("textbox",),
    "searchbar": ("textbox", "searchbox"),
    "checkbox": ("checkbox", "switch"),
    "tickbox": ("checkbox",),
    "toggle": ("switch", "checkbox", "button"),
    "switch": ("switch", "checkbox"),
    "radio": ("radio",),
    "tab": ("tab", "link", "button"),
    "dropdown": ("combobox", "listbox"),
    "combobox": ("combobox",),
    "select": ("combobox",),
    "selector": ("combobox", "button"),
    "list": ("combobox", "listbox"),
    "option": ("option", "radio", "menuitem", "checkbox"),
    "menu": ("menuitem", "button", "combobox", "link"),
    "item": ("menuitem", "option", "link", "button", "listitem", "treeitem"),
    "slider": ("slider",),
    "spinner": ("spinbutton",),
    "icon": ("button", "link", "image", "tab", "menuitem"),
    "symbol": ("button", "link", "image", "tab", "menuitem"),
    "image": ("image",),
    "picture": ("image",),
    "photo": ("image", "link", "button"),
    "bar": ("textbox", "searchbox", "slider"),
    "entry": ("menuitem", "link", "option", "treeitem", "listitem"),
    "heading": ("heading",),
}
HARD = frozenset({"textbox", "searchbox", "checkbox", "radio", "switch", "slider", "spinbutton", "combobox", "listbox"})
"""A request for one of these is seldom met by anything else."""
SOFT_KINDS = frozenset({"list", "menu", "item", "option", "entry", "image", "picture", "photo", "bar", "tab", "select"})
"""Kinds that are often a part of a name, and met by many roles."""
_VERBS = (
    r"(?:please |now |just |also )?(?:i want to |i'd like to |can you |you should )?"
    r"(?P<verb>click|press|tap|hit|push|select|choose|pick|open|activate|toggle|check|tick|mark|uncheck|untick|"
    r"go (?:back )?to|go|jump to|head (?:over )?to|switch to|change to|focus|find|locate|show(?: me)?|use|move to|"
    r"hover over|hover|take me to|bring up|navigate to|launch|look at|browse|double[- ]click|right[- ]click|expand|"
    r"collapse|visit|view|see|point to|point at|put the cursor (?:in|into)|place the cursor (?:in|into)|read|display|"
    r"get to|fill(?: in| out)?|type(?: in)?|enter|set|change)(?: on| at| to| in| into| off| out)?(?: the)?"
)
DEFAULT_DEEDS = frozenset(
    [
        "play",
        "read",
        "call",
        "watch",
        "listen",
        "visit",
        "launch",
        "start",
        "run",
        "download",
        "open",
        "message",
        "view",
        "enter",
        "use",
        "learn",
        "contact",
        "see",
        "get",
        "send",
        "write",
        "install",
        "make",
        "look",
        "browse",
        "give",
        "manage",
        "do",
        "try",
        "begin",
        "access",
        "move",
        "put",
        "turn",
        "set",
        "change",
        "go",
        "take",
        "put",
        "check",
    ]
)
"""Verbs for what pressing a thing of that kind does anyway: "play Salt" is a press on the song."""
_SUGGESTS: tuple[tuple[str, frozenset[str]], ...] = (
    (r"(?:un)?tick|(?:un)?check|uncheck|mark", frozenset({"checkbox", "switch", "radio"})),
    (r"toggle|turn on|turn off|switch on|switch off|enable|disable", frozenset({"switch", "checkbox", "button"})),
    (r"type|enter|write|fill(?: in| out)?|put|input", frozenset({"textbox", "searchbox", "combobox", "spinbutton"})),
    (
        r"choose|pick|set|select|change",
        frozenset(
            {"combobox", "radio", "option", "checkbox", "menuitem", "listbox", "slider", "spinbutton", "tab", "link",
             "button", "switch", "textbox"}
        ),
    ),
    (r"search|look for|look up", frozenset({"textbox", "searchbox", "button", "combobox", "link"})),
    (
        r"open|read|go to|visit|view|see|browse|navigate to|look at",
        frozenset(
{"link", "button", "tab", "menuitem", "treeitem", "option", "listitem", "combobox"}
            | {"row", "generic", "image"}
        ),
    ),
    (r"start|begin|run|submit|perform|confirm", frozenset({"button", "link", "menuitem", "image"})),
    (r"adjust|drag|slide", frozenset({"slider", "spinbutton", "button"})),
)  # fmt: skip
_TICKS = re.compile(r"^(?:please )?(?:(?:un)?tick(?: off)?|(?:un)?check(?: off)?|select|choose)\b", re.IGNORECASE)
SWITCHED = frozenset(
    ["hide", "show", "install", "include", "exclude", "allow", "accept", "want", "need", "keep", "use", "enable",
     "disable", "activate", "deactivate", "add", "remove"]
)  # fmt: skip
"""What is wished of a thing whose box is then ticked or cleared: "hide the Work calendar"."""
_GIVEN = re.compile(
    r"^(?:please )?(put|add|move|save|send|remove|take|delete|drop) (?:the |a |an )?(.+?) "
    r"(?:to|in|into|on|onto|from|out of) (?:the |my |your )?(.+)$",
    re.IGNORECASE,
)
_MARKED = re.compile(
    r"^(?:please )?(?:mark|set|flag) (.+?) as (?:done|complete[d]?|finished|read|selected)$", re.IGNORECASE
)
_BY = re.compile(r"^.+? by (?=(?:click|press|tapp|choos|select)ing\b)(.+)$", re.IGNORECASE)
"""What is to be reached, and how: the thing that is meant stands in the second half."""
_LABELLED = re.compile(
    r"\b(button|link|icon|tab|field|option) ((?:in|on|of|at) (?:the )?[\w ]+?) (?:labell?ed|called|named|that says) "
    r"([\"“][^\"”]+[\"”])$",
    re.IGNORECASE,
)
"""Of "the button in the box labeled "x"" it is the button that is called x."""
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
_ORDINALS = {
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "5th": 4,
    "sixth": 5, "6th": 5, "seventh": 6, "7th": 6, "eighth": 7, "8th": 7, "ninth": 8, "9th": 8, "tenth": 9, "10th": 9,
    "last": -1, "final": -1, "bottommost": -1, "lowest": -1, "topmost": 0, "only": 0, "uppermost": 0,
}  # fmt: skip
_COLOURS = frozenset(
    [
        "red",
        "orange",
        "yellow",
        "green",
        "blue",
        "purple",
        "pink",
        "grey",
        "gray",
        "black",
        "white",
        "brown",
        "violet",
        "teal",
        "turquoise",
        "cyan",
    ]
)
_SIZES = {
    **dict.fromkeys(["big", "large", "huge", "wide", "tall", "biggest", "largest", "widest", "long"], 1),
    **dict.fromkeys(["small", "little", "tiny", "smallest", "narrow", "short"], -1),
}
_MOST = {
    **dict.fromkeys(["longest", "highest", "greatest", "largest", "oldest", "latest", "maximum"], "+"),
    **dict.fromkeys(["shortest", "lowest", "fewest", "least", "smallest", "minimum"], "-"),
    **dict.fromkeys(["cheapest"], "price-"),
    **dict.fromkeys(["dearest", "priciest", "costliest"], "price+"),
}
_STATES = {
    "checked": "checked", "ticked": "checked", "unchecked": "unchecked", "unticked": "unchecked",
    "selected": "selected", "active": "selected", "current": "selected", "chosen": "selected",
    "disabled": "disabled", "inactive": "disabled", "empty": "empty", "blank": "empty",
    "expanded": "expanded", "collapsed": "collapsed", "folded": "collapsed",
}  # fmt: skip
_CONTAINER = (
    "row|line|entry|card|tile|section|group|panel|pane|area|dialog|window|popup|toolbar|sidebar|list|table|form|column|"
    "block|header|footer|message|result|post|comment|task|ticket|product|order|item|record|menu|box|navigation|bar|"
    "song|track|mail|email|layer|folder|file|answer|question|member|page|tab|channel|step|event|meeting|article"
)
NOUNS = frozenset(_CONTAINER.split("|")) | frozenset(
    [
        "name",
        "key",
        "label",
        "playlist",
        "artist",
        "title",
        "author",
        "link",
        "button",
        "document",
        "photo",
        "image",
        "picture",
        "ingredient",
        "product",
        "comment",
        "reply",
        "user",
        "person",
        "note",
        "date",
        "price",
        "number",
        "value",
        "text",
    ]
)
"""What things are called by people and seldom by screens."""
_ROWS = frozenset({"row", "line", "entry", "item", "record", "result", "message", "order", "task", "ticket", "song"})
_EMPTY_NOUNS = frozenset(
    [
        "row",
        "line",
        "section",
        "card",
        "panel",
        "pane",
        "area",
        "entry",
        "tile",
        "group",
        "block",
        "item",
        "side",
        "corner",
        "record",
        "list",
        "table",
        "column",
        "form",
        "bar",
        "end",
    ]
)
"""Words for where a thing stands that name nothing themselves."""
QUOTES = re.compile(r"[\"“”«»]([^\"“”«»]+)[\"“”«»]|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_SIDES = (
    (r"(?:directly |just |immediately )?(?:to|on) the right(?:-hand side)? of|right of", "right"),
    (r"(?:directly |just |immediately )?(?:to|on) the left(?:-hand side)? of|left of|before|in front of", "left"),
    (r"(?:directly |just |right |immediately )?(?:below|under|underneath|beneath)", "below"),
    (r"(?:directly |just |right |immediately )?(?:above|over)", "above"),
    (r"(?:right |directly )?(?:next to|beside|by|near|close to|following|after|behind|alongside)|belonging to", "near"),
)
_SIDE_WORDS = (
    (r"right of", "right"), (r"left of", "left"), (r"below|under|underneath|beneath", "below"), (r"above", "above"),
    (r"next to|beside|close to|behind|alongside", "beside"), (r"between", "between"),
)  # fmt: skip
_WEAK = (
    r"for|of|from|in|on|at|with|about|to|by|under|that (?:is|has|was|are)|that|which|whose|who|where|called|named|as|"
    r"into|onto|against"
)
_NEXT = "next to|beside|near|right|left|below|above|under|behind|after|before|between"
_INSIDE = r"(?:in|on|from|of|inside|within|at|along|under|above)"
_REGION = re.compile(
    rf"\b{_INSIDE} (?:the )?(?:(?P<side>top|upper|bottom|lower|left|right|side|main)(?:[- ]hand)? )?"
    r"(?P<what>menu ?bar|tool ?bar|header|footer|side ?bar|side|navigation(?: bar| menu)?|nav(?: ?bar)?|status ?bar|"
    r"bar|panel|pane|menu|title ?bar|task ?bar|dock|ribbon|rail|strip)(?: of the (?:page|screen|window|app))?$",
    re.IGNORECASE,
)
_REGIONS = {
    "menubar": "top", "header": "top", "titlebar": "top", "navigation": "top", "navigationbar": "top",
    "navbar": "top", "nav": "top", "navigationmenu": "top", "footer": "bottom", "statusbar": "bottom",
    "taskbar": "bottom", "dock": "bottom", "sidebar": "left", "toolbar": "tools", "ribbon": "top",
}  # fmt: skip
_CORNER = re.compile(
    r"\b(?:(?:in|at|on|of|near|to) the )?(?:very )?"
    r"((?:(?:top|upper|bottom|lower)[- ]?)?(?:left|right|centre|center|middle)|top|upper|bottom|lower|leftmost"
    r"|rightmost|topmost|bottommost)(?:[- ]hand)?(?: corner| side| edge| end)?"
    r"(?: of (?:the|this) (?:screen|page|window|app|phone|form|picture))?\b"
)


def quoted(text: str) -> tuple[str, ...]:
    """What stands in quotes."""
    return tuple(a or b for a, b in QUOTES.findall(text))


_FROM_SIDE = re.compile(r"(?<=\w) (?:counted |counting )?from the (left|right|top|bottom)(?: side)?$", re.IGNORECASE)
_POINTING = re.compile(r"(?<=\w) (?:(?:shown|given|displayed|listed) )?(?:below|above|here)$", re.IGNORECASE)
"""A word at the end that only points at the screen: "the section below"."""


def understood(text: str) -> list[Asked]:
    """Every way of understanding an instruction about one thing, the most literal first."""
    flat = _LABELLED.sub(r"\1 \3 \2", " ".join(text.split()).strip(" .!"))
    flat = _POINTING.sub("", flat)
    side = _FROM_SIDE.search(flat)
    if side is not None:
        return [replace(way, counted=side.group(1).casefold()) for way in understood(flat[: side.start()])]
    flat = _common(_PURPOSE.sub("", _kind_unquoted(_how(flat))))
    spoken = _target_of(flat)
    ways: list[Asked] = []
    for phrase in dict.fromkeys((spoken, flat)):
        ways.append(_plain(phrase))
        ways.append(_literal(phrase))
        ways += _placed(phrase)
    first = _plain(spoken)
    if len(first.corner) == 2:  # a corner of the screen, and no list whose last one is meant
        ways = [way for way in ways if not (way.place and way.place.what.corner and not way.place.what.words)]
    if len(first.words) > 1 and not first.literal and first.deed:  # "Delete Alan Turing": a deed and whose
        rest = replace(first, words=first.words[1:], deed="", corner=(), region="")
        ways.append(replace(first, words=first.words[:1], place=Place("any", rest), ordinal=None))
    ways += _given(flat)
    ways += _ticked(flat, first)
    verb_too = _LEAD.match(spoken.casefold()) and not first.literal  # "Open file": it may be part of the name
    if first.words and verb_too:
        ways.append(replace(first, words=tokens(spoken.casefold()), verb=""))
    aside = next(
        (
            word
            for pattern, word in _SIDE_WORDS
            if re.search(rf"\b(?:{pattern}) \w", QUOTES.sub(" x ", flat), re.IGNORECASE)
        ),
        "",
    )
    if aside:
        strict = ("right", "left", "below", "above", "near", "between")
        ways = [way if way.place and way.place.relation in strict else replace(way, side=aside) for way in ways]
    return [
        way
        for way in dict.fromkeys(ways)
        if way.words or way.roles or way.corner or way.colour or way.ordinal is not None
    ]


def _given(flat: str) -> list[Asked]:
    """A control called by deed and aim, beside what it is done to: "put the bowl in the basket"."""
    found = _GIVEN.match(flat)
    if found is None:
        return []
    deed, thing, aim = found.groups()
    what = _anchor(thing)
    return [replace(_plain(f"{deed} {aim}"), place=Place("any", what), ordinal=None)] if _says(what) else []


def _ticked(flat: str, first: Asked) -> list[Asked]:
    """A box to tick in the row of what is named: "tick Ada", "mark the door as done"."""
    boxes = frozenset({"checkbox", "radio", "switch"})
    if found := _MARKED.match(flat):
        return [Asked((), boxes, place=Place("any", _plain(found.group(1))))]
    if first.words and not first.literal and not first.roles and _TICKS.match(flat):
        return [
            replace(first, words=(), roles=boxes, verb="", likely=frozenset(), place=Place("row", first), ordinal=None)
        ]
    if first.deed in SWITCHED and not first.literal and not first.roles:
        return [replace(first, words=first.words[1:], deed="", roles=boxes)]
    return []


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
    return "".join(part if n % 2 else phrased(part) for n, part in enumerate(parts))


def _target_of(text: str) -> str:
    """The part that names the thing: not the value to be typed or chosen, nor the verb."""
    for pattern in (
        r"^(?:type|enter|write|input|paste|insert)\b.*?\b(?:in|into|as) (?:the )?(.+)$",
        r"^put\b.*?\b(?:in|into) (?:the )?(.+ (?:field|textbox|box|input))$",
        r"^(?:type|enter|write|put|input|paste|insert)\b.*?[\"”'’] (?:in|into|to|as|for) (?:the )?(.+)$",
        r"^(?:fill(?: in| out)?|complete|clear|empty|edit|set|change) (?:the )?(.+?) (?:with|to|as) .+$",
        r"^(?:fill(?: in| out)?|complete) (?:the )?(.+)$",
        r"^click (?:on )?where (.+?) (?:goes|belongs|is entered|is typed)$",
        r"^(?:select|choose|pick|set) .+? (?:in|from) (?:the )?"
        r"(.+? (?:list|dropdown|menu|selector|select|combobox|box|field))$",
    ):
        if found := re.match(pattern, text, re.IGNORECASE):
            return found.group(1)
    return text


def _plain(phrase: str, place: Place | None = None, inner: bool = False) -> Asked:
    """Words, kind, number, looks and corner of a phrase without its place."""
    said = quoted(phrase)
    bare = QUOTES.sub(" ", phrase).strip()
    low = bare.casefold()
    likely = next((roles for verbs, roles in _SUGGESTS if re.match(rf"(?:{verbs})\b", low)), frozenset[str]())
    lead = _LEAD.match(low)
    if lead:
        bare, low = bare[lead.end() :], low[lead.end() :]
    corner: tuple[str, ...] = ()
    region = ""
    if found := _REGION.search(low):
        region = _region(found)
        bare, low = bare[: found.start()] if region else bare, low[: found.start()] if region else low
    elif found := _CORNER.search(low):
        corner = _corner(found.group(1))
        bare = (bare[: found.start()] + " " + bare[found.end() :]).strip()
        low = bare.casefold()
    low = re.sub(r"['’]s\b", "", _ARTICLE.sub("", low))
    shape = Asked(
        (), likely=likely, verb=lead.group("verb").split()[0] if lead else "", place=place, corner=corner, region=region
    )
    shape, words = _looks(shape, low)
    shape = replace(shape, proper=_proper(bare, inner))
    named = tokens(" ".join(words)) if words else ()
    if said and not (named and re.search(rf"\w (?:{_WEAK}|{_NEXT}) (?:the )?[\"“'‘]", phrase, re.IGNORECASE)):
        return replace(shape, words=tokens(said[0]), literal=True, exact=True)
    if said:
        named = (*named, *(word for one in said for word in tokens(one)))
    began = re.match(r"\w+", low)
    deed = (
        named[0]
        if named
        and began
        and named[0] not in _KINDS
        and not lead
        and began.group() == words[0]
        and (len(named) > 1 or place)
        else ""
    )
    return replace(shape, words=named, deed=deed)


def _looks(shape: Asked, low: str) -> tuple[Asked, list[str]]:
    """The words that say kind, number, colour, size and state, and those that are left."""
    words: list[str] = []
    kinds: list[str] = []
    roles: set[str] = set()
    before = ""
    spoken = re.findall(r"[^\W_]+(?:['’]\w+)?|[^\w\s]", low.replace("_", " "))
    for n, word in enumerate(spoken):
        last, before = before, word
        after = spoken[n + 1] if n + 1 < len(spoken) else ""
        if last in _KINDS and word in _AFTER_KIND:  # "button ONE": what follows a kind is its name
            words.append(word)
        elif word in _ORDINALS and shape.ordinal is None and after != "name":
            shape = replace(shape, ordinal=_ORDINALS[word])
        elif word in _MOST and not shape.most:
            shape = replace(shape, most=_MOST[word])
        elif word == "most" and after in ("expensive", "recent"):
            shape = replace(shape, most="price+" if after == "expensive" else "+")
        elif word in _KINDS or (word.endswith("s") and word[:-1] in _KINDS):
            kind = word if word in _KINDS else word[:-1]
            if kind in ("list", "select") and shape.verb and not words:
                words.append(word)
            kinds.append(kind)
            roles |= set(_KINDS[kind])
            shape = replace(shape, icon=shape.icon or kind in ("icon", "symbol"))
        elif word in _COLOURS and after:
            shape = replace(shape, colour=word)
            words.append(word)
        elif word in _SIZES and after:
            shape = replace(shape, size=_SIZES[word])
        elif word in _STATES and after and after not in SMALL:
            shape = replace(shape, state=_STATES[word])
            words.append(word)
        elif word not in SMALL and (word[0].isalnum() or len(spoken) == 1):
            words.append(word)
    if roles and set(kinds) <= SOFT_KINDS | {"icon"} and not words:  # "the menu", "list": nothing else is said
        words = [kind for kind in kinds if kind != "icon"]
    return replace(shape, roles=frozenset(roles), kinds=tuple(kinds)), words


_AFTER_KIND = frozenset(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
)


def _proper(bare: str, inner: bool = False) -> frozenset[str]:
    """Words in capitals that do not begin the instruction, and those with digits or marks in them."""
    spoken = re.findall(r"[\w.'’-]+", bare)
    marked = [w for n, w in enumerate(spoken) if ((n or inner) and w[0].isupper()) or re.search(r"\d|_|\w\.\w", w)]
    return frozenset(word for one in marked for word in split(one) if word not in SMALL)


def _literal(phrase: str) -> Asked:
    """Every word as part of the name: "Shopping list" need not be a list."""
    lead = _LEAD.match(phrase.casefold())
    rest = phrase[lead.end() :] if lead else phrase
    words = tuple(word for word in tokens(QUOTES.sub(r"\1\2", rest)) if word not in ("the", "a", "an"))
    likely = next(
        (roles for verbs, roles in _SUGGESTS if re.match(rf"(?:{verbs})\b", phrase.casefold())), frozenset[str]()
    )
    verb = lead.group("verb").split()[0] if lead else ""
    deed = "" if lead or len(words) < 2 else words[0]
    exact = bool(quoted(rest)) and not tokens(QUOTES.sub(" ", rest).strip("., "))
    return Asked(words, literal=True, exact=exact, likely=likely, proper=_proper(rest), verb=verb, deed=deed)


def _corner(said: str) -> tuple[str, ...]:
    sides = (("top", ("top", "upper")), ("bottom", ("bottom", "lower")), ("left", ("left",)), ("right", ("right",)))
    found = tuple(side for side, words in sides if any(word in said for word in words))
    return found or ("middle",)


def _region(found: re.Match[str]) -> str:
    """The edge that a bar lies along; empty where the words do not say."""
    side = (found.group("side") or "").casefold()
    side = {"upper": "top", "lower": "bottom", "side": "left", "main": "top"}.get(side, side)
    return side or _REGIONS.get(re.sub(r"\s", "", found.group("what").casefold()), "")


def _placed(phrase: str) -> list[Asked]:
    """The same with one part taken for the place."""
    ways = []

    led = _LEAD.match(phrase.casefold())
    since = led.end() if led else 0

    def add(head: str, relation: str, where: str, other: str = "") -> None:
        if head.strip() and where.strip() and not (phrase.startswith(head) and len(head) < since - 1):
            second = _anchor(other) if other else None
            ways.append(_plain(head.strip(" ,:"), Place(relation, _anchor(where), second)))

    if found := re.match(r"^(?:in|on|for|under|below|next to|beside|from|of) (.+?)[,:] (.+)$", phrase, re.IGNORECASE):
        add(found.group(2), "any", found.group(1))
    if found := re.search(r"\bbetween (?:the )?(.+?) and (?:the )?(.+)$", phrase, re.IGNORECASE):
        add(phrase[: found.start()], "between", found.group(1), found.group(2))
    for pattern, relation in _SIDES:
        if found := re.search(rf"\b(?:{pattern}) (?:the )?(.+)$", phrase, re.IGNORECASE):
            add(phrase[: found.start()], relation, found.group(1))
    lead = _LEAD.match(phrase.casefold())
    rest = phrase[lead.end() :] if lead else phrase
    if found := re.search(r"(?:^|\s)((?:\w[\w.-]*\s?){1,4}?)['’]s? (.+)$", rest):
        owner, thing = found.group(1), found.group(2)
        head = re.sub(rf"^(?:{_CONTAINER}) ?", "", thing, flags=re.IGNORECASE)
        if began := rest[: found.start()].strip():  # "the Edit button in Ada's row", "Share Ada's answer"
            add(re.sub(rf"\b(?:{_WEAK})$", "", began, flags=re.IGNORECASE), "any", f"{owner} {thing}")
            add(re.sub(rf"\b(?:{_WEAK})$", "", began, flags=re.IGNORECASE), "any", owner)
        deed, _, whose = owner.partition(" ")
        if whose:
            add(deed, "any", whose)
            add(deed, "any", f"{whose} {thing}")
        add(head or thing, "any", owner)
        add(thing, "any", owner)
    for found in re.finditer(rf"\b(?:{_WEAK}) (?:the )?(.+?)$", phrase, re.IGNORECASE):
        where = found.group(1)
        row = re.match(rf"(?:same )?({_CONTAINER})s? (?:of|for|with|called|named|titled|headed|labell?ed|that says"
                       r"|containing|about|from|by|where|to)?\s*(?:the )?(.+)$", where, re.IGNORECASE)  # fmt: skip
        if row:
            add(phrase[: found.start()], "row" if row.group(1).casefold() == "row" else "any", row.group(2))
        add(phrase[: found.start()], "any", where)
    return [
        way
        for way in ways
        if way.place is not None
        and _says(way.place.what)
        and (way.words or way.roles or way.ordinal is not None or way.colour)
    ]


def _says(what: Asked) -> bool:
    return bool(
        what.words
        or what.ordinal is not None
        or what.corner
        or what.colour
        or what.region
        or (what.roles and what.kinds)
    )


def _anchor(text: str) -> Asked:
    """What stands at the place; a word for the place itself names nothing where others do."""
    what = _plain(text, inner=True)
    kept = tuple(word for word in what.words if word not in _EMPTY_NOUNS)
    if what.literal or not what.words:
        return what
    if not kept and (what.ordinal is not None or what.corner):
        return replace(what, words=())
    soft = tuple(kind for kind in what.kinds if kind in SOFT_KINDS)  # a place called a list or a menu need not be one
    return replace(what, words=kept or what.words, deed="", roles=frozenset() if soft else what.roles)
