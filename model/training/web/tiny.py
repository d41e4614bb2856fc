"""Tiny pages: 160 by 210 CSS pixels of plain controls under a yellow strip with an instruction."""

from __future__ import annotations

from collections.abc import Callable

from model.training.web.sketch import Sketch, esc

__all__ = ["mini"]


def _buttons(s: Sketch) -> str:
    parts = []
    for _ in s.many(2, 7):
        draw = s.dice.random()
        if draw < 0.7:
            parts.append(
                f"<button>{esc(s.of(s.words.word(), s.button_text(), s.glyph()))}</button>{s.of('', ' ', '<br>')}"
            )
        elif draw < 0.85:
            parts.append(
                f'<div><input type="text" aria-label="{esc(s.words.word())}" value="{esc(s.of("", s.words.word()))}"></div>'
            )
        else:
            parts.append(f"<div>{esc(s.words.phrase())}</div>")
    return "".join(parts)


def _links(s: Sketch) -> str:
    words = (s.words.word() for _ in s.many(8, 22))
    return "".join(
        f'<a href="#">{esc(word)}</a>{s.of(". ", " ", ", ")}' if s.chance(0.3) else esc(word) + s.of(" ", ", ", ". ")
        for word in words
    )


def _form(s: Sketch) -> str:
    parts = []
    for _ in s.many(1, 4):
        key, name = s.key(), s.of(s.words.word(), s.field_text())
        kind = "password" if s.chance(0.2) else "text"
        value = s.of("", "", s.words.word(), s.words.digits(5))
        apart = s.of("<br>", "<br>", " ")
        parts.append(
            f'<p style="margin:3px 0"><label for="{key}" style="font-weight:{s.of("bold", "normal")}">{esc(name)}</label>{apart}<input id="{key}" type="{kind}" value="{esc(value)}" style="width:{s.dice.randint(60, 140)}px"></p>'
        )
    return "".join(parts)


def _ticks(s: Sketch) -> str:
    box, group = s.of("checkbox", "radio"), s.key()
    return "".join(
        f'<label><input type="{box}" name="{group}"{" checked" if s.chance(0.3) else ""}>{esc(s.of(s.words.word(), s.words.pseudo()))}</label><br>'
        for _ in s.many(3, 7)
    )


def _tabs(s: Sketch) -> str:
    made = []
    for n in range(s.dice.randint(2, 3)):
        look = "background:#fff" if n == 0 else "background:#e6e6e6"
        text = s.of(f"Tab #{n + 1}", s.words.word()[:8])
        made.append(
            f'<li role="tab" tabindex="0" aria-selected="{"true" if n == 0 else "false"}" style="display:inline-block;border:1px solid #aaa;padding:2px 6px;margin-right:2px;{look}">{esc(text)}</li>'
        )
    return f'<ul role="tablist" style="margin:2px 0;padding:0;list-style:none">{"".join(made)}</ul><p>{esc(s.prose(1, 2))} {s.link(s.words.word())}</p>'


def _list(s: Sketch) -> str:
    offered = "".join(f"<option>{esc(s.words.phrase(2))}</option>" for _ in s.many(3, 8))
    lines = "".join(f"<li>{esc(s.words.word())}</li>" for _ in s.many(2, 5))
    return f'<select aria-label="{esc(s.words.word())}" style="width:{s.dice.randint(90, 150)}px">{offered}</select>{lines}'


def _shapes(s: Sketch) -> str:
    """Coloured pieces anywhere, most of them with a character on them."""
    made = []
    for n in s.many(3, 10):
        colour, size = f"hsl({s.dice.randint(0, 359)},70%,{s.dice.randint(30, 55)}%)", s.dice.randint(12, 34)
        text = s.glyph() if s.chance(0.6) else ""
        name = f' aria-label="{n + 1}"' if not text else ""
        made.append(
            f'<div role="button" tabindex="0"{name} style="position:absolute;left:{s.dice.randint(2, 125)}px;top:{54 + s.dice.randint(0, 115)}px;width:{size}px;height:{size}px;background:{colour};color:#fff;text-align:center;line-height:{size}px;border-radius:{s.of("0", "50%")}">{esc(text)}</div>'
        )
    return "".join(made)


