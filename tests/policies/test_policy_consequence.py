from __future__ import annotations

from typing import Any

import pytest
from policy_cases import AIR, AT, CLICK, field, form, node, seen, target

from actuators.action import (
    Action,
    Click,
    Drag,
    Hover,
    LaunchApp,
    LongPress,
    OpenUrl,
    PressKeys,
    Scroll,
    Swipe,
    SystemButton,
    TypeText,
    Wait,
    Zoom,
)
from actuators.geometry import Point, Rect
from actuators.observation import Node, Target
from policies.consequence import KINDS, Consequence, Kind, consequence_of, judge, worst
from policies.scene import NOTHING


def found(action: Action, on: Node | None = None, *others: Node, **told: Any) -> Consequence:
    shown = (on, *others) if on is not None else others
    return consequence_of(action, target(on, **told), seen(*shown))


def submit(name: str, method: str = "POST", action: str = f"{AIR}/go", text: str = "") -> Node:
    return node("button", name, submits=True, form=form(action, method, text))


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (Wait(), "look"),
        (Zoom(region=Rect(0, 0, 5, 5)), "look"),
        (Hover(at=AT), "look"),
        (Scroll(at=AT, dy=100), "look"),
        (Click(at=AT), "unknown"),
        (Click(at=AT, button="right"), "move"),
        (LongPress(at=AT), "unknown"),
        (Drag(start=AT, end=Point(9, 9)), "unknown"),
        (Swipe(start=AT, end=Point(5, 300)), "move"),
        (Swipe(start=AT, end=Point(300, 5)), "unknown"),
        (TypeText(text="a"), "unknown"),
        (PressKeys(keys=("enter",)), "unknown"),
        (PressKeys(keys=("space",)), "unknown"),
        (PressKeys(keys=("a",)), "unknown"),
        (PressKeys(keys=("delete",)), "delete"),
        (PressKeys(keys=("page_down",)), "move"),
        (PressKeys(keys=("tab",)), "move"),
        (OpenUrl(url=AIR), "move"),
        (OpenUrl(url=f"{AIR}/account/delete?really=1"), "delete"),
        (LaunchApp(name="files"), "move"),
        (SystemButton(button="back"), "move"),
        (SystemButton(button="enter"), "unknown"),
    ],
)
def test_where_nothing_is_known_the_worst_is_assumed(action: Action, kind: Kind) -> None:
    assert found(action).kind == kind


@pytest.mark.parametrize(
    ("on", "kind"),
    [
        (field(), "edit"),
        (field(name="Order number"), "edit"),
        (node("checkbox", "Delete my data later"), "edit"),
        (node("radio", "Economy 89.00 EUR"), "edit"),
        (node("combobox", "Class"), "edit"),
        (node("tab", "Payments"), "edit"),
        (node("button", "14"), "edit"),
        (node("button", "Seat 12A, extra legroom, 15.00 EUR"), "edit"),
        (node("button", "Next month"), "move"),
        (node("button", "Close"), "move"),
        (node("button", "Save"), "submit"),
        (node("button", "OK"), "submit"),
        (node("button", ""), "unknown"),
        (node("image", "", tag="img"), "unknown"),
        (node("graphics", "Seat map", tag="canvas"), "unknown"),
        (node("document", "Shop", tag="iframe"), "unknown"),
        (node("generic", "", tag="body"), "move"),
        (node("generic", "Buy now", tag="div"), "buy"),
        (node("menuitem", "Delete"), "delete"),
        (node("switch", "Make public"), "send"),
        (node("link", "Help", href=f"{AIR}/help"), "move"),
        (node("link", "Order history", href=f"{AIR}/orders"), "move"),
        (node("link", "Unsubscribe", href=f"{AIR}/u"), "delete"),
        (node("link", "here", href=f"{AIR}/newsletter/unsubscribe?x=1"), "delete"),
        (node("link", "here", href=f"{AIR}/%64elete"), "delete"),
        (node("link", "here", href=f"{AIR}/logout"), "submit"),
        (node("link", "Buy tickets", href=f"{AIR}/tickets"), "buy"),
        (node("link", "Details", href="javascript:void(0)"), "edit"),
        (node("link", "Pay", href="javascript:void(0)"), "buy"),
    ],
)
def test_a_click_does_what_lies_under_it_does(on: Node, kind: Kind) -> None:
    assert found(CLICK, on).kind == kind
    assert found(LongPress(at=AT), on).kind == kind


