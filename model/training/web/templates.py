"""Whole pages as HTML: sites, applications, desktop windows, phone screens, logins, bare pages and tiny tasks.

`compose` draws one of a kind. Kinds in `HELD_KINDS` and the held blocks are never trained on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model.training import labels
from model.training.web import blocks, tiny
from model.training.web.icons import MEANINGS, Icons
from model.training.web.sketch import Sketch, esc
from model.training.web.styles import FONTS, Style, draw_style
from model.training.words import Pools, Split, Words

__all__ = ["HELD_KINDS", "KINDS", "Draft", "Splits", "View", "compose"]


@dataclass(frozen=True)
class Splits:
    """Which part of everything may be drawn from."""

    words: Split = "train"
    fonts: Split = "train"
    palettes: Split = "train"
    templates: Split = "train"
    icons: Split = "train"


@dataclass(frozen=True)
class View:
    """A viewport in CSS pixels and the device pixels to one of them."""

    width: int
    height: int
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return round(self.width * self.scale), round(self.height * self.scale)


@dataclass(frozen=True)
class Draft:
    """A page before it is rendered."""

    html: str
    view: View
    kind: str
    scroll: int
    """How far the page is scrolled down, CSS pixels."""


_LOW = {"toolbar_row", "tabs", "pager", "crumbs", "chips", "alert", "steps", "search", "stats", "swatches"}
"""Blocks of one line: four of them fill the room of another."""


def _some(s: Sketch, count: int, held: bool = False) -> tuple[str, list[str]]:
    """Blocks to fill the room of `count` usual ones, and their names."""
    options = blocks.HELD_BLOCKS if held else blocks.BLOCKS
    drawn: list[blocks.Block] = []
    room = float(count)
    while room > 0:
        drawn += s.dice.choices([block for block, _ in options], [weight for _, weight in options])
        room -= 0.25 if drawn[-1].__name__ in _LOW else 1
    return "".join(f"<div>{block(s)}</div>" for block in drawn), [block.__name__ for block in drawn]


def _body(s: Sketch, inside: str, style: str = "") -> str:
    return f'<body style="{style}">{inside}</body>'


def _topbar(s: Sketch) -> str:
    parts = []
    if s.chance(0.3):
        parts.append(s.icon_button("menu", "ghost"))
    mark = s.icon()[0] if s.chance(0.4) else ""
    parts.append(
        f'<a href="#" class="strong row nowrap" style="text-decoration:none">{mark}<span>{esc(s.words.company() if s.chance(0.5) else s.words.word())}</span></a>'
    )
    nav = "".join(s.link() for _ in s.many(0, 6))
    parts.append(f'<nav class="row nowrap" style="gap:{s.of("10", "16", "22")}px">{nav}</nav>')
    parts.append('<span class="grow"></span>')
    if s.chance(0.45):
        parts.append(f'<div style="width:{s.dice.randint(120, 280)}px">{blocks.search(s)}</div>')
    for _ in s.many(0, 3):
        parts.append(
            s.icon_button(
                s.of("bell", "user", "settings", "cart", "help", "mail", "heart", "sun", "moon", "globe"), "ghost"
            )
        )
    if s.chance(0.4):
        parts.append(s.button(s.label(("Sign in", "Log in", "Register", "Sign up"), 2), s.of("primary", "ghost", "")))
    return f'<header class="bar">{"".join(parts)}</header>'


def _sidebar(s: Sketch) -> str:
    icons, count = s.chance(0.6), s.dice.randint(4, 12)
    now = s.dice.randrange(count)
    parts = []
    for n in range(count):
        if s.chance(0.1):
            parts.append(
                f'<div class="small soft" style="padding:4px 8px;color:inherit;opacity:.7">{esc(s.title())}</div>'
            )
        text = s.link_text()
        svg = s.icon(s.meaning_of(text))[0] if icons else ""
        tag = ("a", " href=#") if s.chance(0.7) else ("button", "")
        count_mark = (
            f'<span class="badge" style="margin-left:auto">{s.dice.randint(1, 99)}</span>' if s.chance(0.1) else ""
        )
        parts.append(
            f'<{tag[0]}{tag[1]} class="item{" now" if n == now else ""}"{" aria-current=page" if n == now else ""}>{svg}<span class="clip">{esc(text)}</span>{count_mark}</{tag[0]}>'
        )
    width = s.dice.choice((130, 160, 190, 220)) if s.chance(0.9) else 54
    if width == 54:
        parts = [s.icon_button(kind="ghost") for _ in range(count)]
    return f'<aside class="side" style="width:{width}px">{"".join(parts)}</aside>'


def _footer(s: Sketch) -> str:
    return f'<footer class="row small soft" style="padding:10px;gap:14px">{"".join(s.link() for _ in s.many(2, 6))}<span>© {s.dice.randint(2019, 2030)} {esc(s.words.company())}</span></footer>'


def _columns(s: Sketch, held: bool) -> tuple[str, list[str]]:
    """A main area of one to three columns with blocks until the height is full."""
    count = 1 if s.width < 600 else s.dice.choice((1, 1, 2, 2, 3)) if s.width > 900 else s.dice.choice((1, 1, 2))
    shares = {
        1: ("1fr",),
        2: s.dice.choice((("1fr", "1fr"), ("2fr", "1fr"), ("1fr", "2fr"))),
        3: s.dice.choice((("1fr", "1fr", "1fr"), ("1fr", "2fr", "1fr"))),
    }[count]
    each = max(1, round(s.height / (s.style.size * 14)))
    parts, kinds = [], []
    for _ in range(count):
        inside, drawn = _some(s, s.dice.randint(max(1, each - 1), each + 1), held)
        parts.append(f'<div class="col" style="min-width:0;gap:{s.dice.choice((8, 12, 18))}px">{inside}</div>')
        kinds += drawn
    limit = f"max-width:{s.dice.choice((760, 960, 1100))}px;margin:0 auto;" if s.chance(0.25) else ""
    columns = " ".join(f"minmax(0,{share})" for share in shares)
    return (
        f'<div style="display:grid;grid-template-columns:{columns};gap:{s.dice.choice((8, 14, 20))}px;{limit}align-items:start">{"".join(parts)}</div>',
        kinds,
    )


def site(s: Sketch, held: bool) -> tuple[str, list[str]]:
    top = _topbar(s) if s.chance(0.85) else ""
    head = f"<h1>{esc(s.title())}</h1>{blocks.crumbs(s) if s.chance(0.3) else ''}" if s.chance(0.6) else ""
    inside, kinds = _columns(s, held)
    side = _sidebar(s) if s.width > 700 and s.chance(0.45) else ""
    main = f'<main class="grow" style="padding:{s.dice.choice((6, 10, 16, 24))}px">{head}{inside}{_footer(s) if s.chance(0.4) else ""}</main>'
    sides = [side, main] if s.chance(0.8) else [main, side]
    return _body(
        s, f'{top}<div style="display:flex;align-items:stretch;min-height:100vh">{"".join(sides)}</div>'
    ), kinds


def app(s: Sketch, held: bool) -> tuple[str, list[str]]:
    """A tool that fills the screen: menu bar, toolbar, panels, status bar."""
    inside, kinds = _columns(s, held)
    menu = _menubar(s) if s.chance(0.6) else _topbar(s)
    tools = _toolbar(s) if s.chance(0.7) else ""
    side = _sidebar(s) if s.chance(0.6) and s.width > 600 else ""
    status = (
        f'<div class="strip status">{"".join(f"<span>{esc(s.fact())}</span><div class=sep></div>" for _ in s.many(1, 4))}</div>'
        if s.chance(0.7)
        else ""
    )
    tabs = blocks.tabs(s) if s.chance(0.4) else ""
    return _body(
        s,
        f'{menu}{tools}<div style="display:flex;flex:1;min-height:0">{side}<main class="grow" style="padding:8px;overflow:hidden">{tabs}{inside}</main></div>{status}',
        "height:100vh;display:flex;flex-direction:column;overflow:hidden",
    ), kinds


def _menubar(s: Sketch) -> str:
    names = ("File", "Edit", "View", "Insert", "Format", "Tools", "Window", "Help", "Go", "Bookmarks", "Run", "Data")
    picked = s.dice.sample(names, s.dice.randint(3, 8)) if s.usual else [s.words.word() for _ in s.many(3, 7)]
    return f'<div class="strip menubar" role="menubar">{"".join(f"<button role=menuitem>{esc(one)}</button>" for one in picked)}</div>'


def _toolbar(s: Sketch) -> str:
    labelled = s.chance(0.25)
    parts = []
    for _ in s.many(4, 16):
        if s.chance(0.12):
            parts.append('<div class="sep"></div>')
        svg, meaning = s.icon()
        if not svg:
            parts.append(f'<button class="flat">{esc(s.glyph())}</button>')
            continue
        name = s.dice.choice(MEANINGS[meaning])
        if labelled:
            parts.append(f'<button class="flat">{svg}<span>{esc(name if s.usual else s.words.word())}</span></button>')
        else:
            parts.append(f'<button class="flat" aria-label="{esc(name)}">{svg}</button>')
    if s.chance(0.3):
        name, offered = s.choices()
        parts.append(f'<div style="width:120px">{s.select(offered, name)}</div>')
    return f'<div class="strip toolbar" role="toolbar">{"".join(parts)}</div>'


def _window(s: Sketch, left: int, top: int, width: int, height: int, hot: bool, held: bool) -> tuple[str, list[str]]:
    keep = s.width, s.height
    s.width, s.height = width, height
    title = s.title()
    marks = ("remove", "fullscreen", "close")
    if s.chance(0.3) or not s.icons:
        ends = "".join(
            f'<button style="width:13px;height:13px;border-radius:50%;border:0;background:{colour};padding:0" aria-label="{name}"></button>'
            for name, colour in (("Close", "#ff5f57"), ("Minimise", "#febc2e"), ("Maximise", "#28c840"))
        )
        bar = f'{ends}<span class="grow clip" style="text-align:center">{esc(title)}</span>'
    else:
        ends = "".join(
            f'<button class="btn ghost icon" style="padding:2px;color:inherit" aria-label="{name}">{s.icon(mark)[0]}</button>'
            for mark, name in zip(marks, ("Minimise", "Maximise", "Close"), strict=True)
        )
        bar = f'{s.icon()[0]}<span class="grow clip">{esc(title)}</span>{ends}'
    inside, kinds = _columns(s, held)
    side = blocks.tree(s) if s.chance(0.3) and width > 420 else ""
    status = f'<div class="strip status">{esc(s.fact())}</div>' if s.chance(0.6) else ""
    parts = (
        f'<div class="win" style="left:{left}px;top:{top}px;width:{width}px;height:{height}px" data-section="{esc(title)}"><div class="strip titlebar{" hot" if hot else ""}">{bar}</div>'
        f'{_menubar(s) if s.chance(0.6) else ""}{_toolbar(s) if s.chance(0.6) else ""}<div style="display:flex;flex:1;min-height:0;overflow:hidden">{side}<div class="grow" style="padding:6px;overflow:hidden">{inside}</div></div>{status}</div>'
    )
    s.width, s.height = keep
    return parts, kinds


def desktop(s: Sketch, held: bool) -> tuple[str, list[str]]:
    dice = s.dice
    ground = f"linear-gradient({dice.randint(0, 180)}deg,hsl({dice.randint(0, 360)},40%,{dice.randint(15, 70)}%),hsl({dice.randint(0, 360)},40%,{dice.randint(15, 70)}%))"
    parts, kinds = [], ["desktop"]
    for n in range(dice.randint(1, 6) if s.chance(0.6) else 0):
        svg = (
            s.icon(s.of("folder", "file", "delete", "home", "globe", "terminal", "music"), "width:30px;height:30px;")[0]
            or "▤"
        )
        parts.append(
            f'<div role="button" tabindex="0" style="position:absolute;left:10px;top:{36 + n * 74}px;width:74px;text-align:center;color:#fff;text-shadow:0 1px 2px #000;font-size:12px">{svg}<div class="clip">{esc(s.words.word())}</div></div>'
        )
    top = dice.choice((0, 28))
    for n in range(dice.choice((1, 1, 2))):
        width, height = (
            dice.randint(int(s.width * 0.45), int(s.width * 0.9)),
            dice.randint(int(s.height * 0.5), int(s.height * 0.85)),
        )
        made, drawn = _window(
            s,
            dice.randint(0, s.width - width),
            top + dice.randint(0, max(1, s.height - height - 70)),
            width,
            height,
            n > 0 or s.chance(0.5),
            held,
        )
        parts.append(made)
        kinds += drawn
    entries = "".join(
        s.icon_button(None, "ghost") if s.chance(0.5) else f'<button class="btn tiny">{esc(s.words.word())}</button>'
        for _ in s.many(2, 7)
    )
    place = "top:0" if top else "bottom:0"
    panel = f'<div class="bar" style="position:absolute;left:0;right:0;{place};height:{28 if top else 38}px;padding:0 8px;min-height:0">{s.icon_button("grid", "ghost")}{entries}<span class="grow"></span>{s.icon_button("wifi", "ghost")}{s.icon_button("volume", "ghost")}<span>{s.words.clock()}</span></div>'
    return _body(
        s, "".join(parts) + panel, f"background:{ground};height:100vh;overflow:hidden;position:relative"
    ), kinds


def phone(s: Sketch, held: bool) -> tuple[str, list[str]]:
    status = (
        f'<div class="row nowrap between small" style="padding:2px 10px"><span>{s.words.clock()}</span><span class="row nowrap" style="gap:4px">{s.icon("wifi")[0]}{s.icon("battery")[0]}</span></div>'
        if s.chance(0.6)
        else ""
    )
    back = s.icon_button(s.of("back", "menu", "close"), "ghost")
    acts = "".join(s.icon_button(None, "ghost") for _ in s.many(0, 2))
    bar = f'<header class="bar">{back}<span class="grow strong clip">{esc(s.title())}</span>{acts}</header>'
    inside, kinds = _some(s, s.dice.randint(2, 4), held)
    count = s.dice.randint(3, 5)
    now = s.dice.randrange(count)
    places = []
    for n in range(count):
        text = s.link_text().split(" ")[0]
        svg = s.icon(s.meaning_of(text) or s.of("home", "search", "user", "heart", "bell", "mail", "map", "cart"))[0]
        places.append(
            f'<button class="grow" style="background:none;border:0;padding:5px 0;min-width:0;display:flex;flex-direction:column;align-items:center;gap:2px;color:{s.style.colours["ink" if n == now else "soft"]};font-size:.8em">{svg}<span class="clip" style="max-width:100%">{esc(text)}</span></button>'
        )
    bottom = (
        f'<nav class="over row nowrap" style="left:0;right:0;bottom:0;background:{s.style.colours["card"]};border-top:1px solid {s.style.colours["line"]};gap:0">{"".join(places)}</nav>'
        if s.chance(0.65)
        else ""
    )
    fab = (
        f'<div class="over" style="right:16px;bottom:70px">{s.icon_button(s.of("add", "edit", "chat", "camera"), "primary round")}</div>'
        if s.chance(0.3)
        else ""
    )
    return _body(
        s, f'{status}{bar}<main style="padding:{s.of("0", "8", "12")}px" class="col">{inside}</main>{bottom}{fab}'
    ), ["phone", *kinds]


def login(s: Sketch, held: bool) -> tuple[str, list[str]]:
    names = (
        (s.of("Email", "Username", "Email address", "Login"), "Password")
        if s.usual
        else (s.words.phrase(2), s.words.phrase(2))
    )
    fields = []
    for n, name in enumerate(names):
        key = s.key()
        kind = "password" if n and s.usual else "text"
        fields.append(
            f'<div class="field"><label for="{key}">{esc(name)}</label>{s.entry(name, kind, extra=f"id={key}")}</div>'
        )
    more = "".join(
        s.button(f"{s.label(('Continue with', 'Sign in with'), 2)} {s.words.company()}", "", True) for _ in s.many(0, 3)
    )
    inside = f'<h1>{esc(s.label(("Sign in", "Log in", "Welcome back", "Create account"), 3))}</h1>{"".join(fields)}{s.tick("checkbox", s.label(("Remember me", "Keep me signed in"), 3))}{s.button(s.label(("Sign in", "Log in", "Continue"), 2), "primary")}{more}<div class="row between small">{s.link()}{s.link()}</div>'
    width = min(s.width - 20, s.dice.choice((280, 340, 420)))
    side = (
        f'<div class="grow" style="align-self:stretch">{s.picture(s.height)}</div>'
        if s.width > 800 and s.chance(0.3)
        else ""
    )
    return _body(
        s,
        f'<div style="display:flex;min-height:100vh;align-items:center;justify-content:center">{side}<div class="card col" style="width:{width}px;margin:auto">{inside}</div></div>',
    ), ["login"]


def bare(s: Sketch, held: bool) -> tuple[str, list[str]]:
    """A page in the browser's own style, almost without a style sheet."""
    parts = []
    for _ in s.many(5, 14):
        draw = s.dice.random()
        key = s.key()
        name = s.field_text()
        if draw < 0.25:
            parts.append(
                f'<p><label for="{key}">{esc(name)}</label> <input id="{key}" value="{esc(s.words.value() if s.chance(0.4) else "")}"></p>'
            )
        elif draw < 0.35:
            said, offered = s.choices()
            parts.append(
                f'<p><label for="{key}">{esc(said)}</label> <select id="{key}">{"".join(f"<option>{esc(one)}</option>" for one in offered)}</select></p>'
            )
        elif draw < 0.5:
            parts.append("<p>" + " ".join(f"<button>{esc(s.button_text())}</button>" for _ in s.many(1, 5)) + "</p>")
        elif draw < 0.6:
            kind = s.of("checkbox", "radio")
            parts.append(
                "".join(
                    f'<div><label><input type="{kind}" name="{key}"{" checked" if s.chance(0.3) else ""}> {esc(s.check_text())}</label></div>'
                    for _ in s.many(2, 6)
                )
            )
        elif draw < 0.7:
            parts.append(f"<ul>{''.join(f'<li>{s.link()}</li>' for _ in s.many(2, 6))}</ul>")
        elif draw < 0.8:
            rows = "".join(
                f'<tr data-row="{esc(who)}"><td>{esc(who)}</td><td>{esc(s.fact())}</td><td><button>{esc(s.of(*labels.ROW_ACTIONS) if s.usual else s.words.word())}</button></td></tr>'
                for who in [s.key_text() for _ in s.many(2, 6)]
            )
            parts.append(f'<table border="1">{rows}</table>')
        elif draw < 0.9:
            parts.append(f"<h2>{esc(s.title())}</h2>")
        else:
            parts.append(f"<p>{esc(s.prose(1, 3))} {s.link()}</p>")
    return f'<body class="plain">{"".join(parts)}</body>', ["bare"]