def _table(s: Sketch) -> str:
    edge = "border:1px solid #888;padding:1px 4px"
    rows = "".join(
        f'<tr data-row="{esc(who)}"><td style="{edge}">{esc(who)}</td><td style="{edge}">{esc(s.of(s.words.number(), s.words.word(), s.words.day()))}</td></tr>'
        for who in [s.words.first() for _ in s.many(3, 6)]
    )
    return f'<table style="border-collapse:collapse">{rows}</table>'


def _calendar(s: Sketch) -> str:
    first, days = s.dice.randint(0, 6), s.dice.randint(28, 31)
    cells = ["<td></td>"] * first + [
        f'<td style="border:1px solid #ccc;background:#f6f6f6;text-align:right;padding:0 2px"><a href="#" style="color:#333;text-decoration:none">{n}</a></td>'
        for n in range(1, days + 1)
    ]
    rows = "".join(f"<tr>{''.join(cells[n : n + 7])}</tr>" for n in range(0, len(cells), 7))
    ends = (
        (s.link("Prev"), s.link("Next"))
        if s.chance(0.5)
        else (s.icon_button("previous", "ghost"), s.icon_button("next", "ghost"))
    )
    head = f'<div style="background:#ccc;display:flex;justify-content:space-between;padding:2px">{ends[0]}<b>{esc(s.words.month())}</b>{ends[1]}</div>'
    return f'<div style="width:150px;background:#fff;border:1px solid #aaa">{head}<table style="width:100%">{rows}</table></div>'


def _sections(s: Sketch) -> str:
    made = []
    now = s.dice.randint(0, 3)
    for n in range(s.dice.randint(3, 6)):
        look = "background:#007fff;color:#fff" if n == now else "background:#f6f6f6"
        text = f"Section #{n + 1}" if s.chance(0.5) else s.words.word()
        body = f'<div style="padding:4px;border:1px solid #ccc">{esc(s.words.sentence())}</div>' if n == now else ""
        made.append(
            f'<div role="tab" tabindex="0" aria-expanded="{"true" if n == now else "false"}" style="{look};border:1px solid #c5c5c5;padding:3px 6px;margin-top:2px">{s.of("▸", "▾")} {esc(text)}</div>{body}'
        )
    return "".join(made)


def _mail(s: Sketch) -> str:
    made = []
    for who in [s.words.first() for _ in range(4)]:
        ends = "".join(
            s.icon_button(one, "tiny ghost")
            for one in s.dice.sample(("star", "delete", "reply", "forward", "heart"), 2)
        )
        made.append(
            f'<div data-row="{esc(who)}" style="border-bottom:1px solid #ddd;padding:2px 3px;display:flex;justify-content:space-between"><span><b>{esc(who)}</b><br>{esc(s.words.phrase(2)[:22])}</span><span>{ends}</span></div>'
        )
    return "".join(made)


def _posts(s: Sketch) -> str:
    """Short messages with four small icons and a count under each."""
    made = []
    for who in [s.words.first() for _ in range(3)]:
        ends = "".join(
            s.icon_button(one, "tiny ghost") + (f"<small>{s.dice.randint(0, 99)}</small>" if s.chance(0.4) else "")
            for one in ("reply", "refresh", "heart", "more")
        )
        made.append(
            f'<div data-row="{esc(who)}" style="border:1px solid #ddd;padding:2px"><b>{esc(who)}</b> <span style="color:#888">@{esc(s.words.word().lower())}</span><div>{esc(s.words.sentence())}</div><div>{ends}</div></div>'
        )
    return "".join(made)


