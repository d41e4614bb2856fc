"""The pencil templates draw with: words, names, icons and the smallest parts (buttons, fields, marks) as HTML text."""

from __future__ import annotations

import html
import random
from dataclasses import dataclass, field

from model.training import labels
from model.training.web.icons import MEANINGS, Icon, Icons
from model.training.web.styles import Style
from model.training.words import Words

__all__ = ["Sketch", "esc"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SYMBOLS = "×+-−…‹›«»✓?!*#%&@=</>▲▼◀▶"


def esc(text: str) -> str:
    """Text as HTML, attribute values included."""
    return html.escape(text, quote=True)


@dataclass
class Sketch:
    """One page in the making.

    `usual` is the share of labels from the written vocabulary of interfaces; 0 leaves only drawn words, as an
    examination of unseen words needs.
    """

    dice: random.Random
    words: Words
    icons: Icons
    style: Style
    usual: float = 0.45
    width: int = 1280
    height: int = 800
    serial: int = 0
    family: str = ""
    """The icon family the page keeps to; chosen with its first icon."""
    used: list[str] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def of(self, *options: str) -> str:
        return self.dice.choice(options)

    def many(self, low: int, high: int) -> range:
        return range(self.dice.randint(low, high))

    def key(self) -> str:
        """An element id, unique on the page."""
        self.serial += 1
        return f"e{self.serial}"

    # Words

    def label(self, usual: tuple[str, ...], longest: int = 3) -> str:
        """A label of an interface: written vocabulary or drawn words, in various case."""
        text = self.dice.choice(usual) if self.chance(self.usual) else self.words.phrase(longest)
        draw = self.dice.random()
        if draw < 0.06:
            return text.lower()
        if draw < 0.1:
            return text.upper()
        if draw < 0.2:
            return " ".join(part[:1].upper() + part[1:] for part in text.split(" "))
        return text

    def button_text(self) -> str:
        draw = self.dice.random()
        if draw < 0.04:
            return self.glyph()
        return self.label(labels.BUTTONS, 3)

    def link_text(self) -> str:
        return self.label(labels.LINKS, 3)

    def field_text(self) -> str:
        return self.label(labels.FIELDS, 3)

    def check_text(self) -> str:
        return self.words.sentence() if self.chance(0.15) else self.label(labels.CHECKS, 4)

    def title(self) -> str:
        return self.label(labels.HEADINGS, 4)

    def glyph(self) -> str:
        """One or two characters, as on small buttons."""
        return self.dice.choice((self.dice.choice(_LETTERS), str(self.dice.randint(0, 99)), self.dice.choice(_SYMBOLS)))

    def fact(self) -> str:
        """What stands in a table or a list: anything from a number to a sentence part."""
        words = self.words
        makers = (
            words.person, words.word, words.phrase, words.code, words.email, words.day, words.city, words.number,
            words.price, words.clock, words.company, words.phrase, words.word,
        )  # fmt: skip
        return self.dice.choice(makers)()

    def key_text(self) -> str:
        """What names a row: a person, a thing, a code; never twice on a page."""
        for _ in range(20):
            text = self.dice.choice(
                (self.words.person, self.words.phrase, self.words.code, self.words.company, self.words.city)
            )()
            if text not in self.used:
                break
        self.used.append(text)
        return text

    def prose(self, low: int = 1, high: int = 4) -> str:
        return " ".join(self.words.sentence() for _ in self.many(low, high))

    # Icons

    def icon(self, meaning: str | None = None, style: str = "") -> tuple[str, str]:
        """An svg element and its meaning; an empty text and "" where no icons are installed."""
        if not self.icons:
            return "", ""
        known = self.icons.by_meaning
        if meaning not in known:
            meaning = self.dice.choice(list(known))
        icon = self._of_page(meaning)
        size = self.dice.choice(("", "", "", "width:1em;height:1em;", "width:1.5em;height:1.5em;"))
        thin = f"stroke-width:{self.dice.choice((1, 1.5, 2, 2.5))};" if icon.stroked and self.chance(0.3) else ""
        svg = f'<svg class="ic" data-icon="{meaning}" viewBox="{icon.box}" {icon.attributes} style="{size}{thin}{style}">{icon.body}</svg>'
        return svg, meaning

    def _of_page(self, meaning: str) -> Icon:
        """A page mostly keeps to one family."""
        options = self.icons.by_meaning[meaning]
        self.family = self.family or self.dice.choice(list(self.icons.families))
        mine = [icon for icon in self.icons.families[self.family] if icon.meaning == meaning]
        return self.dice.choice(mine if mine and self.chance(0.9) else options)

    # Parts

    def button(
        self, text: str | None = None, kind: str | None = None, icon: bool | None = None, extra: str = ""
    ) -> str:
        text = self.button_text() if text is None else text
        kind = self.of("", "", "", "primary", "ghost", "tiny", "danger") if kind is None else kind
        with_icon = self.chance(0.15 if self.style.flags["icons"] else 0.03) if icon is None else icon
        svg = self.icon(self.meaning_of(text))[0] if with_icon else ""
        inside = f"{svg}<span>{esc(text)}</span>" if self.chance(0.85) else f"<span>{esc(text)}</span>{svg}"
        off = " disabled" if self.chance(0.05) else ""
        tag = self.dice.random()
        if tag < 0.82:
            return f'<button class="btn {kind}"{off} {extra}>{inside if svg else esc(text)}</button>'
        if tag < 0.92:
            return f'<a class="btn {kind}" href="#" role="button" {extra}>{inside}</a>'
        if "class=" in extra or svg:
            return f'<div class="btn {kind}" role="button" tabindex="0" {extra}>{inside}</div>'
        return f'<input type="button" class="btn {kind}" value="{esc(text)}"{off} {extra}>'

    def meaning_of(self, text: str) -> str | None:
        """The meaning whose usual names hold the text, so that "Search" gets a magnifier; None for any."""
        lowered = text.lower()
        for meaning, names in MEANINGS.items():
            if any(name.lower() == lowered for name in names):
                return meaning
        return None

    def icon_button(self, meaning: str | None = None, kind: str | None = None, tag: str = "button") -> str:
        """A button with nothing but an icon; a character where no icons are installed."""
        svg, found = self.icon(meaning)
        if not svg:
            return self.button(self.glyph(), kind)
        name = self.dice.choice(MEANINGS[found])
        kind = self.of("ghost", "ghost", "", "round", "primary round", "ghost round") if kind is None else kind
        state = (
            f' aria-pressed="{self.of("true", "false")}"'
            if found in ("star", "heart", "mute", "bold", "italic", "underline", "pin") and self.chance(0.3)
            else ""
        )
        if tag == "a":
            return f'<a href="#" class="btn icon {kind}" aria-label="{esc(name)}">{svg}</a>'
        return f'<button class="btn icon {kind}" aria-label="{esc(name)}"{state}>{svg}</button>'

    def link(self, text: str | None = None, kind: str = "") -> str:
        text = self.link_text() if text is None else text
        cls = f' class="{kind}"' if kind else ""
        svg = self.icon()[0] if self.style.flags["icons"] and self.chance(0.08) else ""
        return f'<a href="#"{cls}>{svg + "<span>" if svg else ""}{esc(text)}{"</span>" if svg else ""}</a>'

    def choices(self) -> tuple[str, list[str]]:
        """A label and what a list offers."""
        if self.chance(self.usual):
            name = self.dice.choice(list(labels.CHOICES))
            return name, list(labels.CHOICES[name])
        return self.field_text(), [self.words.phrase(2) for _ in self.many(2, 7)]

    def entry(
        self, name: str, kind: str = "text", placeholder: str | None = None, filled: bool | None = None, extra: str = ""
    ) -> str:
        """A text field without its label."""
        value = ""
        if self.chance(0.4) if filled is None else filled:
            value = (
                self.words.digits(8)
                if kind == "password"
                else self.words.number()
                if kind == "number"
                else self.words.value()
            )
            if kind == "email":
                value = self.words.email()
        hint = (
            placeholder
            if placeholder is not None
            else (self.hint(name) if self.style.flags["hints"] and self.chance(0.6) else "")
        )
        off = self.of(" disabled", " readonly") if self.chance(0.05) else ""
        focus = " data-focus" if self.chance(0.06) else ""
        if kind == "area":
            rows = self.dice.randint(2, 5)
            text = self.prose(1, 2) if value else ""
            return f'<textarea class="in" rows="{rows}" placeholder="{esc(hint)}"{off}{focus} {extra}>{esc(text)}</textarea>'
        return f'<input class="in" type="{kind}" value="{esc(value)}" placeholder="{esc(hint)}"{off}{focus} {extra}>'

    def hint(self, name: str) -> str:
        return (
            self.of(
                f"Enter {name.lower()}",
                name,
                self.words.value(),
                self.words.phrase(2) + "…",
                f"e.g. {self.words.value()}",
            )
            if self.usual
            else self.words.phrase(3)
        )

    def field(self, name: str | None = None, left: bool = False) -> str:
        """A field with its label above, on the left, or only as placeholder."""
        key = self.key()
        if self.chance(0.2):
            said, offered = self.choices()
            name = name or said
            part = self.select(offered, attributes=f'id="{key}" aria-labelledby="{key}l"')
            kind = "select"
        else:
            name = name or self.field_text()
            lowered = name.lower()
            kind = (
                "password"
                if "assword" in lowered
                else "email"
                if "mail" in lowered
                else self.of("text", "text", "text", "text", "text", "search", "number", "area", "tel")
            )
            part = ""
        if kind != "select" and self.style.flags["placeholder"] and self.chance(0.35):
            return f'<div class="field">{self._dressed(self.entry(name, kind, name, self.chance(0.15), self._names(name, key)), kind)}</div>'
        part = part or self.entry(name, kind, extra=f'id="{key}"')
        star = self.of(" *", ":", "") if self.chance(0.4) else ""
        text = f'<label for="{key}" id="{key}l">{esc(name + star)}</label>'
        foot = f'<div class="small soft">{esc(self.words.sentence())}</div>' if self.chance(0.08) and not left else ""
        return f'<div class="field{" left" if left else ""}">{text}{self._dressed(part, kind)}{foot}</div>'

    def _names(self, name: str, key: str) -> str:
        return f'id="{key}" aria-label="{esc(name)}"'

    def _dressed(self, part: str, kind: str) -> str:
        """Sometimes an icon or a unit beside a field."""
        if kind in ("area", "select") or not self.chance(0.15):
            return part
        after = self.icon_button(self.of("calendar", "eye", "close", "search", "help"), "ghost")
        return f'<div class="row nowrap">{part}{after}</div>'

    def select(self, offered: list[str], name: str = "", attributes: str = "") -> str:
        """A list to choose from, native or drawn, closed. Named by `name` or by what `attributes` refer to."""
        chosen = self.dice.randrange(len(offered))
        said = f'aria-label="{esc(name)}" {attributes}' if name else attributes
        if self.chance(0.75):
            off = " disabled" if self.chance(0.04) else ""
            options = "".join(
                f"<option{' selected' if n == chosen else ''}>{esc(text)}</option>" for n, text in enumerate(offered)
            )
            return f'<select {said} class="{"sel" if self.chance(0.8) else ""}"{off}>{options}</select>'
        arrow = self.icon("expand")[0] or "<span>▾</span>"
        return (
            f'<div {said} class="sel row nowrap between" role="combobox" tabindex="0" aria-expanded="false">'
            f'<span class="clip">{esc(offered[chosen])}</span>{arrow}</div>'
        )

    def tick(
        self,
        kind: str = "checkbox",
        name: str | None = None,
        group: str = "",
        on: bool | None = None,
        bare: bool = False,
    ) -> str:
        """A check box, radio or switch with its label after it; `bare` leaves the label out and names it unseen."""
        text = self.check_text() if name is None else name
        state = self.chance(0.4) if on is None else on
        off = self.chance(0.04)
        if kind != "switch" and self.style.flags["native"]:
            checked, disabled = " checked" if state else "", " disabled" if off else ""
            box = f'<input type="{kind}" name="{group or self.key()}"{checked}{disabled}'
            if bare:
                return f'{box} aria-label="{esc(text)}">'
            if self.chance(0.5):
                return f'<label class="row nowrap" style="gap:.5em;display:inline-flex">{box}><span>{esc(text)}</span></label>'
            key = self.key()
            return f'<div class="row nowrap" style="gap:.5em">{box} id="{key}"><label for="{key}">{esc(text)}</label></div>'
        key = self.key()
        said = f'aria-label="{esc(text)}"' if bare else f'aria-labelledby="{key}"'
        disabled = ' aria-disabled="true"' if off else ""
        state_text = "true" if state else "false"
        if kind == "switch":
            box = f'<button class="switch{" off" if off else ""}" role="switch" aria-checked="{state_text}" {said}{disabled}><i></i></button>'
        else:
            tick = (
                ""
                if kind == "radio"
                else '<svg viewBox="0 0 16 16" width="80%" height="80%" fill="none" stroke="currentColor" stroke-width="2.5"><path d="M3 8.5l3.2 3.2L13 4.8"/></svg>'
            )
            box = f'<span class="mark{" dot" if kind == "radio" else ""}{" off" if off else ""}" role="{kind}" tabindex="0" aria-checked="{state_text}" {said}{disabled}>{tick}</span>'
        if bare:
            return box
        text_part = (
            f'<span id="{key}" class="grow">{esc(text)}</span>'
            if kind == "switch" and self.chance(0.6)
            else f'<span id="{key}">{esc(text)}</span>'
        )
        parts = text_part + box if kind == "switch" and self.chance(0.6) else box + text_part
        return f'<div class="row nowrap" style="gap:.6em">{parts}</div>'

    def picture(self, height: int, width: str = "100%", name: str | None = None) -> str:
        """A drawn picture with a name: blobs and stripes of chance colours."""
        name = self.words.phrase(3) if name is None else name
        dice = self.dice
        hue = dice.randint(0, 359)
        shapes = []
        for _ in self.many(2, 6):
            colour = f"hsl({(hue + dice.randint(-60, 60)) % 360},{dice.randint(20, 80)}%,{dice.randint(20, 85)}%)"
            if self.chance(0.5):
                shapes.append(
                    f'<circle cx="{dice.randint(0, 100)}" cy="{dice.randint(0, 100)}" r="{dice.randint(8, 50)}" fill="{colour}"/>'
                )
            elif self.chance(0.5):
                shapes.append(
                    f'<rect x="{dice.randint(-10, 90)}" y="{dice.randint(-10, 90)}" width="{dice.randint(10, 80)}" height="{dice.randint(5, 80)}" fill="{colour}" transform="rotate({dice.randint(0, 90)} 50 50)"/>'
                )
            else:
                points = " ".join(f"{dice.randint(0, 100)},{dice.randint(0, 100)}" for _ in range(3))
                shapes.append(f'<polygon points="{points}" fill="{colour}"/>')
        ground = f"hsl({hue},{dice.randint(10, 60)}%,{dice.randint(30, 90)}%)"
        return (
            f'<svg class="pic" role="img" aria-label="{esc(name)}" viewBox="0 0 100 100" preserveAspectRatio="none" '
            f'style="width:{width};height:{height}px;background:{ground}">{"".join(shapes)}</svg>'
        )