def wizard(s: Sketch, held: bool) -> tuple[str, list[str]]:
    """A narrow column of questions under a line of steps, its buttons pinned to the lower edge."""
    inside, kinds = _some(s, s.dice.randint(2, 3), held)
    foot = f'<div class="over row between" style="left:0;right:0;bottom:0;padding:10px 18%;background:{s.style.colours["card"]};border-top:2px solid {s.style.colours["accent"]}">{s.button(kind="")}<span>{s.dice.randint(1, 3)} / {s.dice.randint(4, 6)}</span>{s.button(kind="primary")}</div>'
    return _body(
        s,
        f'<main style="padding:18px 18%" class="col"><h1 style="text-align:center">{esc(s.title())}</h1>{inside}</main>{foot}',
    ), ["wizard", *kinds]


def split(s: Sketch, held: bool) -> tuple[str, list[str]]:
    """Three panes beside each other: places, things, the chosen thing; a ribbon above."""
    ribbon = "".join(
        f'<button style="background:none;border:0;color:inherit;display:flex;flex-direction:column;align-items:center;padding:4px 10px;font-size:.85em">{s.icon(None, "width:22px;height:22px;")[0]}<span>{esc(s.link_text())}</span></button>'
        for _ in s.many(5, 9)
    )
    first = "".join(
        f'<a href="#" style="display:block;padding:5px 8px;color:inherit">{esc(s.link_text())}</a>'
        for _ in s.many(6, 14)
    )
    second, more = _some(s, 3, held)
    third, kinds = _some(s, 3, held)
    return _body(
        s,
        f'<div style="display:flex;background:{s.style.colours["hover"]}">{ribbon}</div><div style="display:grid;grid-template-columns:150px minmax(0,2fr) minmax(0,3fr);height:100%"><nav>{first}</nav><div style="padding:8px">{second}</div><div style="padding:8px">{third}</div></div>',
    ), ["split", *more, *kinds]


