"""The look of a page: font, sizes, colours, edges and density as one style sheet, drawn by chance.

Fonts and palettes are split: some fonts, and palettes with purple, pink or olive accents or tinted paper, are kept for
the examination.
"""

from __future__ import annotations

import colorsys
import functools
import random
import shutil
import subprocess
from dataclasses import dataclass, field

from model.training.words import Split

__all__ = ["FONTS", "Style", "accent_hue", "draw_style", "installed_fonts"]

FONTS: dict[Split, tuple[str, ...]] = {
    "train": (
        "DejaVu Sans", "DejaVu Sans", "DejaVu Sans Condensed", "DejaVu Serif", "DejaVu Sans Mono", "Liberation Sans",
        "Liberation Sans", "Liberation Sans", "Liberation Serif", "Liberation Mono", "Liberation Sans Narrow",
        "Noto Sans", "Noto Sans", "Noto Serif", "Noto Sans Mono", "Noto Sans UI", "Roboto", "Roboto", "Roboto",
        "Roboto Condensed", "Roboto Slab", "Open Sans", "Open Sans", "Lato", "Lato", "Inter", "Inter", "Inter",
        "Inter Display", "Caladea", "Fira Code", "Quicksand", "EB Garamond", "Comfortaa", "Go", "Go Mono", "Clear Sans",
        "Andika", "Gentium", "Nimbus Sans", "Nimbus Roman", "URW Gothic", "FreeSans", "FreeSerif", "FreeMono", "Dosis",
        "Courier Prime", "Anonymous Pro", "Inconsolata", "TeX Gyre Heros", "TeX Gyre Adventor", "Tuffy", "Vollkorn",
        "League Spartan", "Bitstream Vera Sans", "Sora", "Mononoki", "Linux Libertine O", "Junicode", "National Park",
        "Yanone Kaffeesatz", "Latin Modern Sans", "Averia Sans GWF",
    ),
    "held": ("Cantarell", "Carlito", "Karla", "Hack", "JetBrains Mono", "Manrope", "B612", "Linux Biolinum O", "Cabin"),
}  # fmt: skip
"""Families by split, repeated ones are drawn more often; only those that are installed are used."""


@functools.lru_cache(maxsize=2)
def installed_fonts(split: Split) -> tuple[str, ...]:
    """The split's families that fontconfig knows here, in list order; a generic family where there is none."""
    program = shutil.which("fc-list")
    listed = (
        subprocess.run([program, ":", "family"], capture_output=True, text=True, check=False).stdout if program else ""
    )
    known = {name.strip() for line in listed.splitlines() for name in line.split(",")}
    return tuple(name for name in FONTS[split] if name in known) or ("sans-serif",)


def _hex(hue: float, saturation: float, light: float) -> str:
    red, green, blue = colorsys.hls_to_rgb(hue / 360 % 1, min(1, max(0, light)), min(1, max(0, saturation)))
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _luminance(colour: str) -> float:
    red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


_HELD_HUES = ((65, 100), (268, 335))


def accent_hue(dice: random.Random, split: Split) -> float:
    """A hue in degrees: purple, pink and olive are held, everything else is trained on."""
    if split == "held":
        low, high = dice.choice(_HELD_HUES)
        return dice.uniform(low, high)
    while True:
        hue = dice.choice((dice.uniform(0, 360), dice.uniform(195, 235)))
        if not any(low - 5 <= hue <= high + 5 for low, high in _HELD_HUES):
            return hue


@dataclass(frozen=True)
class Style:
    """What templates need to know of a look, and its style sheet."""

    css: str
    dark: bool
    font: str
    size: float
    """Base font size in CSS pixels."""
    density: float
    """1 is usual; smaller is tighter."""
    flags: dict[str, bool] = field(default_factory=dict)
    colours: dict[str, str] = field(default_factory=dict)


