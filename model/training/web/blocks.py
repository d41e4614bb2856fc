"""Parts of pages as HTML: forms, tables, menus, dialogs and so on, each drawn by chance with one pencil.

A container that names what is in it says so: `data-row` (what its row or card is about), `data-section` (its heading).
`HELD_BLOCKS` are never trained on.
"""

from __future__ import annotations

from collections.abc import Callable

from model.training import labels
from model.training.web.sketch import Sketch, esc

__all__ = ["BLOCKS", "HELD_BLOCKS", "MENUS", "dropdown", "menu_items"]

Block = Callable[[Sketch], str]


def section(sketch: Sketch, inside: str, title: str | None = None, always: bool = False) -> str:
    """A card or plain stretch with or without a heading."""
    head = ""
    said = ""
    if always or sketch.chance(0.6):
        text = sketch.title() if title is None else title
        level = sketch.of("h2", "h2", "h3", "h1")
        head = f"<{level}>{esc(text)}</{level}>"
        said = f' data-section="{esc(text)}"'
        if sketch.chance(0.12):
            head = (
                f'<div class="row between">{head}{sketch.icon_button() if sketch.chance(0.5) else sketch.link()}</div>'
            )
    return f'<section class="{sketch.of("card", "card", "")} col"{said}>{head}{inside}</section>'


def form(s: Sketch) -> str:
    left = s.style.flags["left"] and s.chance(0.7)
    fields = [s.field(left=left) for _ in s.many(2, 8)]
    columns = 1 if left else s.dice.choice((1, 1, 2, 2, 3))
    grid = f'<div style="display:grid;grid-template-columns:repeat({columns},minmax(0,1fr));gap:{s.of("6", "10", "14")}px">{"".join(fields)}</div>'
    ticks = "".join(s.tick("checkbox") for _ in s.many(0, 2))
    buttons = [s.button(kind="primary")] + [s.button() for _ in s.many(0, 2)]
    if s.chance(0.3):
        buttons.reverse()
    place = s.of("", "justify-content:flex-end", "justify-content:space-between", "justify-content:center")
    return section(s, f'{grid}{ticks}<div class="row" style="{place}">{"".join(buttons)}</div>')


def table(s: Sketch) -> str:
    columns, rows = s.dice.randint(2, 6), s.dice.randint(3, 12)
    makers = [
        s.dice.choice(
            (
                s.words.person,
                s.words.city,
                s.words.price,
                s.words.day,
                s.words.code,
                s.words.word,
                s.words.email,
                s.words.number,
                s.words.clock,
            )
        )
        for _ in range(columns)
    ]
    ticks, actions = s.chance(0.3), s.chance(0.65)
    kinds = [s.label(labels.ROW_ACTIONS, 2) for _ in s.many(1, 2)]
    as_icon = s.chance(0.3)
    meanings = [s.of("edit", "delete", "eye", "download", "more", "copy", "star") for _ in kinds]
    heads = [esc(s.field_text()) for _ in range(columns)]
    if s.chance(0.25):
        arrow = s.icon("sort")[0] or "▲"
        heads = [
            f'<button class="item" style="padding:0;font-weight:inherit">{head} {arrow if n == 0 else ""}</button>'
            for n, head in enumerate(heads)
        ]
    head = (
        ("<th></th>" if ticks else "") + "".join(f"<th>{one}</th>" for one in heads) + ("<th></th>" if actions else "")
    )
    kind = s.of("tiny", "tiny", "ghost tiny", "", "primary tiny")
    body = []
    for _ in range(rows):
        key = s.key_text()
        cells = [esc(key)] + [esc(maker()) for maker in makers[1:]]
        if s.chance(0.25):
            cells[0] = f'<a href="#">{cells[0]}</a>'
        row = "".join(f"<td>{one}</td>" for one in cells)
        if ticks:
            row = f'<td style="width:1%">{s.tick("checkbox", "Select " + key, bare=True)}</td>{row}'
        if actions:
            if as_icon:
                made = "".join(s.icon_button(meaning, "ghost tiny") for meaning in meanings)
            elif s.chance(0.1):
                made = " ".join(s.link(one) for one in kinds)
            else:
                made = "".join(f'<button class="btn {kind}">{esc(one)}</button>' for one in kinds)
            row += f'<td style="width:1%"><div class="row nowrap" style="gap:4px">{made}</div></td>'
        body.append(f'<tr data-row="{esc(key)}">{row}</tr>')
    top = toolbar_row(s) if s.chance(0.3) else ""
    return section(
        s,
        f'{top}<div style="overflow:hidden"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>{pager(s) if s.chance(0.3) else ""}',
    )


