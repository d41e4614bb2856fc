"""What a phone's own descriptions are made into: windows, locks, nodes."""

from __future__ import annotations

import pytest

from actuators.geometry import Digitizer, Point, Rect, Screen
from actuators.hierarchy import HierarchyUnreadable, hierarchy_of
from actuators.keycodes import keycodes
from actuators.phone import state_of

PANEL = Digitizer(Screen(1080, 2340), 1080, 2340)

ANDROID_11 = """
    Viewport INTERNAL: displayId=0, uniqueId=local:0, orientation=1, logicalFrame=[0, 0, 2340, 1080], deviceSize=[1080, 2340]
  FocusedApplications:
    displayId=0, name='AppWindowToken{ab ActivityRecord{cd u0 com.shop/.Main t3}}', dispatchingTimeout=5000.000ms
    Windows:
      0: name='7f1e2d3 Overlay', displayId=0, hasFocus=false, visible=true, flags=0x01000018, type=0x7f6, frame=[0,0][2340,1080], touchableRegion=[0,0][2340,1080], ownerPid=1, ownerUid=1000
      1: name='1a2b3c4 NavigationBar0', displayId=0, hasFocus=false, visible=true, flags=0x20840068, type=0x7e3, frame=[0,980][2340,1080], touchableRegion=[0,980][2340,1080], ownerPid=1, ownerUid=10100
      2: name='2a2b3c4 InputMethod', displayId=0, hasFocus=false, visible=false, flags=0x820108, frame=[0,0][2340,980], touchableRegion=[0,500][2340,980], ownerPid=1, ownerUid=10110
      3: name='9c8d7e6 PopupWindow:5d3f', displayId=0, hasFocus=false, visible=true, flags=0x40020200, frame=[100,100][400,300], touchableRegion=[100,100][400,300], ownerPid=9, ownerUid=10200
      4: name='c0ffee1 com.shop/com.shop.Main', displayId=0, hasFocus=true, visible=true, flags=0x81810120, frame=[0,0][2340,1080], touchableRegion=[0,0][2340,1080], ownerPid=9, ownerUid=10200
"""
ANDROID_13 = """
  mWakefulness=Awake
    showing=false
    Viewport INTERNAL: displayId=0, orientation=0, logicalFrame=[0, 0, 1080, 2340], deviceSize=[1080, 2340], isActive=[1]
  FocusedWindows:
    displayId=0, name='c0ffee1 com.shop/com.shop.Main'
    Windows:
      0: name='7f1e2d3 Phantom', id=1, displayId=0, inputConfig=NOT_VISIBLE | NOT_FOCUSABLE, frame=[0,0][1080,2340], touchableRegion=[0,0][1080,2340], ownerUid=1
      1: name='8f1e2d3 Glass', id=2, displayId=0, inputConfig=NOT_FOCUSABLE | NOT_TOUCHABLE, frame=[0,0][1080,2340], touchableRegion=[0,0][1080,2340], ownerUid=1
      2: name='9f1e2d3 Tapjacker', id=3, displayId=0, inputConfig=NOT_FOCUSABLE, frame=[0,0][1080,200], touchableRegion=[0,0][1080,200], ownerUid=10999
      3: name='c0ffee1 com.shop/com.shop.Main', id=4, displayId=0, inputConfig=0x0, frame=[0,0][1080,2340], touchableRegion=[0,0][1080,2340], ownerUid=10200
"""


def test_windows_of_android_11() -> None:
    state = state_of(ANDROID_11)
    assert (state.size, state.rotation, state.awake, state.locked) == ((2340, 1080), 1, True, False)
    assert [one.name for one in state.windows] == ["NavigationBar0", "PopupWindow:5d3f", "com.shop/com.shop.Main"]
    assert state.focused is not None and state.focused.app == "com.shop"
    menu = state.at(200, 200)
    assert menu is not None and (menu.name, menu.app) == ("PopupWindow:5d3f", "com.shop")


def test_windows_of_android_13_and_one_that_lies_over_the_app() -> None:
    state = state_of(ANDROID_13)
    over, app = state.at(500, 100), state.at(500, 1000)
    assert over is not None and (over.name, over.app) == ("Tapjacker", "")
    assert app is not None and app == state.focused


@pytest.mark.parametrize(
    ("text", "awake", "locked"),
    [("mWakefulness=Asleep", False, False), ("  showing=true\n  secure=true", True, True), ("", True, False)],
)
def test_sleep_and_lock(text: str, awake: bool, locked: bool) -> None:
    state = state_of(text)
    assert (state.awake, state.locked, state.windows) == (awake, locked, ())


