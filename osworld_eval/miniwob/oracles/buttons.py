"""One press or a few: buttons, links, tabs, widgets, dialogs, fields."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action
from osworld_eval.miniwob.oracle import Stuck, clicked, plays, pressed, typed
from osworld_eval.miniwob.page import Look

_ORDINAL = {"1st": 0, "2nd": 1, "3rd": 2}


def quoted(said: str) -> str:
    """What stands between the first and the last double quote. Raises `Stuck`."""
    found = re.search(r'"(.*)"', said)
    if not found:
        raise Stuck(f"nothing is quoted in `{said}`")
    return found.group(1)


@plays("click-test")
def _only_button(look: Look) -> Iterator[Action]:
    yield from pressed(look, "#subbtn")


@plays("click-test-2", "click-test-transfer")
def _named_of_two(look: Look) -> Iterator[Action]:
    found = re.search(r"button (ONE|TWO)", look.utterance)
    yield from pressed(look, "#area button", found and found.group(1))


@plays("click-button-sequence")
def _one_then_two(look: Look) -> Iterator[Action]:
    yield from pressed(look, "#area button", "ONE")
    yield from pressed(look, "#area button", "TWO")


@plays("click-button", "unicode-test")
def _named_button(look: Look) -> Iterator[Action]:
    yield from pressed(look, "#area button", quoted(look.utterance))


@plays("click-link")
def _named_link(look: Look) -> Iterator[Action]:
    yield from pressed(look, ".alink", quoted(look.utterance))


@plays("click-tab")
def _named_tab(look: Look) -> Iterator[Action]:
    found = re.search(r"Tab #\d", look.utterance)
    yield from pressed(look, "#area ul a", found and found.group())


@plays("click-widget")
def _any_widget(look: Look) -> Iterator[Action]:
    yield from pressed(look, f"#area [data-type={quoted(look.utterance)}]")


@plays("click-dialog")
def _close_dialog(look: Look) -> Iterator[Action]:
    yield from pressed(look, ".ui-dialog-titlebar button")


@plays("click-dialog-2")
def _dialog_button(look: Look) -> Iterator[Action]:
    name = quoted(look.utterance)
    if name == "x":
        yield from pressed(look, ".ui-dialog-titlebar button")
    else:
        yield from pressed(look, ".ui-dialog-buttonset button", name)


@plays("focus-text")
def _focus(look: Look) -> Iterator[Action]:
    yield from pressed(look, "#area input")


@plays("focus-text-2")
def _focus_numbered(look: Look) -> Iterator[Action]:
    found = re.search(r"1st|2nd|3rd", look.utterance)
    if not found:
        raise Stuck("no ordinal")
    yield from pressed(look, f"#tt{_ORDINAL[found.group()] + 1}")


@plays("ascending-numbers")
def _in_order(look: Look) -> Iterator[Action]:
    numbers = sorted(look.shown("svg text"), key=lambda box: int(box.text))
    for box in numbers:
        yield clicked(box.centre)


@plays("find-greatest")
def _greatest(look: Look) -> Iterator[Action]:
    values: list[int] = []
    for number in range(3):
        yield clicked(look.all("#cardholder .card")[number].centre)
        values.append(int(look.all("#cardholder .card")[number].text))
    yield clicked(look.all("#cardholder .card")[values.index(max(values))].centre)
    yield from pressed(look, "#submit")


@plays("generate-number")
def _generate(look: Look) -> Iterator[Action]:
    said = look.utterance
    bound = re.search(r"(less|greater) than (\d+)", said)
    for _ in range(25):
        shown = look.all("#display-number")[0].text
        if shown.isdigit():
            value = int(shown)
            if bound:
                good = value < int(bound.group(2)) if bound.group(1) == "less" else value > int(bound.group(2))
            else:
                good = value % 2 == (1 if "odd" in said else 0)
            if good:
                break
        yield from pressed(look, "#generate")
    yield from pressed(look, "#submit")


@plays("sign-agreement")
def _agreement(look: Look) -> Iterator[Action]:
    from actuators.action import Scroll
    from osworld_eval.miniwob.page import pixel

    if look.utterance.startswith("Click the cancel"):
        for _ in range(12):
            if "disabled" not in look.all("#cancel")[0].attrs:
                break
            yield Scroll(at=pixel(*look.all("#text-area")[0].centre), dy=600)
        yield from pressed(look, "#cancel")
        return
    name = re.search(r'name "(.*?)"', look.utterance)
    for _ in range(12):
        if "disabled" not in look.all("#name")[0].attrs:
            break
        yield Scroll(at=pixel(*look.all("#text-area")[0].centre), dy=600)
    yield from typed(look, "#name", name.group(1) if name else "")
    yield from pressed(look, "#agree" if "Agree" in look.utterance else "#cancel")