def toolbar_row(s: Sketch) -> str:
    parts = []
    for _ in s.many(2, 9):
        draw = s.dice.random()
        if draw < 0.45:
            parts.append(s.icon_button(kind=s.of("ghost", "ghost", "")))
        elif draw < 0.75:
            parts.append(s.button())
        elif draw < 0.85:
            parts.append('<div class="sep"></div>')
        elif draw < 0.93:
            name, offered = s.choices()
            parts.append(f'<div style="width:{s.dice.randint(80, 160)}px">{s.select(offered, name)}</div>')
        else:
            name = s.field_text()
            parts.append(
                f'<div style="width:{s.dice.randint(100, 200)}px">{s.entry(name, "search", name, False, "aria-label=" + chr(34) + esc(name) + chr(34))}</div>'
            )
    return f'<div class="row">{"".join(parts)}</div>'


def tabs(s: Sketch) -> str:
    count = s.dice.randint(2, 7)
    now = s.dice.randrange(count)
    icons = s.style.flags["icons"] and s.chance(0.4)
    parts = "".join(
        f'<button class="tab" role="tab" aria-selected="{"true" if n == now else "false"}">{s.icon()[0] if icons else ""}<span>{esc(s.link_text())}</span></button>'
        for n in range(count)
    )
    return f'<div class="tabs" role="tablist">{parts}</div>'


def cards(s: Sketch) -> str:
    columns = s.dice.choice((2, 3, 3, 4))
    picture, price, heart = s.chance(0.6), s.chance(0.5), s.chance(0.35)
    action = s.label(("Details", "View", "Buy", "Open", "Add to cart", "Book", "Select", "Read more"), 2)
    kind = s.of("", "primary", "ghost")
    made = []
    for _ in range(columns * s.dice.randint(1, 3)):
        key = s.key_text()
        top = s.picture(s.dice.choice((50, 70, 90, 120)), name=key) if picture else ""
        level = s.of("h3", "h4")
        text = f'<{level} style="margin:0">{esc(key)}</{level}><p class="small soft">{esc(s.words.sentence())}</p>'
        cost = f'<span class="price">{esc(s.words.price())}</span>' if price else '<span class="grow"></span>'
        like = s.icon_button(s.of("heart", "star", "bookmark", "cart"), "ghost") if heart else ""
        made.append(
            f'<div class="card col" data-row="{esc(key)}">{top}{text}<div class="row between">{cost}<div class="row nowrap">{like}<button class="btn {kind}">{esc(action)}</button></div></div></div>'
        )
    return f'<div style="display:grid;gap:{s.dice.choice((6, 10, 16))}px;grid-template-columns:repeat({columns},minmax(0,1fr))">{"".join(made)}</div>'


def items(s: Sketch) -> str:
    """A list of lines with an icon or picture, one or two lines of text and something to press."""
    lead = s.of("none", "icon", "avatar", "picture")
    tail = s.of("none", "chevron", "button", "icon", "switch", "time", "badge")
    whole = s.chance(0.4)
    action = s.label(labels.ROW_ACTIONS, 2)
    meaning = s.of("more-vertical", "delete", "edit", "star", "more", "close", "download")
    made = []
    for _ in s.many(3, 9):
        key = s.key_text()
        front = ""
        if lead == "icon":
            front = s.icon()[0]
        elif lead == "avatar":
            front = f'<span class="avatar">{esc("".join(part[0] for part in key.split()[:2]).upper())}</span>'
        elif lead == "picture":
            front = s.picture(34, "34px", key)
        second = f'<div class="small soft clip">{esc(s.words.sentence())}</div>' if s.chance(0.5) else ""
        middle = f'<div class="grow"><div class="clip">{esc(key)}</div>{second}</div>'
        back = {
            "chevron": s.icon("next")[0] or "›", "button": f'<button class="btn tiny">{esc(action)}</button>', "icon": s.icon_button(meaning, "ghost"),
            "switch": s.tick("switch", key, bare=True), "time": f'<span class="small soft">{esc(s.words.clock())}</span>',
            "badge": f'<span class="badge">{s.dice.randint(1, 99)}</span>', "none": "",
        }[tail]  # fmt: skip
        inside = f"{front}{middle}{back}"
        if whole and tail in ("none", "chevron", "time", "badge"):
            made.append(
                f'<a href="#" class="row nowrap" style="color:inherit;text-decoration:none" data-row="{esc(key)}">{inside}</a>'
            )
        else:
            made.append(f'<div class="row nowrap" data-row="{esc(key)}">{inside}</div>')
    return section(s, f'<div class="list">{"".join(made)}</div>')