def node(inner: str = "", **told: str) -> str:
    given = {"class": "android.view.View", "bounds": "[0,0][1080,200]", "enabled": "true", "text": "", **told}
    return (
        "<node " + " ".join(f'{key.replace("_", "-")}="{value}"' for key, value in given.items()) + f">{inner}</node>"
    )


def read(*nodes: str, hints: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    return hierarchy_of(f"<?xml version='1.0'?><hierarchy rotation='0'>{''.join(nodes)}</hierarchy>", PANEL, hints)


def test_a_row_is_one_thing_with_the_words_and_the_switch_in_it() -> None:
    inner = (
        node(text="Wi-Fi")
        + node(text="Home")
        + node(**{"class": "android.widget.Switch", "checkable": "true", "checked": "true"})
    )
    [row] = read(node(inner, clickable="true")).nodes
    assert (row.role, row.name, row.checked) == ("switch", "Wi-Fi, Home", True)


def test_what_is_pressed_by_itself_keeps_its_words() -> None:
    inner = node(text="Ada") + node(
        **{"class": "android.widget.Button", "text": "Call", "clickable": "true", "bounds": "[800,0][1080,200]"}
    )
    row, call = read(node(inner, clickable="true")).nodes
    assert (row.name, call.role, call.name) == ("Ada", "button", "Call")
    assert read(node(inner, clickable="true")).at(Point(900, 100)).name == "Call"


def test_fields_with_and_without_a_hint_of_their_own() -> None:
    field = {"class": "android.widget.EditText", "resource-id": "a:id/first_name"}
    empty = read(node(**field, text="First name", hint="First name")).nodes[0]
    full = read(node(**field, text="Ada  L", hint="First name")).nodes[0]
    assert (empty.name, empty.value, empty.filled) == ("First name", "", False)
    assert (full.name, full.value, full.filled) == ("First name", "Ada  L", True)
    hints: dict[str, str] = {}
    assert read(node(**field, text="First name"), hints=hints).nodes[0].value == ""
    older = read(node(**field, text="Ada"), hints=hints).nodes[0]
    assert (older.name, older.value) == ("First name", "Ada")


def test_a_password_tells_only_whether_something_is_in_it() -> None:
    field = read(node(**{"class": "android.widget.EditText", "password": "true", "text": "••••", "hint": "PIN"})).nodes[
        0
    ]
    assert (field.value, field.filled, field.password) == ("", True, True)


def test_emoji_in_halves_and_what_no_xml_may_hold() -> None:
    text = read(node(text="a&#55357;&#56832;b&#55357;c&#0;d\x01")).nodes[0].name
    assert text == "a😀b\ufffdc\ufffdd\ufffd"


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE h [<!ENTITY x SYSTEM "file:///etc/passwd">]><hierarchy><node text="&x;" bounds="[0,0][9,9]"/></hierarchy>',
        '<!DOCTYPE h [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><hierarchy><node text="&b;" bounds="[0,0][9,9]"/></hierarchy>',
        "ERROR: could not get idle state.",
        "<hierarchy><node></hierarchy>",
        "",
    ],
)
def test_what_is_no_hierarchy_is_refused(xml: str) -> None:
    with pytest.raises(HierarchyUnreadable):
        hierarchy_of(xml, PANEL)


def test_boxes_are_cut_at_the_screen_and_nothing_lies_outside() -> None:
    found = read(
        node(text="a", bounds="[-50,-50][100,100]"),
        node(text="b", bounds="[2000,0][2100,50]"),
        node(text="c", bounds="[5,5][5,9]"),
    )
    assert [(one.name, one.rect) for one in found.nodes] == [("a", Rect(0, 0, 100, 100))]


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("enter", ("KEYCODE_ENTER",)),
        ("backspace", ("KEYCODE_DEL",)),
        ("home", ("KEYCODE_MOVE_HOME",)),
        ("A", ("KEYCODE_SHIFT_LEFT", "KEYCODE_A")),
        ("7", ("KEYCODE_7",)),
        ("volume_up", ("KEYCODE_VOLUME_UP",)),
    ],
)
def test_keys_by_their_names(name: str, codes: tuple[str, ...]) -> None:
    assert keycodes(name) == codes


@pytest.mark.parametrize("name", ["warp", "", "ab", "é", "KEYCODE_POWER; reboot"])
def test_other_names_are_no_keys(name: str) -> None:
    with pytest.raises(ValueError, match="no key called"):
        keycodes(name)
