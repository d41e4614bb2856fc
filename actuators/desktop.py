"""An X desktop as a surface: pictures through shared memory, input through XTEST, nodes through AT-SPI.

Screen pixels are those of the whole desktop; nothing here ever reads a command line or starts a program but by the
names that the sandbox knows. What this does not protect against: a program that says something else of its widgets
than it does, programs without accessibility (their pixels are compared, and nothing is known of what they mean), and
whoever else sits at the same display.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, assert_never

from actuators import errors
from actuators.accessible import Accessible, Program, Thing
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
from actuators.base import ALLOW_REAL_DEVICES, SecretSource, Settled, no_secrets
from actuators.camera import Camera
from actuators.geometry import Desk, Monitor, Point, Rect, Screen
from actuators.halt import SLICE_S, Halt, Halted, go_on, never
from actuators.keyboard import Keyboard, keysym_of
from actuators.mouse import Mouse
from actuators.nodes import words
from actuators.observation import Frame, Node, Observation, Surface, Target
from actuators.permit import Verifier
from actuators.permitted import Attempt, NotPossible, Permitted, not_judged, points_of, seen_point
from actuators.receipt import ReceiptStatus
from actuators.stillness import Stillness
from actuators.typing_back import ReadBack
from actuators.widgets import Widgets
from actuators.windows import Window, Windows
from actuators.x11 import Server

__all__ = ["DesktopActuator", "Launcher", "OwnPrograms"]

_REGION_PX = 64
_OPENS_S = 15.0
"""A program that was started shows a window within this long, or is said to have none."""
_THERE = "its window is there"
_ANSWERS_S = 1.0
"""A program that takes longer than this to come round is looked at as it is."""


class Launcher(Protocol):
    """Whose programs can be started, and whose processes are whose."""

    def name_of(self, pid: int) -> str:
        """The application that a process of this machine belongs to; empty for an unknown one."""
        ...

    def start(self, name: str, arguments: Sequence[str] = ()) -> str:
        """Start an application; why not, or empty when it was started. Raises `KeyError` for one that may not be."""
        ...

    def news(self) -> tuple[str, ...]:
        """What has happened to applications since the last call, one line each."""
        ...

    def inner(self, pid: int) -> int:
        """The same process as the desktop's own message bus counts it."""
        ...


class OwnPrograms:
    """The user's own desktop: programs are known by the file they run, and none is started."""

    def name_of(self, pid: int) -> str:
        with suppress(OSError):
            return Path(f"/proc/{pid}/exe").readlink().name
        return ""

    def start(self, name: str, arguments: Sequence[str] = ()) -> str:
        raise KeyError(name)

    def news(self) -> tuple[str, ...]:
        return ()

    def inner(self, pid: int) -> int:
        return pid