def settings(s: Sketch) -> str:
    made = []
    for _ in s.many(3, 8):
        draw = s.dice.random()
        if draw < 0.45:
            made.append(f"<div>{s.tick('switch')}</div>")
        elif draw < 0.6:
            made.append(f"<div>{s.tick('checkbox')}</div>")
        elif draw < 0.8:
            name, offered = s.choices()
            key = s.key()
            made.append(
                f'<div class="row nowrap between"><label id="{key}l" for="{key}" class="grow">{esc(name)}</label><div style="width:38%">{s.select(offered, attributes=f"id={key} aria-labelledby={key}l")}</div></div>'
            )
        elif draw < 0.9:
            made.append(f"<div>{slider(s)}</div>")
        else:
            made.append(f'<div class="row nowrap between"><span>{esc(s.field_text())}</span>{s.button()}</div>')
    return section(s, f'<div class="list">{"".join(made)}</div>')


def slider(s: Sketch) -> str:
    name, key, value = s.field_text(), s.key(), s.dice.randint(0, 100)
    if s.chance(0.5):
        return f'<div class="row nowrap"><label id="{key}l" for="{key}">{esc(name)}</label><input id="{key}" type="range" value="{value}" class="grow"><span>{value}</span></div>'
    return (
        f'<div class="row nowrap"><span id="{key}">{esc(name)}</span><div class="track grow" role="slider" tabindex="0" aria-labelledby="{key}" aria-valuenow="{value}">'
        f'<i style="width:{value}%"></i><span class="thumb" style="left:calc({value}% - 8px)"></span></div></div>'
    )


def checks(s: Sketch) -> str:
    kind = s.of("checkbox", "checkbox", "radio", "switch")
    count = s.dice.randint(2, 8)
    now = s.dice.randrange(count)
    group = s.key()
    parts = [s.tick(kind, group=group, on=(n == now) if kind == "radio" else None) for n in range(count)]
    columns = s.dice.choice((1, 1, 1, 2, 3))
    return section(
        s,
        f'<div style="display:grid;gap:{s.of("3", "6", "10")}px;grid-template-columns:repeat({columns},minmax(0,1fr))">{"".join(parts)}</div>',
    )


def calendar(s: Sketch) -> str:
    first, days, chosen = s.dice.randint(0, 6), s.dice.randint(28, 31), s.dice.randint(1, 28)
    names = s.dice.choice(
        (
            ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"),
            ("M", "T", "W", "T", "F", "S", "S"),
            ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"),
        )
    )
    month = s.words.month()
    head = "".join(f'<span class="small soft" style="text-align:center">{one}</span>' for one in names)
    blank = "<span></span>" * first
    past = s.dice.choice((0, 0, 5, 12))
    cells = "".join(
        f'<button class="cell{" on" if day == chosen else ""}"{" aria-selected=true" if day == chosen else ""}{" disabled" if day < past else ""}>{day}</button>'
        for day in range(1, days + 1)
    )
    back = s.icon_button("previous", "ghost") if s.chance(0.6) else s.button(s.of("‹", "<", "«", "Previous"), "ghost")
    forth = s.icon_button("next", "ghost") if s.chance(0.6) else s.button(s.of("›", ">", "»", "Next"), "ghost")
    middle = f"<span class='strong'>{esc(month)}</span>"
    width = s.dice.choice((190, 230, 280, 340))
    return (
        f'<div class="card" style="width:{width}px;max-width:100%" data-section="{esc(month)}"><div class="row nowrap between">{back}{middle}{forth}</div>'
        f'<div class="cells" style="grid-template-columns:repeat(7,minmax(0,1fr))">{head}{blank}{cells}</div></div>'
    )


def seats(s: Sketch) -> str:
    letters = s.of("ABCD", "ABCDEF", "ABCDEFGH", "ACDF")
    rows, start = s.dice.randint(3, 8), s.dice.choice((1, 1, 5, 10, 20))
    short = s.chance(0.4)
    made = []
    for row in range(start, start + rows):
        for n, letter in enumerate(letters):
            if n == len(letters) // 2:
                made.append(
                    f'<span class="small soft" style="text-align:center">{row if short or s.chance(0.9) else ""}</span>'
                )
            taken, mine = s.chance(0.3), s.chance(0.04)
            text = letter if short else f"{row}{letter}"
            made.append(
                f'<button class="cell" aria-label="{s.of("Seat ", "") if not s.usual else "Seat "}{row}{letter}" aria-pressed="{"true" if mine else "false"}"{" disabled" if taken else ""}>{text}</button>'
            )
    return section(
        s,
        f'<div class="cells" style="grid-template-columns:repeat({len(letters) + 1},{s.dice.choice((26, 32, 40))}px);max-width:100%;overflow:hidden">{"".join(made)}</div>',
    )


