"""Typing: words, sums, times, and words that a list completes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action, Scroll, TypeText
from osworld_eval.miniwob.oracle import Stuck, clicked, plays, pressed, typed
from osworld_eval.miniwob.oracles.buttons import quoted
from osworld_eval.miniwob.page import AREA, Look


def _parts(form: str, said: str) -> tuple[str, ...]:
    found = re.search(form, said)
    if not found:
        raise Stuck(f"`{said}` is not of the form {form}")
    return tuple(found.groups())


@plays("enter-text", "enter-text-dynamic")
def _enter(look: Look) -> Iterator[Action]:
    yield from typed(look, "#tt", quoted(look.utterance))
    yield from pressed(look, "#subbtn")


@plays("enter-text-2")
def _cased(look: Look) -> Iterator[Action]:
    word = quoted(look.utterance)
    yield from typed(look, "#tt", word.upper() if "upper case" in look.utterance else word.lower())
    yield from pressed(look, "#subbtn")


@plays("text-transform")
def _captcha(look: Look) -> Iterator[Action]:
    yield from typed(look, "#tt", "".join(box.text for box in look.all("#captcha span")))
    yield from pressed(look, "#subbtn")


@plays("enter-password")
def _twice(look: Look) -> Iterator[Action]:
    word = quoted(look.utterance)
    yield from typed(look, "#password", word)
    yield from typed(look, "#verify", word)
    yield from pressed(look, "#subbtn")


@plays("login-user")
def _login(look: Look) -> Iterator[Action]:
    user, password = _parts(r'username "(.*)" and the password "(.*)" into', look.utterance)
    yield from typed(look, "#username", user)
    yield from typed(look, "#password", password)
    yield from pressed(look, "#subbtn")


@plays("enter-date")
def _date(look: Look) -> Iterator[Action]:
    month, day, year = _parts(r"(\d\d)/(\d\d)/(\d{4})", look.utterance)
    yield from typed(look, "#tt", f"{year}-{month}-{day}")
    yield from pressed(look, "#subbtn")


@plays("enter-time")
def _time(look: Look) -> Iterator[Action]:
    hour, minute, half = _parts(r"(\d+):(\d\d)\s*([AP]M)", look.utterance)
    yield from typed(look, "#tt", f"{int(hour) % 12 + (12 if half == 'PM' else 0):02d}:{minute}")
    yield from pressed(look, "#subbtn")


@plays("simple-arithmetic")
def _sum(look: Look) -> Iterator[Action]:
    one, sign, two = _parts(r"(\d+) ([-+x]) (\d+)", look.all("#math-problem")[0].text)
    answer = {"+": int(one) + int(two), "-": int(one) - int(two), "x": int(one) * int(two)}[sign]
    yield from typed(look, "#math-answer", str(answer))
    yield from pressed(look, "#subbtn")


@plays("simple-algebra")
def _solve(look: Look) -> Iterator[Action]:
    one, sign, two, total = _parts(r"(\w+) ([-+]) (\w+) = (-?\d+)", look.all("#math-problem")[0].text)
    if sign == "+":
        answer = int(total) - int(two if one == "x" else one)
    else:
        answer = int(total) + int(two) if one == "x" else int(one) - int(total)
    yield from typed(look, "#math-answer", str(answer))
    yield from pressed(look, "#subbtn")


@plays("visual-addition")
def _blocks(look: Look) -> Iterator[Action]:
    yield from typed(look, "#math-answer", str(len(look.all("#math-problem .addition-block"))))
    yield from pressed(look, "#subbtn")


@plays("find-word")
def _word(look: Look) -> Iterator[Action]:
    (number,) = _parts(r"the (\d+)(?:st|nd|rd|th) word", look.utterance)
    words = look.all("#area p")[0].text.split()
    yield from typed(look, "#answer-input", re.sub(r"[^a-zA-Z]", "", words[int(number) - 1]))
    yield from pressed(look, "#subbtn")


@plays("guess-number")
def _guess(look: Look) -> Iterator[Action]:
    low, high = 0, 9
    for _ in range(5):
        told = " ".join(box.text for box in look.shown("#feedback div"))
        if found := re.search(r"(lower|higher) than (\d)", told):
            low, high = (low, int(found.group(2)) - 1) if found.group(1) == "lower" else (int(found.group(2)) + 1, high)
        field = look.all("#tt")[0]
        beside_the_arrows = field.left + 6, field.centre[1]
        yield clicked(beside_the_arrows, count=3 if field.value else 1)
        yield TypeText(text=str((low + high) // 2))
        yield from pressed(look, "#subbtn")


@plays("use-autocomplete-nodelay", "use-autocomplete")
def _complete(look: Look) -> Iterator[Action]:
    found = re.search(r'starts with "(.*?)"(?: and ends with "(.*)")?\.$', look.utterance)
    if not found:
        raise Stuck("nothing to complete")
    begin, end = found.group(1), found.group(2) or ""
    yield from pressed(look, "#tags")
    yield TypeText(text=begin)
    for _ in range(12):
        items = look.all(".ui-menu-item")
        fit = [box for box in items if box.text.startswith(begin) and box.text.endswith(end)]
        shown = [box for box in fit if box.spot]
        if shown and shown[0].spot:
            yield clicked(shown[0].spot)
            break
        yield Scroll(at=AREA.rect.centre, dy=160)
    yield from pressed(look, "#subbtn")