@pytest.mark.parametrize(
    ("name", "method", "kind"),
    [
        ("Search flights", "GET", "move"),
        ("Apply filters", "GET", "move"),
        ("Sign in", "GET", "move"),
        ("", "GET", "move"),
        ("Buy now", "GET", "buy"),
        ("Continue", "POST", "submit"),
        ("Continue to payment", "POST", "submit"),
        ("Search", "POST", "submit"),
        ("Cancel", "DIALOG", "edit"),
        ("", "POST", "unknown"),
        ("Go", "", "submit"),
        ("Pay 89.00 EUR", "POST", "buy"),
        ("Place order", "POST", "buy"),
        ("Book now", "POST", "buy"),
        ("Checkout", "POST", "buy"),
        ("Subscribe", "POST", "buy"),
        ("Donate", "POST", "buy"),
        ("Transfer", "POST", "buy"),
        ("Order history", "POST", "buy"),
        ("Jetzt kaufen", "POST", "buy"),
        ("Zahlungspflichtig bestellen", "POST", "buy"),
        ("Kostenpflichtig buchen", "POST", "buy"),
        ("Acheter", "POST", "buy"),
        ("Réserver", "POST", "buy"),
        ("Pagar ahora", "POST", "buy"),
        ("Finalizar compra", "POST", "buy"),
        ("Acquista", "POST", "buy"),
        ("Рау", "POST", "buy"),
        ("Delete", "POST", "delete"),
        ("Cancel booking", "POST", "delete"),
        ("Close account", "POST", "delete"),
        ("Discard", "POST", "delete"),
        ("Löschen", "POST", "delete"),
        ("Supprimer", "POST", "delete"),
        ("Eliminar", "POST", "delete"),
        ("Rimuovi", "POST", "delete"),
        ("Excluir", "POST", "delete"),
        ("Send", "POST", "send"),
        ("Publish", "POST", "send"),
        ("Invite", "POST", "send"),
        ("Veröffentlichen", "POST", "send"),
        ("Publier", "POST", "send"),
        ("Compartir", "POST", "send"),
        ("Condividi", "POST", "send"),
        ("Show password", "POST", "reveal"),
        ("Export", "POST", "reveal"),
        ("Download keys", "POST", "reveal"),
        ("Passwort anzeigen", "POST", "reveal"),
        ("Pay and delete", "POST", "buy"),
    ],
)
def test_a_submit_button_is_as_bad_as_its_words_and_its_form(name: str, method: str, kind: Kind) -> None:
    assert found(CLICK, submit(name, method)).kind == kind


@pytest.mark.parametrize(
    ("on", "others", "kind"),
    [
        (submit("Continue", text="Card number Expiry Total 89.00 EUR"), [], "buy"),
        (submit("Continue", text="Card number Expiry"), [], "submit"),
        (submit("Continue", text="Insurance 19.00 EUR"), [], "submit"),
        (submit("Continue"), [field(form=form(), autocomplete="cc-number")], "buy"),
        (submit("Continue"), [field(form=form(), autocomplete="section-a billing cc-csc")], "buy"),
        (submit("Continue"), [field(form=form(f"{AIR}/other"), autocomplete="cc-number")], "submit"),
        (submit("OK", action=f"{AIR}/bookings/7/delete"), [], "delete"),
        (submit("OK", action=f"{AIR}/cart/buy"), [], "buy"),
        (submit("OK", action=f"{AIR}/booking/cancel"), [], "delete"),
    ],
)
def test_card_fields_and_addresses_count_as_much_as_words(on: Node, others: list[Node], kind: Kind) -> None:
    assert found(CLICK, on, *others).kind == kind


TYPED = TypeText(text="Ada")
LINE = TypeText(text="Ada\n")
ENTER = PressKeys(keys=("enter",))