class DesktopActuator(Permitted["_Attempt"]):
    """Implements `actuators.base.Actuator` on one X display.

    Args:
        verifier: checks permits.
        display: `:1`, or None for the one that the environment names: the user's own.
        authority: the file with its cookie; None for the user's own.
        bus: socket of its accessibility bus; None for a desktop without one.
        launcher: knows and starts programs.
        secrets: gives values for `<secret:NAME>` while typing.
        halt: the red stop; once it is set nothing more is sent, and waits end.
        announce: called with each place, in device pixels, before the pointer goes there; see `Mouse`.

    Raises:
        SurfaceUnavailable: the display cannot be reached, or is a real one and those are not allowed.
    """

    thing = "desktop"

    def __init__(
        self,
        verifier: Verifier,
        display: str | None = None,
        authority: Path | None = None,
        bus: Path | None = None,
        launcher: Launcher | None = None,
        secrets: SecretSource = no_secrets,
        halt: Halt = never,
        announce: Callable[[int, int], None] = lambda x, y: None,
    ) -> None:
        if display is None and not ALLOW_REAL_DEVICES:
            raise errors.SurfaceUnavailable("the desktop of whoever runs this is not touched here")
        super().__init__(verifier, secrets, halt)
        self._server = Server(display, authority)
        self._camera = Camera(self._server.name, authority)
        self._programs = Accessible(bus) if bus is not None else None
        self._launcher = launcher or OwnPrograms()
        self._windows = Windows(self._server, self._launcher.name_of)
        self._widgets = Widgets(self._programs, self._windows, self._server, self._launcher.inner)
        self._mouse = Mouse(self._server, announce)
        self._keyboard = Keyboard(self._server)
        self._still = Stillness(self._server, halt)
        self._seq = 0
        self._notices: list[str] = []
        self._closed = False

    @property
    def surface(self) -> Surface:
        return "desktop"

    @property
    def connection(self) -> Server:
        """The display that it acts on."""
        return self._server

    def open(self, name: str, arguments: Sequence[str] = ()) -> None:
        """Start the task's first application, before the run's first step; not an act of the agent.

        Raises:
            SurfaceUnavailable: it does not start, or shows no window.
        """
        try:
            said = self._launch(name, arguments)
        except NotPossible as problem:
            raise errors.SurfaceUnavailable(str(problem)) from None
        if said != _THERE:
            news = "; ".join(self._launcher.news())
            said = f"`{name}` was started and has shown no window"
            raise errors.SurfaceUnavailable(f"{said}: {news}" if news else said)
        self.settle()

    def observe(self) -> Observation:
        """See `Actuator.observe`. A picture on which nothing was drawn since the last is not taken again."""
        self._alive()
        self._server.heed()
        desk = self._desk()
        screen = desk.screen
        frame = Frame(self._camera.whole(screen.rect, self._server.drawn))
        nodes = self._widgets.nodes(screen)
        active = self._windows.active()
        self._seq += 1
        told, self._notices = (*self._notices, *self._launcher.news()), []
        return Observation(
            seq=self._seq - 1,
            taken_at=time.time(),
            surface="desktop",
            screen=screen,
            frame=frame,
            nodes=nodes,
            title=active.title if active else "",
            app=active.app if active else "",
            window=active.title if active else "",
            more=self._widgets.more(active),
            notices=told,
        )

    def target(self, action: Action, seen: Observation) -> Target:
        """See `Actuator.target`. Raises `SurfaceError` for a point outside the screen."""
        self._alive()
        self._server.heed()
        seen_point(action, seen)
        return self._target(action, seen.screen).target

    def settle(self, bound_s: float = 3.0) -> Settled:
        """See `Actuator.settle`: watches what is drawn, and whether the program in front comes round."""
        self._alive()
        return self._still.settle(bound_s, self._comes_round)

    def close(self) -> None:
        """Let go of the display, which somebody else owns."""
        if self._closed:
            return
        self._closed = True
        self._keyboard.close()
        self._camera.close()
        if self._programs is not None:
            self._programs.close()
        self._server.close()

    # Acting

    def _attempt(self, action: Action) -> _Attempt:
        self._alive()
        self._server.heed()
        return _Attempt(action)

    def _prepare(self, attempt: _Attempt, judged: str) -> str:
        """Pointer to the place, look again."""
        action = attempt.action
        _ready(action)
        screen = self._desk().screen
        if elsewhere := self._reach(action, screen):
            return elsewhere
        attempt.found = found = self._target(action, screen)
        if not isinstance(action, Wait | Zoom) and found.target.digest != judged:
            return not_judged(words(found.target.node))
        attempt.text = self._revealed(action, found.target)
        self._can_press(action, found)
        return ""

    def _over(self, attempt: _Attempt) -> None:
        self._still.act()

    def _mark(self) -> int:
        return len(self._notices)

    def _since(self, mark: int) -> tuple[str, ...]:
        return tuple(self._notices[mark:])

    def _broken_off(self, attempt: _Attempt, halted: Halted) -> tuple[ReceiptStatus, str]:
        match attempt.action:
            case Wait():
                return "done", str(halted)
            case TypeText(text=asked) if asked == attempt.text:
                return "done" if attempt.typed else "refused", f"{halted} while it typed"
            case _:
                return super()._broken_off(attempt, halted)

    def _reach(self, action: Action, screen: Screen) -> str:
        """The pointer to the place, for everything that presses there; programs get to see it come.

        Says why where it did not stay there: nothing is to be pressed then. Raises `NotPossible`.
        """
        points = points_of(action, screen)
        monitors = self._server.monitors if points else ()
        for one in points:
            if monitors and not any(box.contains(one) for box in monitors):
                raise NotPossible(f"no monitor shows ({one.x}, {one.y}): the server would put the pointer elsewhere")
        if not points or isinstance(action, Hover):
            return ""
        point = points[0]
        moved = self._mouse.at != point
        self._mouse.move(point)
        if moved:
            self._round_of(self._windows.at(point))
        at = self._mouse.at
        return "" if at == point else f"the pointer is at ({at.x}, {at.y}): somebody or something has moved it"

    def _can_press(self, action: Action, found: _Found) -> None:
        if isinstance(action, TypeText | PressKeys) and self._keyboard.held:
            raise NotPossible("somebody holds Ctrl, Alt or Super down")
        if not isinstance(action, TypeText):
            return
        if found.window is None:
            raise NotPossible("no window has the focus: click one first")
        node = found.target.node
        if node is None and found.program is None:
            return  # a program without accessibility: that its window has the focus is all that can be known
        if node is None or not (node.editable or node.role in ("textbox", "searchbox", "spinbutton")):
            raise NotPossible("nothing that takes text has the focus: click the field first")

    def _act(self, attempt: _Attempt) -> str:
        match attempt.action:
            case Click(at=at, button=button, count=count, modifiers=modifiers):
                with self._keyboard.holding(modifiers):
                    self._mouse.click(at, button, count)
            case LongPress(seconds=seconds):
                self._mouse.long_press(seconds, self._halt)
            case Drag(start=start, end=end):
                self._mouse.drag(start, end, self._halt)
            case Scroll(dx=dx, dy=dy):
                self._mouse.wheel(dx, dy)
            case TypeText():
                return self._type(attempt)
            case PressKeys(keys=keys):
                with self._keyboard.holding(keys):
                    pass
            case SystemButton(button="enter"):
                with self._keyboard.holding(("enter",)):
                    pass
            case Wait(seconds=seconds):
                self._wait(seconds)
            case Hover(at=at):
                self._mouse.move(at)
            case LaunchApp(name=name):
                return self._launch(name)
            case Zoom():
                pass
            case OpenUrl() | Swipe() | SystemButton():
                raise NotPossible("unreachable: refused by _ready")
            case _:
                assert_never(attempt.action)
        return ""

    def _type(self, attempt: _Attempt) -> str:
        """Type, read the field back, and say what is really there."""
        asked, found, text = attempt.action, attempt.found, attempt.text
        assert isinstance(asked, TypeText)
        secret = text != asked.text
        kept, remark = _typable(text, found.target.node)
        back = ReadBack(kept, self._programs, found.program, found.thing, self._server, self._halt)
        attempt.typed = True
        self._keyboard.type(kept, back.until)
        arrived = back.arrived()
        if not secret:
            attempt.performed = TypeText(text=kept if arrived is None else arrived)
        if arrived is not None and arrived != kept and not (found.thing is not None and found.thing.password):
            remark = f"{'it' if secret else 'the field'} did not take the text as it was typed"
        return remark

    def _launch(self, name: str, arguments: Sequence[str] = ()) -> str:
        """Start an application and wait for its window."""
        before = {one.id for one in self._windows.all()}
        try:
            if why := self._launcher.start(name, arguments):
                raise NotPossible(f"`{name}` cannot be started: {why}")
        except KeyError:
            raise NotPossible(f"`{name[:60]}` is not among the applications that may be started") from None
        until = time.monotonic() + _OPENS_S
        while time.monotonic() < until:
            go_on(self._halt)
            if any(one.id not in before and one.app == name and not one.pops for one in self._windows.all()):
                return _THERE
            self._server.wait(SLICE_S)
        return "it was started and has shown no window yet"

    def _wait(self, seconds: float) -> None:
        """Until something comes and is still again, or time is up."""
        until = time.monotonic() + seconds
        drawn = self._server.drawn
        while (left := until - time.monotonic()) > 0:
            go_on(self._halt)
            if self._server.drawn != drawn and self._still.settle(min(left, 0.4), self._comes_round).still:
                return
            self._server.wait(min(left, SLICE_S))

    # Looking

    def _alive(self) -> None:
        if self._closed:
            raise errors.SurfaceLost("the desktop was left by this run")

    def _desk(self) -> Desk:
        """X lays all monitors on one root whose origin is its top-left corner; one unit is one pixel.

        A monitor left of the first one or above it moves the first one to the right and down. Pixels that no monitor
        shows are in the picture, black, and are not acted on: see `_reach`.
        """
        width, height = self._server.size
        return Desk((Monitor(0, 0, width, height),))

    def _target(self, action: Action, screen: Screen) -> _Found:
        """What an action would touch now."""
        match action:
            case LaunchApp(name=name):
                return _Found(Target("desktop", None, None, app=name))
            case Wait() | Zoom() | OpenUrl():
                return _Found(_of("desktop", self._windows.active(), None))
        point = pointed(action)
        if point is None:
            window = self._windows.focused()
            program, thing, node = self._widgets.focused(window, screen)
            target = replace(_of("desktop", window, None), node=node, secret_field=bool(node and node.password))
            return _Found(target, window, program, thing)
        found = self._under(point, screen)
        if isinstance(action, Drag) and screen.contains(action.end):
            there = self._under(action.end, screen).target
            return replace(found, target=replace(found.target, drop=there.node, drop_digest=there.region_digest))
        return found

    def _under(self, point: Point, screen: Screen) -> _Found:
        window = self._windows.at(point)
        program, thing, node = self._widgets.at(point, window, screen)
        target = replace(_of("desktop", window, point), node=node, secret_field=bool(node and node.password))
        if node is None or node.tag == "canvas":
            half = _REGION_PX // 2
            box = Rect(point.x - half, point.y - half, point.x + half, point.y + half).intersect(screen.rect)
            target = replace(target, region=box, region_digest=self._camera.digest(box))
        return _Found(target, window, program, thing)

    def _comes_round(self, bound_s: float) -> bool:
        """Whether the program in front answers; one without accessibility is taken at its pixels' word."""
        window = self._windows.active()
        if window is not None and not self._read_by(window, bound_s):
            return False
        program = self._widgets.program_of(window)
        return program is None or self._programs is None or self._programs.answers(program, bound_s)

    def _round_of(self, window: Window | None) -> None:
        """Give the program under the pointer the time to see it come: events it has by now are dealt with then."""
        program = self._widgets.program_of(window)
        if program is not None and self._programs is not None:
            if window is not None:
                self._read_by(window, _ANSWERS_S)
            self._programs.answers(program, _ANSWERS_S)
        self._server.heed()

    def _read_by(self, window: Window, bound_s: float) -> bool:
        from Xlib import error

        try:
            return self._server.read_by(window.id, bound_s)
        except error.XError:  # it has gone meanwhile
            return True