def pager(s: Sketch) -> str:
    count = s.dice.randint(3, 9)
    now = s.dice.randint(1, count)
    pages = "".join(
        f'<{"button" if s.style.flags["native"] else "a href=#"} class="btn tiny{" primary" if n == now else ""}"{" aria-current=page" if n == now else ""}>{n}</{"button" if s.style.flags["native"] else "a"}>'
        for n in range(1, count + 1)
    )
    if s.chance(0.5):
        ends = (
            s.button(s.of("Previous", "Prev", "«", "‹") if s.usual else s.words.word(), "tiny"),
            s.button(s.of("Next", "»", "›") if s.usual else s.words.word(), "tiny"),
        )
    else:
        ends = (s.icon_button("previous", "tiny"), s.icon_button("next", "tiny"))
    return f'<nav class="row" aria-label="Pages" style="{s.of("", "justify-content:center")}">{ends[0]}{pages}{ends[1]}</nav>'


def crumbs(s: Sketch) -> str:
    mark = s.of("/", "›", ">", "»", "·")
    parts = [s.link() for _ in s.many(1, 4)] + [f"<span>{esc(s.title())}</span>"]
    return f'<nav class="row small" style="gap:.5em">{f"<span class=soft>{esc(mark)}</span>".join(parts)}</nav>'


def chips(s: Sketch) -> str:
    closing, pressed = s.chance(0.3), s.chance(0.5)
    made = []
    for _ in s.many(3, 9):
        text = s.words.phrase(2)
        if closing:
            cross = s.icon("close")[0] or "×"
            made.append(
                f'<span class="chip" data-row="{esc(text)}">{esc(text)}<button aria-label="{esc("Remove " + text)}" style="background:none;border:0;padding:0;color:inherit;display:inline-flex">{cross}</button></span>'
            )
        else:
            state = f' aria-pressed="{"true" if s.chance(0.3) else "false"}"' if pressed else ""
            made.append(f'<button class="chip"{state}>{esc(text)}</button>')
    return f'<div class="row">{"".join(made)}</div>'


def products(s: Sketch) -> str:
    columns = s.dice.choice((2, 3, 4, 5))
    made = []
    kind = s.of("primary", "", "ghost")
    for _ in range(columns * s.dice.randint(1, 2)):
        key = s.key_text()
        stars = "".join(s.icon("star", "color:#e6a100;")[0] for _ in range(3)) if s.icons and s.chance(0.3) else ""
        buy = (
            s.icon_button("cart", kind)
            if s.chance(0.4)
            else s.button(s.label(("Add to cart", "Buy now", "Add", "Choose"), 2), kind)
        )
        made.append(
            f'<div class="card col" data-row="{esc(key)}">{s.picture(s.dice.choice((60, 90, 130)), name=key)}<a href="#">{esc(key)}</a>{stars}<div class="row between"><span class="price">{esc(s.words.price())}</span>{buy}</div></div>'
        )
    return f'<div style="display:grid;gap:{s.dice.choice((6, 12))}px;grid-template-columns:repeat({columns},minmax(0,1fr))">{"".join(made)}</div>'


def mail(s: Sketch) -> str:
    made = []
    star = s.chance(0.6)
    for _ in s.many(5, 14):
        key = s.words.person()
        s.used.append(key)
        bold = "strong" if s.chance(0.4) else ""
        made.append(
            f'<div class="row nowrap {bold}" data-row="{esc(key)}">{s.tick("checkbox", key, bare=True)}{s.icon_button("star", "ghost tiny") if star else ""}'
            f'<span class="clip" style="width:22%;flex:none">{esc(key)}</span><a href="#" class="clip grow" style="color:inherit;text-decoration:none">{esc(s.words.sentence())}</a><span class="small soft">{esc(s.of(s.words.clock(), s.words.day()))}</span></div>'
        )
    return f'<div class="col">{toolbar_row(s)}<div class="list">{"".join(made)}</div></div>'