@pytest.mark.parametrize(
    ("action", "on", "kind"),
    [
        (TYPED, field(), "edit"),
        (TYPED, node("combobox", "From"), "edit"),
        (TYPED, node("button", "Pay"), "unknown"),
        (TypeText(text="Ada\tLovelace"), field(), "unknown"),
        (LINE, field(), "submit"),
        (LINE, field(form=form(method="GET")), "edit"),
        (LINE, field(form=form()), "submit"),
        (LINE, field(tag="textarea", form=form()), "edit"),
        (LINE, field(tag="textarea"), "send"),
        (LINE, field(tag="div"), "send"),
        (ENTER, field(form=form(method="GET")), "move"),
        (ENTER, field(form=form()), "submit"),
        (ENTER, field(form=form(f"{AIR}/pay")), "buy"),
        (ENTER, field(tag="textarea", form=form()), "edit"),
        (PressKeys(keys=("ctrl", "enter")), field(tag="textarea", form=form()), "submit"),
        (ENTER, node("searchbox", "Search", editable=True, tag="input"), "move"),
        (ENTER, node("button", "Pay"), "buy"),
        (ENTER, node("link", "Help", href=AIR), "move"),
        (ENTER, node("generic", tag="body"), "move"),
        (SystemButton(button="enter"), field(form=form()), "submit"),
        (PressKeys(keys=("space",)), node("button", "Delete"), "delete"),
        (PressKeys(keys=("space",)), node("checkbox", "Direct"), "edit"),
        (PressKeys(keys=("space",)), field(), "edit"),
        (PressKeys(keys=("space",)), node("generic", tag="body"), "look"),
        (PressKeys(keys=("a",)), field(), "edit"),
        (PressKeys(keys=("a",)), node("generic", tag="body"), "unknown"),
        (PressKeys(keys=("#",)), node("list", "Mail"), "unknown"),
        (PressKeys(keys=("delete",)), field(), "edit"),
        (PressKeys(keys=("delete",)), node("list", "Files"), "delete"),
        (PressKeys(keys=("backspace",)), node("list", "Files"), "unknown"),
        (PressKeys(keys=("down",)), node("radio", "Economy"), "edit"),
        (PressKeys(keys=("down",)), node("generic", tag="body"), "move"),
        (PressKeys(keys=("shift", "tab")), field(), "move"),
        (PressKeys(keys=("ctrl", "a")), field(), "look"),
        (PressKeys(keys=("Control", "V")), field(), "edit"),
        (PressKeys(keys=("ctrl", "v")), node("list", "Files"), "unknown"),
        (PressKeys(keys=("ctrl", "w")), field(), "unknown"),
        (PressKeys(keys=("alt", "f4")), field(), "unknown"),
        (PressKeys(keys=("alt", "left")), field(), "move"),
        (PressKeys(keys=("f5",)), field(), "submit"),
        (PressKeys(keys=("ctrl", "shift", "delete")), node("list", "Files"), "delete"),
        (PressKeys(keys=("a", "b")), field(), "unknown"),
        (PressKeys(keys=("ctrl",)), field(), "look"),
        (Drag(start=AT, end=Point(50, 5)), node("slider", "Price"), "edit"),
        (Drag(start=AT, end=Point(50, 5)), node("listitem", "a.txt"), "unknown"),
        (Swipe(start=AT, end=Point(300, 5)), node("button", "Slide to pay"), "buy"),
        (Swipe(start=AT, end=Point(300, 5)), node("image", "Photo 1 of 3"), "edit"),
        (Scroll(at=AT, dy=5), node("spinbutton", "Passengers", focused=True), "edit"),
        (Scroll(at=AT, dy=5), node("spinbutton", "Passengers"), "look"),
    ],
)
def test_keys_do_what_the_focused_thing_makes_of_them(action: Action, on: Node, kind: Kind) -> None:
    assert found(action, on).kind == kind


def test_enter_presses_the_button_of_its_form() -> None:
    payment = form(f"{AIR}/done")
    button = node("button", "Pay 89.00 EUR", submits=True, form=payment, id="2")
    pressed = found(ENTER, field(form=payment), button)
    assert (pressed.kind, pressed.amount_minor, pressed.currency) == ("buy", 8900, "EUR")


def test_enter_with_two_priced_buttons_has_no_amount() -> None:
    payment = form(f"{AIR}/done")
    buttons = [node("button", f"Pay {n}.00 EUR", submits=True, form=payment, id=str(n)) for n in (89, 98)]
    pressed = found(ENTER, field(form=payment), *buttons)
    assert (pressed.kind, pressed.amount_minor) == ("buy", None)


@pytest.mark.parametrize(
    ("name", "text", "page", "amount", "stated"),
    [
        ("Pay 89.00 EUR", "", "", 8900, True),
        ("Pay 89.00 EUR", "", "Total: 89,00 EUR", 8900, True),
        ("Pay", "Total 1.234,56 €", "", 123456, False),
        ("Pay", "", "Total 1.234,56 €", 123456, False),
        ("Pay", "", "Price 89 EUR", None, False),
        ("Pay", "", "", None, False),
        ("Pay 89.00 EUR", "Total 98.00 EUR", "", None, False),
        ("Pay 89.00 EUR", "", "Total 98.00 EUR", None, False),
        ("Pay 89.00 EUR", "", "Total 489.00", None, False),
        ("Pay 89.00 EUR or 98.00 EUR", "", "", None, False),
        ("Pay 89.00 EUR", "", "Total CHF 89.00", None, False),
        ("Pay A$89", "", "", None, False),
        ("Pay 89", "", "", None, False),
        ("Pay", "", "Total 89 EUR\nTotal 98 EUR", None, False),
        ("Pay", "", "Total 89 EUR\nTotal 89.00 EUR", 8900, False),
    ],
)
def test_an_amount_is_known_only_when_all_that_name_one_agree(
    name: str, text: str, page: str, amount: int | None, stated: bool
) -> None:
    lines = [node("text", line, id=str(n)) for n, line in enumerate(page.splitlines())]
    paid = found(CLICK, submit(name, text=text), *lines)
    assert (paid.kind, paid.amount_minor, paid.amount_stated) == ("buy", amount, stated)


