"""A surface in memory: a form with fields, buttons and a list that scrolls. For tests and demonstrations of the loop.

It obeys the same contract as the real ones and checks what it receives. It touches no screen and starts nothing.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, assert_never

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
    pointed,
)
from actuators.base import SecretSource, Settled, no_secrets
from actuators.errors import SurfaceLost
from actuators.geometry import Point, Rect, Screen
from actuators.keys import browser_key
from actuators.observation import Form, Frame, Node, Observation, Surface, Target
from actuators.permit import Verifier
from actuators.permitted import Attempt, NotPossible, Permitted, points_of, seen_point

__all__ = ["FakeActuator", "Widget"]

ORIGIN = "http://fake.test"
_FIELDS = frozenset({"textbox", "searchbox"})


@dataclass(eq=False)
class Widget:
    """One thing on the fake page. `box` is in page pixels: the screen shows the page from `FakeActuator.top` on."""

    id: str
    role: str
    name: str
    box: Rect
    value: str = ""
    lines: bool = False
    """Whether a field takes several lines."""
    checked: bool | None = None
    password: bool = False
    submits: bool = False
    enabled: bool = True
    on_press: Callable[[FakeActuator, Widget], None] | None = None
    on_hover: Callable[[FakeActuator, Widget], None] | None = None
    on_drop: Callable[[FakeActuator, Widget, Widget | None], None] | None = None
    """Called with the widget that was dragged and the one it was dropped on."""


class FakeActuator(Permitted[Attempt]):
    """Implements `actuators.base.Actuator` on a list of widgets.

    Args:
        widgets: from back to front; the last one under a point is the one that is hit.
        size: width and height of the screen in pixels.
        action: where the form of the page would be sent.
    """

    def __init__(
        self,
        verifier: Verifier,
        widgets: Sequence[Widget],
        secrets: SecretSource = no_secrets,
        size: tuple[int, int] = (480, 360),
        action: str = f"{ORIGIN}/save",
    ) -> None:
        names = [one.id for one in widgets]
        if len(set(names)) != len(names):
            raise ValueError("widget ids must be unique")
        self.widgets = list(widgets)
        self.acts: list[Action] = []
        """What was really done, in order."""
        self.pointer: Point | None = None
        self.focus: Widget | None = None
        self.top = 0
        """The page's row at the top of the screen."""
        super().__init__(verifier, secrets)
        self._screen = Screen(*size)
        self._action = action
        self._notices: list[str] = []
        self._known: tuple[tuple[str, bool | None], ...] = ()
        self._changes = 0
        self._seq = 0
        self._lost = ""
        self._breaks = False

    @property
    def surface(self) -> Surface:
        return "fake"

    def named(self, name: str) -> Widget:
        """The widget of that name. KeyError when there is none."""
        for widget in self.widgets:
            if widget.name == name:
                return widget
        raise KeyError(name)

    def notice(self, text: str) -> None:
        """Tell something at the next look."""
        self._notices.append(text)

    def die(self, during_act: bool = False) -> None:
        """Break: at once, or in the middle of the next act."""
        if during_act:
            self._breaks = True
        else:
            self._lost = "the fake surface was told to die"

    def observe(self) -> Observation:
        """See `Actuator.observe`."""
        self._alive()
        self._seq += 1
        told, self._notices = tuple(self._notices), []
        more: list[Literal["above", "below"]] = []
        if self.top > 0:
            more.append("above")
        if self.top < self._bottom():
            more.append("below")
        return Observation(
            seq=self._seq - 1,
            taken_at=time.time(),
            surface="fake",
            screen=self._screen,
            frame=Frame(self._draw()),
            nodes=tuple(self._node(one) for one in self.widgets if self._seen(one).area),
            origin=ORIGIN,
            url=f"{ORIGIN}/",
            title="Fake",
            more=tuple(more),
            notices=told,
        )

    def target(self, action: Action, seen: Observation) -> Target:
        """See `Actuator.target`. Raises `SurfaceError` for a point outside the screen."""
        self._alive()
        seen_point(action, seen)
        return self._target(action)

    def settle(self, bound_s: float = 3.0) -> Settled:
        """See `Actuator.settle`: nothing moves here by itself."""
        self._alive()
        return Settled(True, 0.0)

    def close(self) -> None:
        """May be called twice; everything else raises `SurfaceLost` from then on."""
        self._lost = self._lost or "the fake surface was closed"

    # Acting

    def _attempt(self, action: Action) -> Attempt:
        self._alive()
        return Attempt(action)

    def _prepare(self, attempt: Attempt, judged: str) -> str:
        action = attempt.action
        if why := self._impossible(action):
            raise NotPossible(why)
        points = points_of(action, self._screen)
        if points and not isinstance(action, Hover):
            self._hover(points[0])
        target = self._target(action)
        if not isinstance(action, Wait | Zoom) and target.digest != judged:
            return "something else is there now"
        if isinstance(action, TypeText) and (self.focus is None or self.focus.role not in _FIELDS):
            raise NotPossible("nothing that takes text has the focus: click the field first")
        attempt.text = self._revealed(action, target)
        return ""

    def _act(self, attempt: Attempt) -> str:
        if self._breaks:
            self._lost = "the fake surface broke in the middle of an act"
            raise SurfaceLost("it was told to")
        attempt.performed = self._do(attempt.action, attempt.text)
        self.acts.append(attempt.performed)
        return ""

    def _mark(self) -> int:
        return len(self._notices)

    def _since(self, mark: int) -> tuple[str, ...]:
        return tuple(self._notices[mark:])

    def _impossible(self, action: Action) -> str:
        """Why the fake cannot do this; empty when it can."""
        try:
            match action:
                case PressKeys(keys=keys) | Click(modifiers=keys):
                    for key in keys:
                        browser_key(key)
                case OpenUrl() | LaunchApp() | Swipe() | SystemButton():
                    return f"the fake surface has no {action.kind}"
        except ValueError as problem:
            return str(problem)
        return ""

    def _do(self, action: Action, text: str) -> Action:
        match action:
            case Click(at=at) | LongPress(at=at):
                self._press(self._at(at))
            case Drag(start=start, end=end):
                dragged = self._at(start)
                self._hover(end)
                if dragged is not None and dragged.on_drop is not None:
                    dragged.on_drop(self, dragged, self._at(end))
            case Scroll(dy=dy):
                self.top = max(0, min(self._bottom(), self.top + dy))
            case TypeText(text=asked):
                assert self.focus is not None
                typed = text if self.focus.lines else " ".join(text.strip("\n").split("\n"))
                self.focus.value += typed
                return action if text != asked else TypeText(text=typed)
            case PressKeys(keys=keys):
                self._keys(keys)
            case Hover(at=at):
                self._hover(at)
            case Wait() | Zoom():
                pass
            case OpenUrl() | LaunchApp() | Swipe() | SystemButton():
                raise AssertionError("refused by _impossible")
            case _:
                assert_never(action)
        return action

    def _press(self, widget: Widget | None) -> None:
        self.focus = widget if widget and widget.role in _FIELDS else None
        if widget is None or not widget.enabled:
            return
        if widget.checked is not None:
            widget.checked = not widget.checked
        if widget.on_press is not None:
            widget.on_press(self, widget)

    def _keys(self, keys: tuple[str, ...]) -> None:
        if self.focus is None:
            return
        match keys:
            case ("backspace",):
                self.focus.value = self.focus.value[:-1]
            case ("ctrl", "a"):
                self.focus.value = ""  # what is selected is replaced by what is typed next
            case ("enter",) if self.focus.lines:
                self.focus.value += "\n"
            case ("enter",):
                button = next((one for one in self.widgets if one.submits), None)
                if button is not None and button.on_press is not None:
                    button.on_press(self, button)

    def _hover(self, point: Point) -> None:
        self.pointer = point
        widget = self._at(point)
        if widget is not None and widget.on_hover is not None:
            widget.on_hover(self, widget)

    # Looking

    def _alive(self) -> None:
        if self._lost:
            raise SurfaceLost(self._lost)

    def _bottom(self) -> int:
        """How far the page can be scrolled."""
        return max(0, max((one.box.bottom for one in self.widgets), default=0) - self._screen.height)

    def _with_drop(self, action: Action, target: Target) -> Target:
        """The same target with what lies where a drag would let go."""
        there = self._at(action.end) if isinstance(action, Drag) else None
        return target if there is None else replace(target, drop=self._node(there))

    def _seen(self, widget: Widget) -> Rect:
        box = widget.box
        return Rect(box.left, box.top - self.top, box.right, box.bottom - self.top).intersect(self._screen.rect)

    def _at(self, point: Point) -> Widget | None:
        return next((one for one in reversed(self.widgets) if self._seen(one).contains(point)), None)

    def _target(self, action: Action) -> Target:
        point = pointed(action)
        match action:
            case TypeText() | PressKeys():
                widget = self.focus
            case OpenUrl(url=url):
                return Target("fake", None, None, ORIGIN, f"{ORIGIN}/", destination=url)
            case _:
                widget = self._at(point) if point is not None else None
        node = self._node(widget) if widget else None
        region, digest = None, ""
        if point is not None and node is None:
            region = Rect(point.x - 8, point.y - 8, point.x + 8, point.y + 8).intersect(self._screen.rect)
            digest = hashlib.sha256(b"background").hexdigest()
        enters = isinstance(action, PressKeys) and "enter" in action.keys and widget is not None and not widget.lines
        leads = node is not None and ((isinstance(action, Click) and node.submits) or enters)
        target = Target(
            "fake",
            node,
            point,
            ORIGIN,
            f"{ORIGIN}/",
            region=region,
            region_digest=digest,
            destination=self._action if leads else "",
            secret_field=node is not None and node.password,
        )
        return self._with_drop(action, target)

    def _node(self, widget: Widget) -> Node:
        field = widget.role in _FIELDS
        text = " ".join(f"{one.name} {one.value}".strip() for one in self.widgets if not one.password)
        return Node(
            id=widget.id,
            role=widget.role,
            name=widget.name,
            rect=self._seen(widget),
            value="" if widget.password else widget.value,
            enabled=widget.enabled,
            focused=widget is self.focus,
            checked=widget.checked,
            password=widget.password,
            filled=bool(widget.value) if field else None,
            editable=field and widget.enabled,
            origin=ORIGIN,
            form=Form("POST", self._action, text[:2000], self._state()) if field or widget.submits else None,
            tag="textarea" if widget.lines else "input" if field else widget.role,
            submits=widget.submits,
        )

    def _state(self) -> str:
        """Counts up whenever any field is found changed, as `Form.state` asks."""
        now = tuple((one.value, one.checked) for one in self.widgets if one.role in _FIELDS or one.checked is not None)
        if now != self._known:
            self._known, self._changes = now, self._changes + 1
        return str(self._changes)

    def _draw(self) -> bytes:
        from PIL import Image, ImageDraw

        picture = Image.new("RGB", (self._screen.width, self._screen.height), "white")
        pen = ImageDraw.Draw(picture)
        for widget in self.widgets:
            box = self._seen(widget)
            if not box.area:
                continue
            colour = "#1a56b0" if widget is self.focus else "#555555"
            if widget.role not in ("text", "heading", "status"):
                pen.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), outline=colour)
            value = "*" * len(widget.value) if widget.password else widget.value
            mark = "" if widget.checked is None else "[x] " if widget.checked else "[ ] "
            shown = f"{mark}{widget.name} {value}".encode("ascii", "replace").decode()
            pen.text((box.left + 3, box.top + 3), shown, fill="black")
        out = io.BytesIO()
        picture.save(out, "PNG", compress_level=1)
        return out.getvalue()