def board(s: Sketch) -> str:
    columns = []
    for _ in s.many(2, 4):
        title = s.title()
        notes = []
        for _ in s.many(1, 4):
            key = s.key_text()
            tags = "".join(f'<span class="badge">{esc(s.words.word())}</span>' for _ in s.many(0, 2))
            notes.append(
                f'<div class="card col" data-row="{esc(key)}"><div class="row nowrap between"><span>{esc(key)}</span>{s.icon_button("more", "ghost tiny")}</div><div class="row">{tags}</div></div>'
            )
        columns.append(
            f'<div class="col" style="background:{s.style.colours["deep"]};padding:8px" data-section="{esc(title)}"><div class="row nowrap between"><h3 style="margin:0">{esc(title)}</h3>{s.icon_button("add", "ghost tiny")}</div>{"".join(notes)}{s.button(s.label(("Add card", "New task", "Add"), 2), "ghost tiny")}</div>'
        )
    return f'<div style="display:grid;gap:8px;grid-template-columns:repeat({len(columns)},minmax(0,1fr));align-items:start">{"".join(columns)}</div>'


def article(s: Sketch) -> str:
    paragraphs = []
    for _ in s.many(1, 4):
        parts = []
        for _ in s.many(2, 7):
            parts.append(s.link(s.words.phrase(3).lower()) if s.chance(0.25) else esc(s.words.sentence()))
        paragraphs.append(f"<p>{' '.join(parts)}</p>")
    meta = f'<p class="small soft">{esc(s.words.person())} · {esc(s.words.day())}</p>' if s.chance(0.5) else ""
    return section(s, f"{meta}{s.picture(s.dice.randint(60, 160)) if s.chance(0.25) else ''}{''.join(paragraphs)}")


def stats(s: Sketch) -> str:
    count = s.dice.randint(2, 5)
    made = "".join(
        f'<div class="card"><div class="small soft clip">{esc(s.field_text())}</div><div class="big strong clip">{esc(s.of(s.words.number(), s.words.price(), s.words.number() + " %"))}</div></div>'
        for _ in range(count)
    )
    return f'<div style="display:grid;gap:8px;grid-template-columns:repeat({count},minmax(0,1fr))">{made}</div>'


def accordion(s: Sketch) -> str:
    made = []
    for _ in s.many(2, 6):
        opened = s.chance(0.25)
        arrow = s.icon("collapse" if opened else "expand")[0] or ("▾" if opened else "▸")
        body = f'<div style="padding:6px" class="soft">{esc(s.prose(1, 2))}</div>' if opened else ""
        made.append(
            f'<div><button class="item between" style="width:100%;justify-content:space-between" aria-expanded="{"true" if opened else "false"}"><span class="clip">{esc(s.label(labels.HEADINGS, 5))}</span>{arrow}</button>{body}</div>'
        )
    return f'<div class="list">{"".join(made)}</div>'


def keypad(s: Sketch) -> str:
    sets = (
        ("7", "8", "9", "÷", "4", "5", "6", "×", "1", "2", "3", "−", "0", ".", "=", "+"),
        tuple("123456789*0#"),
        tuple("ABCDEFGHIJKLMNOP"),
        tuple("qwertyuiopasdfgh"),
    )
    keys = s.dice.choice(sets)
    columns = 3 if len(keys) == 12 else 4
    size = s.dice.choice((24, 32, 44))
    shown = (
        f'<input class="in" aria-label="Display" value="{s.words.number()}" style="text-align:right">'
        if s.chance(0.5)
        else ""
    )
    cells = "".join(
        f'<button class="{s.of("cell", "cell") if s.style.flags["round"] else "btn"}" style="height:{size}px">{esc(one)}</button>'
        for one in keys
    )
    return f'<div class="card col" style="width:{columns * size * 1.5:.0f}px">{shown}<div class="cells" style="grid-template-columns:repeat({columns},minmax(0,1fr))">{cells}</div></div>'


def steps(s: Sketch) -> str:
    count = s.dice.randint(2, 5)
    now = s.dice.randint(1, count)
    made = "".join(
        f'<div class="row nowrap" style="gap:.4em"><span class="avatar"{"" if n <= now else " style=opacity:.6"}>{n}</span><span class="{"strong" if n == now else "soft"}">{esc(s.title())}</span></div>'
        for n in range(1, count + 1)
    )
    return f'<div class="row between">{made}</div>'


def search(s: Sketch) -> str:
    name = s.label(("Search", "Search products", "Search the site", "Find"), 3)
    key = s.key()
    entry = s.entry(name, "search", name, s.chance(0.3), f'id="{key}" aria-label="{esc(name)}"')
    go = (
        s.icon_button("search", s.of("primary", "", "ghost"))
        if s.chance(0.5)
        else s.button(s.label(("Search", "Go", "Find"), 1), "primary")
    )
    return f'<div class="row nowrap" role="search">{s.icon("search")[0] if s.chance(0.3) else ""}{entry}{go}</div>'


