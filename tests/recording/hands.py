"""A person at a browser: real input events through the debugging protocol, one after the other, looked for by eye."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Hands", "booking", "playing"]

Doing = Iterator[None]


class Hands:
    """What hands do on a page: they know where things are, press, and type."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def at(self, thing: Any) -> tuple[float, float]:
        thing.scroll_into_view_if_needed()
        box = thing.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def press(self, thing: Any) -> None:
        self.page.mouse.click(*self.at(thing))

    def write(self, label: str, text: str) -> None:
        self.press(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(text)

    def choose(self, label: str, option: str) -> None:
        """In a list: by the keyboard, as one who knows what it is called."""
        self.page.get_by_label(label, exact=True).focus()
        self.page.keyboard.type(option)

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True).first


def booking(page: Any, to: str = "Lisbon", card: str = "4242424242424242", code: str = "737") -> Doing:
    """A flight on the demo airline, from the first page to the confirmation."""
    hands = Hands(page)
    if page.get_by_role("button", name="Accept all").is_visible():
        hands.press(hands.button("Accept all"))
        yield
    hands.write("From", "Zurich")
    yield
    hands.write("To", to)
    yield
    hands.press(page.get_by_label("Departure date"))
    yield
    while not page.get_by_text("December 2026", exact=True).is_visible():
        hands.press(hands.button("Next month"))
        yield
    hands.press(hands.button("14 December 2026"))
    yield
    hands.press(page.get_by_label("Direct flights only"))
    yield
    hands.press(hands.button("Search flights"))
    page.wait_for_url("**/results*")
    yield
    hands.choose("Sort by", "Price: l")
    page.wait_for_url("**sort=*")
    yield
    hands.press(hands.button("Select"))
    page.wait_for_url("**/seat*")
    yield
    hands.press(page.get_by_text("Skip seat selection"))
    page.wait_for_url("**/passenger*")
    yield
    hands.choose("Title", "Ms")
    yield
    for label, text in (
        ("First name", "Ada"),
        ("Last name", "Lovelace"),
        ("Email", "ada@example.org"),
        ("Date of birth", "10.12.1990"),
    ):
        hands.write(label, text)
        yield
    hands.press(hands.button("Continue to payment"))
    page.wait_for_url("**/payment*")
    yield
    for label, text in (
        ("Card number", card),
        ("Expiry date", "12/29"),
        ("Security code", code),
        ("Name on card", "Ada Lovelace"),
    ):
        hands.write(label, text)
        yield
    hands.press(page.get_by_label("I accept the terms"))
    yield
    hands.press(page.get_by_role("button", name="Pay"))
    page.wait_for_url("**/confirmation/*")
    yield


def playing(script: Callable[[Any], Doing], looks: int = 2) -> Callable[[Any], bool]:
    """A pulse that does one thing of a script now and then, and ends with it."""
    going: list[Doing] = []
    count = 0

    def pulse(page: Any) -> bool:
        nonlocal count
        if not going:
            going.append(script(page))
        count += 1
        if count % looks:
            return True
        return next(going[0], "over") is None

    return pulse
