"""What stands on a screen: views in a tree, fields that hold text, and the page on which an app lays them out.

Boxes are (left, top, right, bottom) in display pixels, right and bottom outside. Lengths given to a page are dp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as made
from xml.sax.saxutils import quoteattr

Box = tuple[int, int, int, int]
Tap = Callable[[], None]


@dataclass(eq=False)
class Field:
    """Text that can be edited, with a cursor and perhaps a selection."""

    text: str = ""
    cursor: int = 0
    selected: tuple[int, int] | None = None
    lines: bool = False
    password: bool = False
    action: str = "done"
    """What Enter does where there is one line: `done`, `send`, `search`, `next`."""
    on_action: Tap | None = None
    limit: int | None = None

    def insert(self, text: str) -> None:
        if not self.lines:
            text = text.replace("\n", "")
        start, end = self.selected or (self.cursor, self.cursor)
        if self.limit is not None:
            text = text[: max(0, self.limit - len(self.text) + end - start)]
        self.text = self.text[:start] + text + self.text[end:]
        self.cursor, self.selected = start + len(text), None

    def erase(self, forward: bool = False) -> None:
        if self.selected is None:
            start = self.cursor if forward else max(0, self.cursor - 1)
            self.selected = (start, min(len(self.text), start + 1)) if forward or self.cursor else None
        if self.selected is not None:
            start, end = self.selected
            self.text = self.text[:start] + self.text[end:]
            self.cursor, self.selected = start, None

    def move(self, to: int) -> None:
        self.cursor, self.selected = max(0, min(len(self.text), to)), None

    def select_all(self) -> None:
        self.selected = (0, len(self.text)) if self.text else None
        self.cursor = len(self.text)


@dataclass(eq=False)
class View:
    """One view. `look` names how it is drawn."""

    cls: str
    box: Box
    text: str = ""
    desc: str = ""
    rid: str = ""
    look: str = ""
    on_tap: Tap | None = None
    on_long: Tap | None = None
    on_drop: Callable[[View | None], None] | None = None
    checked: bool | None = None
    enabled: bool = True
    selected: bool = False
    scrollable: bool = False
    field: Field | None = None
    hint: str = ""
    colour: str = ""
    focused: bool = False
    children: list[View] = made(default_factory=list)

    @property
    def clickable(self) -> bool:
        return self.on_tap is not None or self.field is not None

    def moved(self, dx: int, dy: int) -> View:
        left, top, right, bottom = self.box
        self.box = (left + dx, top + dy, right + dx, bottom + dy)
        for child in self.children:
            child.moved(dx, dy)
        return self

    def all(self) -> Iterator[View]:
        yield self
        for child in self.children:
            yield from child.all()

    def shown_text(self) -> str:
        """What the accessibility service is told: dots for a password, the hint where nothing is typed."""
        if self.field is None:
            return self.text
        return "•" * len(self.field.text) if self.field.password else self.field.text or self.hint


def clipped(box: Box, to: Box) -> Box:
    left, top = max(box[0], to[0]), max(box[1], to[1])
    return left, top, max(left, min(box[2], to[2])), max(top, min(box[3], to[3]))


def holds(box: Box, x: float, y: float) -> bool:
    return box[0] <= x < box[2] and box[1] <= y < box[3]


def dumped(root: View, package: str, rotation: int, clip: Box, hints: bool = True) -> str:
    """The window as `uiautomator dump` writes it; `hints` as from Android 14 on, which tells them apart from text."""
    out = [f"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?><hierarchy rotation=\"{rotation}\">"]
    _write(out, root, package, 0, clip, hints)
    return "".join(out) + "</hierarchy>"


def _write(out: list[str], view: View, package: str, index: int, clip: Box, hints: bool) -> None:
    box = clipped(view.box, clip)
    if box[2] <= box[0] or box[3] <= box[1]:
        return
    told = {
        "index": str(index),
        "text": view.shown_text(),
        "resource-id": f"{package}:id/{view.rid}" if view.rid else "",
        "class": view.cls,
        "package": package,
        "content-desc": view.desc,
        "checkable": view.checked is not None,
        "checked": bool(view.checked),
        "clickable": view.clickable,
        "enabled": view.enabled,
        "focusable": view.clickable,
        "focused": view.focused,
        "scrollable": view.scrollable,
        "long-clickable": view.on_long is not None or view.field is not None,
        "password": bool(view.field and view.field.password),
        "selected": view.selected,
        "bounds": f"[{box[0]},{box[1]}][{box[2]},{box[3]}]",
    }
    if hints:
        told |= {"drawing-order": str(index), "hint": view.hint, "display-id": "0"}
    attributes = " ".join(f"{name}={_attribute(value)}" for name, value in told.items())
    out.append(f"<node {attributes}>")
    for number, child in enumerate(view.children):
        _write(out, child, package, number, box if view.scrollable else clip, hints)
    out.append("</node>")


def _attribute(value: str | bool) -> str:
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    kept = "".join(char if char >= " " or char in "\n\t" else "." for char in value)
    return quoteattr(kept, {"\n": "&#10;", "\t": "&#9;"})


class Page:
    """Lays a screen out from top to bottom. `content` scrolls; `bar` and `dock` stay."""

    def __init__(self, width: int, dp: Callable[[float], int], field: Callable[[str], Field]) -> None:
        self.width = width
        self.dp = dp
        self._field = field
        self.y = 0
        self.content: list[View] = []
        self.bar: list[View] = []
        self.dock: list[View] = []
        self.bar_height = 0
        self.dock_height = 0

    def title(self, text: str, up: Tap | None = None, actions: tuple[tuple[str, Tap], ...] = ()) -> None:
        dp, left = self.dp, self.dp(16)
        self.bar_height = dp(56)
        if up is not None:
            self.bar.append(
                View("android.widget.ImageButton", (0, 0, dp(56), dp(56)), desc="Navigate up", look="up", on_tap=up)
            )
            left = dp(64)
        right = self.width - dp(8)
        for name, on in reversed(actions):
            wide = dp(24 + 9 * len(name))
            self.bar.append(
                View("android.widget.Button", (right - wide, dp(8), right, dp(48)), text=name, look="flat", on_tap=on)
            )
            right -= wide
        self.bar.append(
            View("android.widget.TextView", (left, dp(12), right, dp(44)), text=text, look="title", rid="title")
        )

    def text(self, text: str, rid: str = "", look: str = "body", height: float = 28) -> View:
        box = (self.dp(16), self.y, self.width - self.dp(16), self.y + self.dp(height))
        return self._add(View("android.widget.TextView", box, text=text, rid=rid, look=look))

    def row(
        self,
        title: str,
        more: str = "",
        on: Tap | None = None,
        checked: bool | None = None,
        rid: str = "",
        right: str = "",
        on_long: Tap | None = None,
    ) -> View:
        """A line of a list: one thing to press, whatever stands in it."""
        dp, top = self.dp, self.y
        tall = dp(64 if more else 52)
        row = View(
            "android.widget.LinearLayout",
            (0, top, self.width, top + tall),
            look="row",
            on_tap=on,
            on_long=on_long,
            rid=rid,
        )
        end = self.width - dp(16 + (64 if checked is not None else 9 * len(right) + 8 if right else 0))
        row.children.append(
            View(
                "android.widget.TextView",
                (dp(16), top + dp(8), end, top + dp(32)),
                text=title,
                look="row_title",
                rid="row_title",
            )
        )
        if more:
            row.children.append(
                View(
                    "android.widget.TextView",
                    (dp(16), top + dp(34), end, top + dp(56)),
                    text=more,
                    look="summary",
                    rid="summary",
                )
            )
        if right:
            row.children.append(
                View(
                    "android.widget.TextView",
                    (end, top + dp(14), self.width - dp(12), top + dp(38)),
                    text=right,
                    look="summary",
                )
            )
        if checked is not None:
            box = (self.width - dp(68), top + dp(14), self.width - dp(16), top + dp(42))
            row.children.append(View("android.widget.Switch", box, look="switch", checked=checked, rid="switch_widget"))
        return self._add(row)

    def field(
        self,
        rid: str,
        hint: str,
        lines: bool = False,
        password: bool = False,
        action: str = "done",
        on_action: Tap | None = None,
        limit: int | None = None,
    ) -> View:
        tall = self.dp(96 if lines else 48)
        box = (self.dp(16), self.y + self.dp(4), self.width - self.dp(16), self.y + self.dp(4) + tall)
        view = View("android.widget.EditText", box, rid=rid, hint=hint, look="field")
        self._fill(view, rid, lines, password, action, on_action, limit)
        return self._add(view, gap=8)

    def button(self, text: str, on: Tap, enabled: bool = True, rid: str = "", look: str = "button") -> View:
        wide = self.dp(40 + 9 * len(text))
        box = (
            self.dp(16),
            self.y + self.dp(6),
            min(self.width - self.dp(16), self.dp(16) + wide),
            self.y + self.dp(50),
        )
        return self._add(
            View("android.widget.Button", box, text=text, rid=rid, look=look, on_tap=on, enabled=enabled), gap=8
        )

    def check(self, text: str, on: Tap, checked: bool, rid: str = "") -> View:
        box = (self.dp(16), self.y, self.width - self.dp(16), self.y + self.dp(44))
        return self._add(
            View("android.widget.CheckBox", box, text=text, rid=rid, look="check", on_tap=on, checked=checked)
        )

    def composer(self, rid: str, hint: str, send: Tap) -> None:
        """A field with a button at the foot of the screen."""
        self.dock_height = self.dp(56)
        field = View(
            "android.widget.EditText",
            (self.dp(8), self.dp(4), self.width - self.dp(64), self.dp(52)),
            rid=rid,
            hint=hint,
            look="field",
        )
        self._fill(field, rid, False, False, "send", send, None)
        button = View(
            "android.widget.ImageButton",
            (self.width - self.dp(56), self.dp(4), self.width - self.dp(8), self.dp(52)),
            desc="Send",
            rid="send",
            look="send",
            on_tap=send,
            enabled=bool(field.field and field.field.text),
        )
        self.dock += [field, button]

    def floating(self, desc: str, on: Tap) -> None:
        """A round button at the lower right."""
        self.dock_height = self.dp(64)
        box = (self.width - self.dp(72), self.dp(4), self.width - self.dp(16), self.dp(60))
        self.dock.append(View("android.widget.ImageButton", box, desc=desc, look="plus", on_tap=on))

    def _fill(
        self, view: View, rid: str, lines: bool, password: bool, action: str, on_action: Tap | None, limit: int | None
    ) -> None:
        field = self._field(rid)
        field.lines, field.password, field.action, field.on_action, field.limit = (
            lines,
            password,
            action,
            on_action,
            limit,
        )
        view.field = field

    def _add(self, view: View, gap: float = 0) -> View:
        self.content.append(view)
        self.y = view.box[3] + self.dp(gap)
        return view