def portal(s: Sketch, held: bool) -> tuple[str, list[str]]:
    """A wide band with words and two buttons, a row of tiles, then blocks in two uneven halves; links in the corner."""
    accent, on = s.style.colours["accent"], s.style.colours["on"]
    corner = "".join(f'<a href="#" style="color:{on}">{esc(s.link_text())}</a>' for _ in s.many(3, 7))
    look = f'style="background:{s.style.colours["card"]};color:{s.style.colours["text"]}"'
    band = f'<div style="background:{accent};color:{on};padding:14px 40px 26px"><div style="display:flex;gap:18px;justify-content:flex-end">{corner}</div><h1>{esc(s.title())}</h1><p>{esc(s.words.sentence())}</p><div class="row">{s.button(kind="", extra=look)}{s.button(kind="", extra=look)}</div></div>'
    first, kinds = _some(s, 3, held)
    second, more = _some(s, 3, held)
    return _body(
        s,
        f'{band}<div style="padding:12px 40px">{blocks.HELD_BLOCKS[-1][0](s)}<div style="display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:26px;margin-top:14px"><div>{first}</div><div>{second}</div></div></div>',
    ), ["portal", *kinds, *more]


def wall(s: Sketch, held: bool) -> tuple[str, list[str]]:
    """As many small things as fit beside each other, mostly icons, each in a size, colours and family of its own.

    What a page holds one or two of, a wall holds a hundred of: it teaches things as tiles of text teach letters.
    """
    parts = []
    for _ in range(s.width * s.height // s.dice.choice((2600, 3600, 5000))):
        draw = s.dice.random()
        if draw < 0.62:
            parts.append(_stone(s))
        elif draw < 0.72:
            parts.append(s.button(kind=s.of("", "primary", "ghost", "tiny", "danger", "round")))
        elif draw < 0.8:
            parts.append(s.link())
        elif draw < 0.88:
            parts.append(s.tick(s.of("checkbox", "radio"), s.check_text()))
        elif draw < 0.94:
            parts.append(f'<span style="width:{s.dice.randint(70, 190)}px">{s.entry(s.field_text())}</span>')
        else:
            name, offered = s.choices()
            parts.append(f'<span style="width:{s.dice.randint(80, 160)}px">{s.select(offered, name)}</span>')
    gap = s.dice.choice((2, 5, 9, 14))
    return _body(
        s,
        f'<div style="display:flex;flex-wrap:wrap;align-items:center;gap:{gap}px;padding:{s.dice.randint(0, 20)}px">{"".join(parts)}</div>',
    ), []


def _stone(s: Sketch) -> str:
    """An icon button that owes nothing to its neighbours."""
    dice = s.dice
    s.family = ""
    side = dice.choice((12, 14, 16, 16, 18, 18, 20, 20, 22, 24, 24, 28, 32, 40))
    svg, meaning = s.icon(None, f"width:{side}px;height:{side}px;")
    if not svg:
        return s.button(s.glyph())
    hue, light = dice.randint(0, 360), dice.choice((0, 8, 15, 30, 70, 88, 96, 100))
    ink = dice.randint(72, 100) if light < 50 else dice.randint(0, 34)
    look = (
        ""
        if s.chance(0.4)
        else f"background:hsl({hue},{dice.randint(0, 90)}%,{light}%);color:hsl({dice.randint(0, 360)},{dice.randint(0, 90)}%,{ink}%);"
    )
    edge = s.of("", "border:0;", "border:1px solid currentColor;")
    shape = f"padding:{dice.randint(0, 9)}px;border-radius:{dice.choice((0, 3, 6, 20))}px;"
    return f'<button class="btn icon ghost" style="{look}{edge}{shape}" aria-label="{esc(dice.choice(MEANINGS[meaning]))}">{svg}</button>'


Kind = Callable[[Sketch, bool], tuple[str, list[str]]]
KINDS: dict[str, Kind] = {
    "site": site,
    "app": app,
    "desktop": desktop,
    "phone": phone,
    "login": login,
    "bare": bare,
    "mini": tiny.mini,
    "wall": wall,
}
"""Page kinds for training."""
HELD_KINDS: dict[str, Kind] = {"wizard": wizard, "split": split, "portal": portal}
"""Page kinds kept for the examination."""


def _overlay(s: Sketch) -> tuple[str, str]:
    """Something over the page: a dialog with a veil, a menu, a banner, a toast; or nothing."""
    dice = s.dice
    draw = dice.random()
    if draw < 0.1:
        width = min(s.width - 16, dice.choice((260, 340, 420, 560)))
        inside = f"<p>{esc(s.prose(1, 2))}</p>" if s.chance(0.6) else "".join(s.field() for _ in s.many(1, 4))
        title = s.title()
        close = s.icon_button("close", "ghost tiny") if s.chance(0.6) else ""
        buttons = "".join(
            s.button(kind=kind)
            for kind in dice.choice((("", "primary"), ("primary", ""), ("ghost", "danger"), ("primary",)))
        )
        left, top = (s.width - width) // 2 + dice.randint(-5, 5), dice.randint(10, max(11, s.height // 3))
        return (
            f'<div class="veil"></div><div class="card over col" role="dialog" style="left:{left}px;top:{top}px;width:{width}px" data-section="{esc(title)}"><div class="row nowrap between"><h2 style="margin:0">{esc(title)}</h2>{close}</div>{inside}<div class="row" style="justify-content:{s.of("flex-end", "flex-start", "center")}">{buttons}</div></div>',
            "dialog",
        )
    if draw < 0.22:
        return dice.choice(blocks.MENUS)(
            s, dice.randint(0, max(1, s.width - 220)), dice.randint(0, max(1, s.height // 2))
        ), "menu"
    if draw < 0.27:
        buttons = "".join(
            s.button(s.label(("Accept all", "Reject all", "Cookie settings", "Only necessary", "Accept"), 2), kind)
            for kind in ("primary", "", "ghost")[: dice.randint(1, 3)]
        )
        return (
            f'<div class="card over row nowrap" role="dialog" style="left:8px;right:8px;bottom:8px"><div class="grow">{esc(s.prose(1, 2))} {s.link()}</div><div class="row">{buttons}</div></div>',
            "banner",
        )
    if draw < 0.31:
        return (
            f'<div class="toast over" role="status" style="{s.of("left:16px", "right:16px")};{s.of("bottom:16px", "top:60px")}"><span>{esc(s.words.sentence())}</span>{s.link() if s.chance(0.4) else s.icon_button("close", "ghost tiny")}</div>',
            "toast",
        )
    return "", ""


_LARGE = (
    (1280, 800),
    (1280, 800),
    (1280, 800),
    (1280, 720),
    (1024, 768),
    (1152, 720),
    (1200, 700),
    (960, 640),
    (800, 600),
)
_SMALL = ((320, 224), (320, 420), (640, 480), (480, 320), (400, 300), (320, 420), (640, 480))
_PHONES = ((390, 844), (360, 640), (412, 900), (375, 667), (320, 568))


def _view(dice: random.Random, kind: str, small: bool) -> View:
    """A viewport whose picture is at most 1280 pixels wide and high."""
    if kind == "mini":
        return (
            View(160, 210, 2)
            if dice.random() < 0.6
            else View(*dice.choice(((160, 210, 1), (160, 210, 1.5), (320, 224, 1), (320, 420, 1))))
        )
    if kind == "phone":
        width, height = dice.choice(_PHONES)
        scale = dice.choice((1, 1, 1.25, 1.5)) if height * 1.5 <= 1280 else dice.choice((1, 1.25))
        return View(width // 4 * 4, height // 4 * 4, scale)
    width, height = dice.choice(_SMALL if small else _LARGE)
    scale = 1 if small else dice.choice((1, 1, 1, 1, 1.25, 1.5, 2))
    return View(int(width / scale) // 4 * 4, int(height / scale) // 4 * 4, scale)


def compose(
    dice: random.Random,
    pools: Pools,
    icons: Icons,
    splits: Splits,
    view: View | None = None,
    small: float = 0.2,
    kinds: Sequence[str] = (),
) -> Draft:
    """One page of chance.

    Args:
        dice: decides everything.
        pools: words of the split that `splits.words` names.
        icons: those of the split that `splits.icons` names.
        splits: what may be drawn.
        view: a fixed viewport, as examinations use; else one is drawn.
        small: share of small pictures (tiny tasks, small windows).
        kinds: names of `KINDS` to draw from evenly; none for the usual mixture, which has no walls.
    """
    held = splits.templates == "held"
    tiny = view is None and not kinds and dice.random() < small
    if kinds:
        kind = dice.choice(tuple(kinds))
    elif held:
        kind = dice.choice(tuple(HELD_KINDS))
    elif tiny:
        kind = dice.choice(("mini", "mini", "mini", "site", "site", "login", "bare", "app"))
    elif view is not None:
        kind = dice.choices(("site", "app", "desktop", "login", "bare"), (5, 2, 2, 0.5, 0.7))[0]
    else:
        kind = dice.choices(("site", "app", "desktop", "phone", "login", "bare"), (5, 2, 1.6, 1.3, 0.5, 0.7))[0]
    shown = view or _view(dice, kind, tiny)
    style = draw_style(dice, splits.fonts, splits.palettes, small=shown.width < 500 or shown.height < 400)
    sketch = Sketch(
        dice,
        Words(pools, dice),
        icons,
        style,
        usual=0.0 if splits.words == "held" else dice.choice((0.15, 0.4, 0.5, 0.7)),
        width=shown.width,
        height=shown.height,
    )
    body, drawn = (KINDS | HELD_KINDS)[kind](sketch, held)
    over = ""
    if kind not in ("mini", "bare", "desktop", "wall"):
        over, name = _overlay(sketch)
        drawn += [name] if name else []
    if over:
        body = body.replace("</body>", f"{over}</body>")
    css = _plain(sketch, style, kind) if kind in ("mini", "bare") else style.css
    scroll = dice.randint(10, 500) if kind in ("site", "bare", "phone") and dice.random() < 0.25 else 0
    page = f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><style>{css}</style></head>{body}</html>'
    return Draft(page, shown, " ".join([kind, *drawn]), scroll)


def _plain(s: Sketch, style: Style, kind: str) -> str:
    """Next to no style sheet: the browser's own controls in one font."""
    size = s.dice.choice((10, 10, 10, 11, 12)) if kind == "mini" else s.dice.choice((12, 13, 14, 16, 16))
    family = (
        style.font
        if s.chance(0.35)
        else s.of("DejaVu Sans", "Liberation Sans", "Liberation Serif")
        if style.font in FONTS["train"]
        else style.font
    )
    inherit = "button,input,select{font-size:%dpx}" % size if s.chance(0.6) else ""  # noqa: UP031
    return f'*{{caret-color:transparent;animation:none!important;transition:none!important}}body{{font-family:"{family}",sans-serif;font-size:{size}px;background:#fff;color:#000}}{inherit}.ic{{width:1.2em;height:1.2em;vertical-align:middle}}.btn{{padding:1px 2px}}.ghost{{background:none;border:0}}'