def _palette(dice: random.Random, split: Split, dark: bool) -> dict[str, str]:
    hue = accent_hue(dice, split)
    if split == "held":
        base, tint = (dice.choice((38, 48, 300, 330)), dice.uniform(0.25, 0.6))
    else:
        base, tint = (dice.choice((210, 220, 200, 0, 30, 120)), dice.choice((0, 0, 0, 0.04, 0.1, 0.18)))
    accent_light = dice.uniform(0.3, 0.52) if not dark else dice.uniform(0.35, 0.65)
    accent = _hex(hue, dice.uniform(0.35, 1), accent_light)
    on_accent = "#ffffff" if _luminance(accent) < dice.uniform(0.3, 0.45) else "#101010"
    ink = _hex(hue, dice.uniform(0.4, 1), dice.uniform(0.62, 0.82) if dark else dice.uniform(0.22, 0.42))
    if dark:
        ground, step = dice.choice((0.0, 0.04, 0.07, 0.1, 0.13, 0.17)), dice.uniform(0.02, 0.07)
        tint = min(tint, 0.3)
        paper, card = _hex(base, tint, ground), _hex(base, tint, ground + step)
        text = _hex(base, tint / 2, dice.uniform(0.78, 1.0))
        soft = _hex(base, tint / 2, dice.uniform(0.5, 0.7))
        line, deep = _hex(base, tint, ground + step + dice.uniform(0.06, 0.2)), _hex(base, tint, max(0, ground - 0.02))
        hover = _hex(base, tint, ground + step * 2)
    else:
        ground = 1.0 if dice.random() < 0.45 else dice.uniform(0.9, 0.99)
        if split == "held":
            ground = dice.uniform(0.86, 0.94)
        card_light = 1.0 if ground < 1 and dice.random() < 0.75 else ground - dice.choice((0, 0, 0.02, 0.04))
        if split == "held":
            card_light = min(0.97, ground + dice.choice((0.0, 0.04)))
        paper, card = _hex(base, tint, ground), _hex(base, tint, card_light)
        text = _hex(base, tint / 2, dice.choice((0, 0.07, 0.13, 0.2, 0.28)))
        soft = _hex(base, tint / 2, dice.uniform(0.35, 0.58))
        line, deep = _hex(base, tint, dice.uniform(0.6, 0.9)), _hex(base, max(tint, 0.1), dice.uniform(0.88, 0.96))
        hover = _hex(base, tint, ground - 0.05)
    return {
        "accent": accent, "ink": ink, "on": on_accent, "paper": paper, "card": card, "text": text, "soft": soft, "line": line,
        "deep": deep, "hover": hover, "danger": _hex(dice.uniform(345, 372), 0.7, 0.5 if not dark else 0.6) if split == "train" else _hex(330, 0.7, 0.45),
        "second": _hex(hue + dice.choice((0, 20, -20)) if split == "held" else accent_hue(dice, split), 0.6, 0.45),
    }  # fmt: skip