def comments(s: Sketch) -> str:
    made = []
    for _ in s.many(2, 4):
        key = s.words.person()
        s.used.append(key)
        acts = (
            s.icon_button("thumbs-up", "ghost tiny") + s.icon_button("reply", "ghost tiny")
            if s.chance(0.5)
            else s.link(s.label(("Reply", "Like", "Report"), 1)) + s.link(s.label(("Share", "Delete"), 1))
        )
        made.append(
            f'<div class="row nowrap" style="align-items:flex-start" data-row="{esc(key)}"><span class="avatar">{esc(key[0])}</span><div class="grow"><div class="row"><span class="strong">{esc(key)}</span><span class="small soft">{esc(s.words.day())}</span></div><p>{esc(s.prose(1, 2))}</p><div class="row">{acts}</div></div></div>'
        )
    box = f'{s.entry(s.field_text(), "area", s.words.sentence(), False)}<div class="row">{s.button(kind="primary")}{s.icon_button("attach")}{s.icon_button("image")}</div>'
    return section(s, f"{''.join(made)}{box if s.chance(0.6) else ''}")


def tree(s: Sketch) -> str:
    made, chosen = [], s.dice.randint(0, 8)
    for n in range(s.dice.randint(5, 12)):
        depth, opened = s.dice.randint(0, 2), s.chance(0.5)
        arrow = s.icon("expand" if opened else "next")[0] or ("▾" if opened else "▸")
        text = s.words.word() + s.of("", "", ".txt", ".py", ".pdf", "")
        made.append(
            f'<div role="treeitem" tabindex="0" class="item{" now" if n == chosen else ""}" aria-selected="{"true" if n == chosen else "false"}" style="padding-left:{6 + depth * 14}px">{arrow}{s.icon(s.of("folder", "file"))[0]}<span>{esc(text)}</span></div>'
        )
    return f'<div role="tree" class="card" style="padding:4px">{"".join(made)}</div>'


def alert(s: Sketch) -> str:
    end = s.icon_button("close", "ghost tiny") if s.chance(0.5) else s.button(kind="tiny")
    return f'<div class="alert row nowrap" role="alert">{s.icon(s.of("info", "warning", "check"))[0]}<span class="grow clip">{esc(s.words.sentence())}</span>{end}</div>'


def spinners(s: Sketch) -> str:
    made = []
    for _ in s.many(1, 4):
        name, key, value = s.field_text(), s.key(), s.dice.randint(0, 12)
        less = (
            s.icon_button("remove", "tiny")
            if s.chance(0.5)
            else f'<button class="btn tiny" aria-label="{esc("Less " + name)}">−</button>'
        )
        more = (
            s.icon_button("add", "tiny")
            if s.chance(0.5)
            else f'<button class="btn tiny" aria-label="{esc("More " + name)}">+</button>'
        )
        entry = (
            f'<input id="{key}" class="in" type="number" value="{value}" style="width:7em">'
            if s.chance(0.6)
            else f'<span class="strong" id="{key}">{value}</span>'
        )
        made.append(
            f'<div class="row nowrap between" data-row="{esc(name)}"><label for="{key}">{esc(name)}</label><div class="row nowrap">{less}{entry}{more}</div></div>'
        )
    return section(s, "".join(made))


def trips(s: Sketch) -> str:
    """Results as a travel site lists them."""
    action = s.label(("Select", "Choose", "Book", "Details"), 2)
    made = []
    for _ in s.many(2, 6):
        key = s.words.code()
        s.used.append(key)
        made.append(
            f'<div class="card row nowrap" data-row="{esc(key)}">{s.icon(s.of("plane", "train", "car"))[0]}<div class="grow"><div class="strong">{s.words.clock()} – {s.words.clock()}</div><div class="small soft">{esc(s.words.city())} – {esc(s.words.city())}</div></div>'
            f'<span>{esc(key)}</span><span class="price">{esc(s.words.price())}</span><button class="btn {s.of("primary", "")}">{esc(action)}</button></div>'
        )
    return f'<div class="col">{"".join(made)}</div>'