@dataclass(frozen=True, slots=True)
class _Found:
    """A target, and who is behind it."""

    target: Target
    window: Window | None = None
    program: Program | None = None
    thing: Thing | None = None


@dataclass(slots=True, kw_only=True)
class _Attempt(Attempt):
    found: _Found = field(default_factory=lambda: _Found(Target("desktop", None, None)))
    typed: bool = False


def _of(surface: Surface, window: Window | None, point: Point | None) -> Target:
    return Target(surface, None, point, app=window.app if window else "", window=window.title if window else "")


def _ready(action: Action) -> None:
    """Refuse what cannot be done before anything is touched. Raises `NotPossible`."""
    try:
        match action:
            case PressKeys(keys=keys) | Click(modifiers=keys):
                for key in keys:
                    keysym_of(key)
            case OpenUrl():
                raise NotPossible("a desktop opens no addresses: use a browser's own window")
            case Swipe():
                raise NotPossible("a desktop has no touch screen: drag, or turn the wheel")
            case SystemButton(button=button) if button != "enter":
                raise NotPossible(f"a desktop has no `{button}` button")
    except ValueError as problem:
        raise NotPossible(str(problem)) from None


def _typable(text: str, node: Node | None) -> tuple[str, str]:
    """What of a text is typed, and a remark where that is not all of it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(char for char in text if char in "\n\t" or (char >= " " and not "\x7f" <= char <= "\x9f"))
    remark = "" if kept == text else "control characters were left out"
    if node is not None and node.tag != "textview" and node.role != "textbox":
        return kept, remark
    if node is not None and node.tag == "entry" and any(char in kept for char in "\n\t"):
        kept = kept.strip("\n\t").replace("\n", " ").replace("\t", " ")
        remark = "line breaks were not typed as keys: the field takes one line, and Enter is a key of its own"
    return kept, remark