def _menu(s: Sketch) -> str:
    made = "".join(
        f'<li role="menuitem" tabindex="0" style="padding:2px 8px;border:1px solid {"#999" if n == 1 else "transparent"};display:flex;justify-content:space-between">{esc(s.words.word())}<span>{s.of("▸", "")}</span></li>'
        for n in s.many(3, 6)
    )
    more = "".join(
        f'<li role="menuitem" tabindex="0" style="padding:2px 6px">{esc(s.words.word()[:9])}</li>' for _ in s.many(2, 4)
    )
    side = (
        f'<ul style="position:absolute;left:92px;top:{s.dice.randint(56, 90)}px;margin:0;padding:0;list-style:none;border:1px solid #aaa;background:#fff;width:64px">{more}</ul>'
        if s.chance(0.5)
        else ""
    )
    return f'<ul role="menu" style="margin:2px 0;padding:0;list-style:none;border:1px solid #aaa;width:90px">{made}</ul>{side}'


def _dialog(s: Sketch) -> str:
    cross = f'<button aria-label="Close" style="float:right;padding:0 3px">{s.of("×", "x", "✕")}</button>'
    lower = f"<button>{esc(s.of('OK', 'Cancel', s.words.word()))}</button> " + f"<button>{esc(s.words.word())}</button>"
    return f'<div role="dialog" style="border:1px solid #aaa;margin:{s.dice.randint(0, 40)}px {s.dice.randint(0, 20)}px;background:#fff;width:{s.dice.randint(110, 140)}px"><div style="background:#e9e9e9;padding:2px 4px;font-weight:bold">{cross}{esc(s.words.word())}</div><div style="padding:4px">{esc(s.words.sentence())}</div><div style="padding:3px">{lower}</div></div>'


def _slider(s: Sketch) -> str:
    made = []
    for _ in s.many(1, 3):
        value = s.dice.randint(0, 100)
        made.append(
            f'<div style="margin:10px 6px"><div style="height:8px;width:130px;border:1px solid #bbb;background:#fff;position:relative"><span role="slider" tabindex="0" aria-label="{esc(s.words.word())}" aria-valuenow="{value}" style="position:absolute;left:{value * 1.2:.0f}px;top:-4px;width:14px;height:14px;border:1px solid #aaa;background:#ededed;border-radius:2px"></span></div>{value}</div>'
        )
    return "".join(made)


_KINDS: dict[str, tuple[Callable[[Sketch], str], float]] = {
    "buttons": (_buttons, 3), "links": (_links, 1.5), "form": (_form, 2), "ticks": (_ticks, 2), "tabs": (_tabs, 1), "list": (_list, 1), "shapes": (_shapes, 1),
    "table": (_table, 0.7), "calendar": (_calendar, 1), "sections": (_sections, 0.8), "mail": (_mail, 1), "posts": (_posts, 0.8), "menu": (_menu, 0.8),
    "dialog": (_dialog, 0.8), "slider": (_slider, 0.6),
}  # fmt: skip


def mini(s: Sketch, held: bool) -> tuple[str, list[str]]:
    """The body of a tiny page and the names of what is on it."""
    del held
    kinds = s.dice.choices(list(_KINDS), [weight for _, weight in _KINDS.values()], k=1 if s.chance(0.75) else 2)
    parts = [_KINDS[kind][0](s) for kind in kinds]
    if not {"shapes", "calendar"} & set(kinds) and s.chance(0.6):
        text = s.of("Submit", "Submit", "OK", "Search", "Login", "Cancel") if s.usual else s.words.word()
        parts.append(f'<div style="margin-top:4px"><button>{esc(text)}</button></div>')
    word = s.words.word
    orders = (
        f'Click on the "{word()}" button.',
        f"Enter {word()} into the text field and press Submit.",
        f"Select {word()}, {word()} and click Submit.",
        s.words.sentence(),
    )
    order = s.dice.choice(orders) if s.usual else s.words.phrase(4)
    strip = f'<div style="background:#ff0;width:160px;height:50px;padding:3px;overflow:hidden;box-sizing:border-box">{esc(order)}</div>'
    return (
        f'<body class="plain" style="margin:0">{strip}<div style="padding:2px;width:160px">{"".join(parts)}</div></body>',
        ["mini", *kinds],
    )
