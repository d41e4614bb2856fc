"""The words of AT-SPI and what this package calls them. Numbers from at-spi2-core's `atspi-constants.h`."""

from __future__ import annotations

__all__ = ["MOST_TEXT", "OPERABLE", "Role", "State", "role_of"]

MOST_TEXT = 20_000
"""Characters of one field that are read."""


class Role:
    """Numbers of the roles that are treated in some way of their own."""

    CANVAS = 6
    CHECK_BOX = 7
    COMBO_BOX = 11
    DRAWING_AREA = 18
    FRAME = 23
    LABEL = 29
    LAYERED_PANE = 30
    LIST = 31
    PASSWORD_TEXT = 40
    PROGRESS_BAR = 42
    SCROLL_BAR = 48
    SCROLL_PANE = 49
    SLIDER = 51
    SPIN_BUTTON = 52
    TABLE = 55
    TERMINAL = 60
    TEXT = 61
    TOGGLE_BUTTON = 62
    TREE_TABLE = 66
    VIEWPORT = 68
    PARAGRAPH = 73
    APPLICATION = 75
    ENTRY = 79


class State:
    """Places of bits in a set of states."""

    ACTIVE = 1
    CHECKED = 4
    DEFUNCT = 6
    EDITABLE = 7
    ENABLED = 8
    EXPANDABLE = 9
    EXPANDED = 10
    FOCUSED = 12
    MULTI_LINE = 17
    PRESSED = 20
    SELECTABLE = 22
    SELECTED = 23
    SENSITIVE = 24
    SHOWING = 25
    VISIBLE = 30
    MANAGES_DESCENDANTS = 31
    CHECKABLE = 41

    @staticmethod
    def bit(name: str) -> int | None:
        """The place of a state that an event names, `multi-line`; None for one that nobody asks for."""
        return _PLACES.get(name)


_PLACES = {name.lower().replace("_", "-"): bit for name, bit in vars(State).items() if isinstance(bit, int)}

_ROLES = {
    2: "alert", 4: "arrow", 5: "calendar", 6: "canvas", 7: "checkbox", 8: "menuitemcheckbox", 10: "columnheader",
    11: "combobox", 13: "image", 16: "dialog", 18: "canvas", 19: "dialog", 23: "window", 26: "option", 27: "image",
    29: "text", 31: "listbox", 32: "option", 33: "menuitem", 34: "menubar", 35: "menuitem", 37: "tab",
    38: "tablist", 40: "textbox", 41: "menu", 42: "progressbar", 43: "button", 44: "radio", 45: "menuitemradio",
    47: "rowheader", 48: "scrollbar", 51: "slider", 52: "spinbutton", 54: "status", 55: "table", 56: "cell",
    57: "columnheader", 58: "rowheader", 60: "textbox", 61: "textbox", 62: "button", 64: "tooltip", 65: "tree",
    66: "table", 69: "window", 73: "text", 79: "textbox", 81: "text", 83: "heading", 85: "text", 88: "link",
    90: "row", 91: "treeitem", 95: "document", 98: "listbox", 101: "alert", 103: "text", 116: "text",
}  # fmt: skip
"""ARIA names; what is not in it only groups other things."""

OPERABLE = frozenset(
    {
        *("button", "checkbox", "combobox", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "radio"),
        *("slider", "spinbutton", "tab", "textbox", "link", "cell", "treeitem", "columnheader", "canvas", "searchbox"),
    }
)


def role_of(role: int, states: int) -> str:
    """The ARIA name of a role; empty for what only groups other things."""
    name = _ROLES.get(role, "")
    if name == "textbox" and role == Role.TEXT and not states >> State.EDITABLE & 1:
        return "text"
    return name