def swatches(s: Sketch) -> str:
    names = ("Red", "Orange", "Yellow", "Green", "Teal", "Blue", "Black", "White", "Grey", "Brown")
    colours = ("#d22", "#e80", "#ec1", "#292", "#189", "#25c", "#111", "#fff", "#888", "#853")
    size = s.dice.choice((16, 22, 30))
    picked = s.dice.sample(range(len(names)), s.dice.randint(3, 8))
    now = s.dice.choice(picked)
    made = "".join(
        f'<button role="radio" aria-checked="{"true" if n == now else "false"}" aria-label="{names[n]}" style="width:{size}px;height:{size}px;padding:0;border-radius:{s.of("50%", "3px")};background:{colours[n]};border:{3 if n == now else 1}px solid {s.style.colours["text"] if n == now else s.style.colours["line"]}"></button>'
        for n in picked
    )
    return f'<div class="col"><span class="lab">{esc(s.field_text())}</span><div class="row">{made}</div></div>'


def menu_items(s: Sketch, count: int, short: bool = False) -> str:
    """The lines of an open menu."""
    icons, keys, ticks = s.chance(0.45), s.chance(0.3), s.chance(0.12)
    made = []
    for _ in range(count):
        text = s.label(labels.BUTTONS + labels.LINKS, 3)
        icon = s.icon(s.meaning_of(text))[0] if icons else ""
        key = (
            f'<span class="soft small" style="margin-left:auto;padding-left:1.5em">{s.of("Ctrl+", "Alt+", "F", "Shift+")}{s.dice.choice("ABCNOPQSVXZ12345")}</span>'
            if keys and s.chance(0.7)
            else ""
        )
        role, state = (
            ("menuitemcheckbox", f' aria-checked="{s.of("true", "false")}"')
            if ticks and s.chance(0.4)
            else ("menuitem", "")
        )
        tick = "✓ " if state and "true" in state else ""
        off = " disabled" if s.chance(0.05) else ""
        made.append(f'<button role="{role}"{state}{off}>{icon}<span>{tick}{esc(text)}</span>{key}</button>')
        if s.chance(0.12) and not short:
            made.append("<hr>")
    return "".join(made)


def dropdown(s: Sketch, left: int, top: int) -> str:
    """An open menu at a place in CSS pixels."""
    return f'<div class="menu over" role="menu" style="left:{left}px;top:{top}px">{menu_items(s, s.dice.randint(3, 9))}</div>'


def listbox(s: Sketch, left: int, top: int) -> str:
    """An open list of options at a place in CSS pixels."""
    _, offered = s.choices()
    now = s.dice.randrange(len(offered))
    made = "".join(
        f'<div role="option" aria-selected="{"true" if n == now else "false"}" class="{"now" if n == now else ""}">{esc(one)}</div>'
        for n, one in enumerate(offered)
    )
    return f'<div class="menu over" role="listbox" style="left:{left}px;top:{top}px;width:{s.dice.randint(120, 240)}px">{made}</div>'


MENUS: tuple[Callable[[Sketch, int, int], str], ...] = (dropdown, dropdown, listbox)

BLOCKS: tuple[tuple[Block, float], ...] = (
    (form, 3), (table, 2.5), (toolbar_row, 1), (tabs, 1), (cards, 1.2), (items, 1.8), (settings, 1.5), (checks, 1.3), (calendar, 0.7), (seats, 0.5),
    (pager, 0.5), (crumbs, 0.5), (chips, 0.6), (products, 0.8), (mail, 0.6), (board, 0.5), (article, 1.2), (stats, 0.5), (accordion, 0.5),
    (keypad, 0.4), (steps, 0.3), (search, 0.7), (comments, 0.5), (tree, 0.4), (alert, 0.4), (spinners, 0.5), (trips, 0.6), (swatches, 0.25),
)  # fmt: skip
"""Blocks that pages are made of in training, with their weights."""


def feed(s: Sketch) -> str:
    """A column of events beside a line."""
    made = []
    for _ in s.many(3, 6):
        key = s.key_text()
        made.append(
            f'<li style="padding:4px 0 8px 14px;border-left:2px solid {s.style.colours["line"]};list-style:none" data-row="{esc(key)}"><b>{esc(key)}</b> <small>{esc(s.words.clock())}</small><br>{esc(s.words.sentence())} {s.link(s.label(("Open", "Undo", "Details"), 2))} {s.icon_button("reply", "ghost tiny")}</li>'
        )
    return f'<ul style="margin:0;padding:0 6px">{"".join(made)}</ul>'