@pytest.mark.parametrize(
    ("on", "extra"),
    [
        (node("checkbox", "Add travel insurance (19.00 EUR)", checked=False), True),
        (node("checkbox", "Add travel insurance (19.00 EUR)", checked=True), False),
        (node("checkbox", "Add travel insurance (19.00 EUR)"), True),
        (node("checkbox", "Priority boarding 12 EUR", checked=False), True),
        (node("checkbox", "Free breakfast 0.00 EUR", checked=False), False),
        (node("checkbox", "Reiseversicherung", checked=False), True),
        (node("checkbox", "Lounge 100 kr", checked=False), True),
        (node("checkbox", "I accept the terms", checked=False), False),
        (node("radio", "No insurance", checked=False), False),
        (node("radio", "Insurance 9 EUR", checked=False), True),
        (node("radio", "Economy 89 EUR", checked=False), False),
        (node("button", "Seat 12A, extra legroom, 15.00 EUR", checked=False), True),
        (node("button", "Seat 12B", checked=False), False),
        (submit("Add voucher 200.00 EUR"), True),
        (submit("Select LX 2084 89.00 EUR"), False),
        (node("text", "Add travel insurance (19.00 EUR)", tag="label"), True),
    ],
)
def test_paid_extras_are_noticed_and_taking_one_off_is_none(on: Node, extra: bool) -> None:
    assert found(CLICK, on).paid_extra is extra


def test_kinds_are_ordered_from_harmless_to_unknown() -> None:
    assert KINDS[0] == "look" and KINDS[-1] == "unknown"
    assert worst(*map(Consequence, KINDS)).kind == "unknown"
    assert worst(Consequence("edit"), Consequence("delete"), Consequence("move")).kind == "delete"


def test_it_judges_the_target_and_not_the_point() -> None:
    bare = Target("browser", None, None)
    assert consequence_of(Click(at=Point(0, 0)), bare, seen(node("link", "Help", href=AIR))).kind == "unknown"


# ---------------------------------------------------------------- drags


def dragged(start: Node | None, drop: Node | None, surface: str = "browser") -> str:
    onto = target(start, surface=surface, drop=drop)
    return judge(Drag(start=AT, end=Point(50, 50)), onto, NOTHING).kind


@pytest.mark.parametrize(
    ("drop", "kind"),
    [
        (node("listitem", "Monday", id="2", origin=AIR), "submit"),
        (node("button", "Trash: delete for ever", id="2", origin=AIR), "delete"),
        (node("button", "Send", id="2", origin=AIR), "send"),
        (node("link", "Archive", id="2", origin=AIR, href=f"{AIR}/account/delete"), "delete"),
        (node("listitem", "", id="2", origin=AIR), "unknown"),
        (node("listitem", "Monday", id="2", origin="https://evil.example"), "unknown"),
        (node("iframe", "Monday", id="2", origin=AIR, tag="iframe"), "unknown"),
        (None, "unknown"),
    ],
)
def test_a_drag_does_what_the_place_does_where_it_lets_go(drop: Node | None, kind: str) -> None:
    assert dragged(node("listitem", "Meeting", origin=AIR), drop) == kind


def test_outside_a_browser_only_a_drag_inside_one_control_can_be_told() -> None:
    slider = node("slider", "Volume", origin=AIR)
    assert dragged(slider, slider, "desktop") == dragged(slider, None, "desktop") == "edit"
    assert dragged(slider, node("button", "Send", id="2", origin=AIR), "browser") == "send"
    assert dragged(node("listitem", "a"), node("listitem", "b", id="2"), "desktop") == "unknown"


def test_what_a_drag_is_dropped_on_is_part_of_what_was_judged() -> None:
    start = node("listitem", "Meeting")
    there = [node("button", "Monday", id="2"), node("button", "Trash", id="2"), node("button", "Monday", id="3"), None]
    digests = {target(start, drop=one).digest for one in there} | {target(start, drop_digest="0" * 64).digest}
    assert len(digests) == 5