def draw_style(dice: random.Random, fonts: Split = "train", palettes: Split = "train", small: bool = False) -> Style:
    """A look. `small` is for small screens: no large type."""
    pick, chance = dice.choice, lambda share: dice.random() < share
    dark = chance(0.4)
    c = _palette(dice, palettes, dark)
    family = pick(installed_fonts(fonts))
    heading = family if chance(0.7) else pick(installed_fonts(fonts))
    size = pick((10, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 16, 16, 18, 20))
    if small:
        size = min(size, 14)
    density = pick((0.5, 0.7, 0.85, 1, 1, 1.2, 1.5))
    pad_y, pad_x = round(size * 0.42 * density, 1), round(size * pick((0.5, 0.8, 1, 1.3)) * max(0.7, density), 1)
    gap = round(size * pick((0.3, 0.5, 0.7, 0.9)) * density, 1)
    radius = pick((0, 0, 2, 3, 4, 6, 8, 12, 999))
    card_radius = min(radius, 14) if chance(0.7) else pick((0, 4, 8))
    edge = pick((1, 1, 1, 1, 2))
    shadow = pick(
        ("none", "none", "0 1px 3px rgba(0,0,0,.25)", "0 4px 14px rgba(0,0,0,.22)", "0 0 0 1px rgba(128,128,128,.25)")
    )
    weight, button_weight = pick((400, 400, 400, 400, 300, 500)), pick((400, 500, 500, 600, 700))
    button_case = "text-transform:uppercase;" if chance(0.14) else ""
    spacing = f"letter-spacing:{pick((0.3, 0.5, 0.8, 1.2))}px;" if chance(0.3) else ""
    primary = f"linear-gradient({pick((90, 135, 180))}deg,{c['accent']},{c['second']})" if chance(0.12) else c["accent"]
    plain = {
        "outline": f"background:transparent;border:{edge}px solid {c['line']};color:{c['text']}",
        "tint": f"background:{c['hover']};border:{edge}px solid transparent;color:{c['text']}",
        "accent-outline": f"background:{c['card']};border:{edge}px solid {c['accent']};color:{c['ink']}",
        "bevel": "background:linear-gradient(#fdfdfd,#d8d8d8);border:1px solid #9a9a9a;color:#202020",
        "bare": f"background:transparent;border:{edge}px solid transparent;color:{c['ink']}",
        "filled": f"background:{c['deep']};border:{edge}px solid {c['line']};color:{c['text']}",
    }
    look = pick(("outline", "outline", "tint", "accent-outline", "bevel", "bare", "filled"))
    button = plain[look]
    on_bar = ",.bar .btn:not(.primary):not(.danger)" if look in ("outline", "bare") else ""
    boxed = f"background:{pick((c['card'], c['paper'], c['hover']))};border:{edge}px solid {c['line']}"
    underlined = f"background:transparent;border:0;border-bottom:{edge}px solid {c['soft']}"
    entry = boxed if chance(0.85) else underlined
    link = f"color:{c['ink']};text-decoration:{pick(('underline', 'underline', 'none'))}"
    bar = pick((c["card"], c["paper"], c["accent"], c["deep"], "#202428", c["accent"]))
    bar_text = c["on"] if bar == c["accent"] else "#f2f2f2" if bar == "#202428" else c["text"]
    side = pick((c["card"], c["paper"], c["deep"], "#1f2430"))
    side_text = "#d6dae0" if side == "#1f2430" else c["text"]
    on_now = pick((
        f"background:{c['accent']};color:{c['on']}", f"color:{c['ink']};font-weight:700",
        f"border-bottom:2px solid {c['accent']};color:{c['ink']}", f"background:{c['hover']};font-weight:600",
        f"box-shadow:inset 3px 0 0 {c['accent']}",
    ))  # fmt: skip
    label_look = pick(
        (
            f"color:{c['text']}",
            f"color:{c['soft']}",
            f"color:{c['text']};font-weight:600",
            f"color:{c['soft']};font-size:.86em",
        )
    )
    if chance(0.06):
        label_look += ";text-transform:uppercase;letter-spacing:.4px"
    table_head = pick(
        (
            f"background:{c['deep']}",
            f"border-bottom:2px solid {c['line']}",
            f"color:{c['soft']};font-weight:500",
            f"background:{c['accent']};color:{c['on']}",
        )
    )
    table_edge = pick((f"border-bottom:1px solid {c['line']}", f"border:1px solid {c['line']}", ""))
    stripe = f"tr:nth-child(even) td{{background:{c['hover']}}}" if chance(0.35) else ""
    toast = pick(
        (
            "background:#2a2d33;color:#f4f4f4",
            f"background:{c['accent']};color:{c['on']}",
            f"background:{c['card']};color:{c['text']}",
        )
    )
    mark = pick((14, 16, 18, 20))
    mark_radius = pick((0, 2, 3, 5))
    css = f"""
*{{box-sizing:border-box;caret-color:transparent;transition:none!important;animation:none!important}}
html{{background:{c["paper"]}}}
body{{margin:0;font:{weight} {size}px/{pick((1.15, 1.25, 1.35, 1.45, 1.6))} "{family}",sans-serif;color:{c["text"]};background:{c["paper"]};{spacing if chance(0.3) else ""}color-scheme:{"dark" if dark else "light"}}}
h1,h2,h3,h4{{font-family:"{heading}",sans-serif;font-weight:{pick((500, 600, 700, 700, 300))};margin:0 0 {gap}px;line-height:1.2;{"text-transform:uppercase;" if chance(0.05) else ""}}}
h1{{font-size:{pick((1.3, 1.5, 1.8))}em}}h2{{font-size:{pick((1.15, 1.3, 1.45))}em}}h3,h4{{font-size:{pick((1, 1.1, 1.2))}em}}
p{{margin:0 0 {gap}px}}a{{{link}}}button,input,select,textarea{{font:inherit;letter-spacing:inherit;color:inherit;margin:0}}
.row{{display:flex;gap:{gap}px;align-items:center;flex-wrap:wrap}}.col{{display:flex;flex-direction:column;gap:{gap}px}}.grow{{flex:1;min-width:0}}
.nowrap{{flex-wrap:nowrap}}.between{{justify-content:space-between}}.soft{{color:{c["soft"]}}}.small{{font-size:.85em}}.big{{font-size:1.3em}}.strong{{font-weight:700}}
.clip{{overflow:hidden;text-overflow:clip;white-space:nowrap}}
.btn{{{button};border-radius:{radius}px;padding:{pad_y}px {pad_x}px;font-weight:{button_weight};{button_case}{spacing}display:inline-flex;align-items:center;justify-content:center;gap:.45em;white-space:nowrap;text-decoration:none;line-height:1.3;flex:none;cursor:pointer}}
.btn.primary{{background:{primary};color:{c["on"]};border:{edge}px solid transparent}}.btn.danger{{background:{c["danger"]};color:#fff;border-color:transparent}}
.btn.ghost{{background:transparent;border-color:transparent;color:{pick((c["ink"], c["text"]))}}}.btn.tiny{{padding:{max(0, pad_y / 2)}px {max(3, pad_x / 2)}px;font-size:.88em}}
.btn.round{{border-radius:999px}}.btn:disabled,.off{{opacity:{pick((0.4, 0.5, 0.6))}}}.btn.icon{{padding:{max(2, pad_y)}px}}
.in,.sel{{{entry};border-radius:{0 if entry == underlined else min(radius, 16)}px;padding:{pad_y}px {max(4, pad_x * 0.7)}px;width:100%;min-width:0;line-height:1.3;outline-offset:0}}
.in::placeholder{{color:{c["soft"]};opacity:1}}.in:focus,.btn:focus,.sel:focus{{outline:2px solid {c["accent"]}}}
textarea.in{{resize:none;display:block}}label,.lab{{{label_look};display:inline-block}}
.field{{display:flex;flex-direction:column;gap:{max(1, gap / 3)}px;min-width:0}}.field.left{{flex-direction:row;align-items:center}}.field.left>label{{flex:none;width:{pick((28, 34, 40))}%;{"text-align:right;padding-right:8px" if chance(0.4) else ""}}}
.card{{background:{c["card"]};border:{pick((0, 1, 1))}px solid {c["line"]};border-radius:{card_radius}px;box-shadow:{shadow};padding:{max(4, gap * 1.3)}px;min-width:0}}
.bar{{display:flex;align-items:center;gap:{gap}px;background:{bar};color:{bar_text};padding:{max(2, pad_y)}px {max(6, pad_x)}px;{f"border-bottom:1px solid {c['line']};" if chance(0.5) else ""}min-height:{size * 2}px;white-space:nowrap;overflow:hidden}}
.bar a,.bar .btn.ghost,.toast a,.toast .btn.ghost{on_bar}{{color:inherit}}.bar .in,.bar .sel{{color:{c["text"]}}}
.side{{background:{side};color:{side_text};padding:{gap}px;display:flex;flex-direction:column;gap:{max(1, gap / 3)}px;flex:none;overflow:hidden;{f"border-right:1px solid {c['line']};" if chance(0.6) else ""}}}
.side .item{{color:inherit}}.item{{display:flex;align-items:center;gap:.6em;padding:{pad_y}px {max(4, pad_x * 0.6)}px;border-radius:{min(radius, 10)}px;color:inherit;text-decoration:none;white-space:nowrap;text-align:left;background:transparent;border:0;min-width:0}}
.now,.side .now,[aria-selected=true].tab,[aria-current]{{{on_now}}}
.tabs{{display:flex;gap:{max(0, gap / 2)}px;{f"border-bottom:1px solid {c['line']};" if chance(0.6) else ""}overflow:hidden}}.tab{{padding:{pad_y}px {pad_x}px;background:transparent;border:0;border-bottom:2px solid transparent;color:{c["soft"]};white-space:nowrap;display:inline-flex;gap:.4em;align-items:center}}
.list{{display:flex;flex-direction:column;{f"border:1px solid {c['line']};" if chance(0.4) else ""}}}.list>*{{padding:{pad_y * 1.2}px {max(4, pad_x * 0.7)}px;border-bottom:1px solid {pick((c["line"], "transparent"))}}}
table{{border-collapse:collapse;width:100%;background:{pick((c["card"], "transparent"))}}}th,td{{padding:{pad_y}px {max(3, pad_x * 0.6)}px;text-align:left;{table_edge};white-space:nowrap;font-size:{pick((1, 1, 0.92))}em}}th{{{table_head};font-weight:{pick((500, 600, 700))}}}{stripe}
.menu{{background:{c["card"]};border:1px solid {c["line"]};border-radius:{min(card_radius, 8)}px;box-shadow:0 6px 18px rgba(0,0,0,.3);padding:{max(2, gap / 2)}px 0;display:flex;flex-direction:column;min-width:130px}}.menu>*{{padding:{pad_y}px {max(6, pad_x)}px;background:transparent;border:0;text-align:left;color:{c["text"]};display:flex;gap:.6em;align-items:center;justify-content:flex-start;white-space:nowrap;text-decoration:none}}.menu hr,hr{{padding:0;margin:{max(1, gap / 3)}px 0;border:0;border-top:1px solid {c["line"]};width:100%}}
.chip{{display:inline-flex;align-items:center;gap:.4em;padding:{max(1, pad_y * 0.6)}px {max(5, pad_x * 0.7)}px;border-radius:{pick((999, 999, 4))}px;background:{c["hover"]};border:1px solid {c["line"]};color:{c["text"]};white-space:nowrap;font-size:.92em}}
.chip.on,.chip[aria-pressed=true]{{background:{c["accent"]};color:{c["on"]}}}.badge{{background:{c["second"]};color:#fff;border-radius:{pick((999, 3))}px;padding:0 .45em;font-size:.8em;white-space:nowrap}}
.mark{{width:{mark}px;height:{mark}px;flex:none;display:inline-flex;align-items:center;justify-content:center;border:{pick((1, 1.5, 2))}px solid {c["soft"]};border-radius:{mark_radius}px;background:{c["card"]};color:transparent;vertical-align:middle}}.mark.dot{{border-radius:50%}}
[aria-checked=true].mark{{background:{c["accent"]};border-color:{c["accent"]};color:{c["on"]}}}.mark.dot[aria-checked=true]{{background:{c["card"]};box-shadow:inset 0 0 0 {mark / 4}px {c["accent"]}}}
.switch{{width:{mark * 1.9}px;height:{mark + 2}px;border-radius:{pick((999, 999, 999, 3))}px;background:{c["line"]};position:relative;border:0;padding:0;flex:none;display:inline-block;vertical-align:middle}}.switch i{{position:absolute;left:2px;top:2px;width:{mark - 2}px;height:{mark - 2}px;border-radius:inherit;background:#fff;box-shadow:0 0 2px rgba(0,0,0,.4)}}
.switch[aria-checked=true]{{background:{c["accent"]}}}.switch[aria-checked=true] i{{left:auto;right:2px}}
input[type=checkbox],input[type=radio]{{{pick(("", "", f"width:{mark}px;height:{mark}px;", f"accent-color:{c['accent']};"))}flex:none;margin:0}}input[type=range]{{{pick(("", f"accent-color:{c['accent']};"))}min-width:60px}}
.cells{{display:grid;gap:{pick((0, 1, 2, 4))}px}}.cell{{background:{pick(("transparent", c["card"], c["hover"]))};border:{pick((0, 1))}px solid {c["line"]};border-radius:{pick((0, 0, 4, 999))}px;padding:{max(1, pad_y * 0.6)}px 2px;color:{c["text"]};text-align:center;min-width:0;line-height:1.3;white-space:nowrap}}
.cell.on,.cell[aria-selected=true],.cell[aria-pressed=true]{{background:{c["accent"]};color:{c["on"]}}}.cell:disabled{{color:{c["soft"]};opacity:.55}}
.pic{{display:block;width:100%;overflow:hidden;border-radius:{min(card_radius, 8)}px;flex:none}}.round{{border-radius:999px}}
.veil{{position:fixed;inset:0;background:rgba({pick(("0,0,0", "0,0,0", "20,24,40", "255,255,255"))},{pick((0.3, 0.45, 0.6, 0.75))});z-index:50}}.over{{position:fixed;z-index:60}}
.toast{{{toast};border-radius:{min(radius, 10)}px;padding:{pad_y}px {pad_x}px;box-shadow:0 3px 12px rgba(0,0,0,.35);display:flex;gap:.8em;align-items:center}}
.ic{{width:1.25em;height:1.25em;flex:none;display:inline-block;vertical-align:middle}}.avatar{{width:2em;height:2em;border-radius:{pick((999, 4))}px;background:{c["second"]};color:#fff;display:inline-flex;align-items:center;justify-content:center;flex:none;font-size:.9em}}
.alert{{border:1px solid {c["second"]};border-left-width:4px;background:{c["hover"]};padding:{pad_y}px {pad_x}px;border-radius:{min(card_radius, 6)}px}}.price{{font-weight:700;color:{pick((c["text"], c["ink"], c["danger"]))}}}
.win{{background:{c["card"]};border:1px solid {c["soft"]};border-radius:{pick((0, 4, 8))}px;box-shadow:0 8px 26px rgba(0,0,0,.4);position:absolute;display:flex;flex-direction:column;overflow:hidden}}.strip{{display:flex;align-items:center;gap:{max(1, gap / 2)}px;padding:{pick((1, 2, 3, 4))}px 6px;flex:none;overflow:hidden;white-space:nowrap}}.titlebar{{background:{pick((c["deep"], c["accent"], c["hover"]))};color:{c["text"]}}}.titlebar.hot{{background:{c["accent"]};color:{c["on"]}}}.menubar button,.toolbar .flat{{background:transparent;border:0;color:inherit;padding:2px 7px;display:inline-flex;gap:.3em;align-items:center;border-radius:3px;flex:none}}.status{{border-top:1px solid {c["line"]};font-size:.88em;color:{c["soft"]}}}
.sep{{width:1px;align-self:stretch;background:{c["line"]};flex:none}}.track{{height:6px;border-radius:3px;background:{c["line"]};position:relative;min-width:60px}}.track i{{position:absolute;left:0;top:0;bottom:0;border-radius:3px;background:{c["accent"]}}}.thumb{{position:absolute;width:16px;height:16px;top:-5px;border-radius:50%;background:{c["accent"]};border:2px solid {c["card"]};box-shadow:0 0 3px rgba(0,0,0,.5)}}
""".strip()
    flags = {
        "native": chance(0.5), "icons": chance(0.55), "round": radius > 8, "placeholder": chance(0.5),
        "left": chance(0.3), "hints": chance(0.3), "bare_labels": chance(0.12),
    }  # fmt: skip
    return Style(css, dark, family, size, density, flags, c)