def player(s: Sketch) -> str:
    """A media player with a list of pieces."""
    rows = "".join(
        f'<div class="row nowrap" data-row="{esc(key)}" style="border-bottom:1px solid {s.style.colours["line"]};padding:3px">{s.icon_button("play", "ghost tiny")}<span class="grow clip">{esc(key)}</span><span class="soft">{s.dice.randint(1, 9)}:{s.dice.randint(10, 59)}</span>{s.icon_button("heart", "ghost tiny")}</div>'
        for key in [s.key_text() for _ in s.many(3, 6)]
    )
    buttons = "".join(s.icon_button(one, "round ghost") for one in ("previous", "play", "skip", "volume"))
    return f'<div class="card" style="padding:10px">{rows}<div class="row" style="justify-content:center">{buttons}</div>{slider(s)}</div>'


def pricing(s: Sketch) -> str:
    """Plans side by side, a column each."""
    lines = [s.words.phrase(3) for _ in s.many(3, 5)]
    made = []
    for _ in s.many(2, 4):
        name = s.key_text()
        body = "".join(
            f'<div style="padding:3px">{s.icon(s.of("check", "close"))[0]} {esc(line)}</div>' for line in lines
        )
        made.append(
            f'<div style="text-align:center;border:2px solid {s.style.colours["line"]};padding:10px" data-row="{esc(name)}"><h3>{esc(name)}</h3><div class="big">{esc(s.words.price())}</div>{body}<button class="btn primary" style="width:90%">{esc(s.label(("Choose", "Start trial", "Buy"), 2))}</button></div>'
        )
    return f'<div style="display:grid;grid-template-columns:repeat({len(made)},minmax(0,1fr))">{"".join(made)}</div>'


def chat(s: Sketch) -> str:
    """A conversation with bubbles on both sides and a line to write on."""
    made = []
    for _ in s.many(3, 7):
        mine = s.chance(0.5)
        look = (
            f"background:{s.style.colours['accent']};color:{s.style.colours['on']};margin-left:auto"
            if mine
            else f"background:{s.style.colours['hover']}"
        )
        made.append(
            f'<div style="max-width:70%;width:fit-content;padding:6px 10px;border-radius:12px;{look}">{esc(s.words.sentence())}</div>'
        )
    name = s.label(("Message", "Write a message", "Reply"), 2)
    return f'<div class="card col">{"".join(made)}<div class="row nowrap">{s.icon_button("smile", "ghost")}{s.icon_button("attach", "ghost")}{s.entry(name, "text", name, False, "aria-label=" + chr(34) + esc(name) + chr(34))}{s.icon_button("send", "primary")}</div></div>'


def facts(s: Sketch) -> str:
    """Names and values as a definition list with a small link behind each."""
    made = "".join(
        f'<div style="display:contents" data-row="{esc(key)}"><dt class="soft">{esc(key)}</dt><dd style="margin:0">{esc(s.fact())}</dd><dd style="margin:0">{s.link(s.label(("Change", "Edit", "Show"), 1))}</dd></div>'
        for key in [s.key_text() for _ in s.many(3, 8)]
    )
    return f'<dl style="display:grid;grid-template-columns:1fr 2fr auto;gap:5px 12px;margin:0">{made}</dl>'


def matrix(s: Sketch) -> str:
    """Questions down, answers across, a radio at every crossing."""
    answers = [s.words.word() for _ in s.many(3, 5)]
    head = "<th></th>" + "".join(f'<th style="text-align:center">{esc(one)}</th>' for one in answers)
    rows = []
    for _ in s.many(3, 6):
        key, now = s.key_text(), s.dice.randrange(len(answers) + 1)
        cells = "".join(
            f'<td style="text-align:center">{s.tick("radio", f"{key}: {one}", on=n == now, group=key, bare=True)}</td>'
            for n, one in enumerate(answers)
        )
        rows.append(f'<tr data-row="{esc(key)}"><td>{esc(key)}</td>{cells}</tr>')
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>{s.button(kind='primary')}"


def tiles(s: Sketch) -> str:
    """Square tiles, an icon over a word."""
    made = "".join(
        f'<button style="background:{s.style.colours["card"]};border:1px solid {s.style.colours["line"]};color:inherit;padding:12px 4px;display:flex;flex-direction:column;align-items:center;gap:6px">{s.icon(None, "width:24px;height:24px;")[0]}<span>{esc(s.link_text())}</span></button>'
        for _ in s.many(6, 12)
    )
    return f'<div style="display:grid;gap:8px;grid-template-columns:repeat(auto-fill,minmax(110px,1fr))">{made}</div>'


HELD_BLOCKS: tuple[tuple[Block, float], ...] = (
    (feed, 1),
    (player, 1),
    (pricing, 1),
    (chat, 1),
    (facts, 1.3),
    (matrix, 1),
    (tiles, 1.2),
)
"""Blocks kept for the examination."""
