"""A phone or an emulator as a surface: pixels, nodes and touches through the adb server.

Screen pixels are the screenshot's pixels, as the phone is held. The screen is fetched raw: packing it as PNG on the
phone takes several times as long as the cable. Nodes are uiautomator's; what a touch would meet is asked of the input
dispatcher as well, because a window may lie over the one that uiautomator describes (keyboard, shade, an overlay).

What this does not protect against: an app that does something else than its words say; what lies under the finger
changing between the last look and the touch, some tens of milliseconds; a phone that lies.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar, assert_never

from actuators import base
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
from actuators.errors import SurfaceError, SurfaceLost, SurfaceTimeout, SurfaceUnavailable
from actuators.geometry import Digitizer, Point, Rect, Screen
from actuators.halt import Halt, Halted, go_on, never
from actuators.hierarchy import Hierarchy, HierarchyUnreadable, hierarchy_of
from actuators.observation import Frame, Node, Observation, Surface, Target
from actuators.permit import Verifier
from actuators.permitted import Attempt, NotPossible, Permitted, not_judged, points_of, seen_point
from actuators.phone import LOOK, PhoneState, state_of
from actuators.phone_keyboard import KeyboardMissing, PhoneKeyboard, kept_text
from actuators.receipt import ReceiptStatus
from sandboxes.adb import Adb, AdbGone, AdbSilent, Line, line

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["AndroidActuator"]

_T = TypeVar("_T")
QUIET_S = 0.12
"""The screen is still when no pixel has changed for this long..."""
BEGINS_S = 0.3
"""...and, after an act that has not shown yet, when nothing has begun within this long."""
_PAUSE_S = 0.02
_BACK_S = 3.0
"""How long a device that dropped may take to come back."""
_READ_BACK_S = 1.0
_COMES_S = 2.0
_REGION_PX = 64
_EDGE_DP = 24
_MOST_SWIPES = 30
_PLACE = "/data/local/tmp/deskhand.xml"
"""Of shell alone: no app may read it, and it is taken away in the same command."""
_DUMP = Line(f"uiautomator dump {_PLACE} >/dev/null 2>&1 && cat {_PLACE}; rm -f {_PLACE}")
_CAPTURE = Line("screencap")
_STAMP = Line("screencap | md5sum")
_WAKE = line("input", "keyevent", "KEYCODE_WAKEUP")
_UNLOCK = line("wm", "dismiss-keyguard")
_BUTTONS = {"back": "KEYCODE_BACK", "home": "KEYCODE_HOME", "menu": "KEYCODE_MENU", "enter": "KEYCODE_ENTER"}


class AndroidActuator(Permitted["_Attempt"]):
    """Implements `actuators.base.Actuator` on one device.

    Args:
        serial: as the adb server lists it.
        verifier: checks permits.
        secrets: gives values for `<secret:NAME>` while typing.
        apps: the only packages that may be started, each also by the last part of its name.
        bound_s: a device that takes longer than this for one command counts as hung.
        halt: the red stop; once it is set nothing more is sent, and waits end. A touch that the phone has been told of
            is its own: it is over within the seconds that it was asked to last.
    """

    thing = "phone"
    breaks = (AdbGone, AdbSilent, SurfaceError)

    def __init__(
        self,
        serial: str,
        verifier: Verifier,
        secrets: SecretSource = no_secrets,
        apps: Sequence[str] = (),
        bound_s: float = 20.0,
        halt: Halt = never,
    ) -> None:
        if not base.ALLOW_REAL_DEVICES and not serial.startswith("127.0.0.1:"):
            raise SurfaceUnavailable(f"`{serial}` is a real device, which this process may not touch")
        super().__init__(verifier, secrets, halt)
        self._apps = tuple(apps)
        self._seq = 0
        self._lost = ""
        self._notices: list[str] = []
        self._told = 0
        self._hints: dict[str, str] = {}
        self._ends: dict[tuple[str, str], set[str]] = {}
        self._acted_at = float("-inf")
        self._stamp_before = ""
        self._last_stamp = ""
        self._screen = Screen(1, 1)
        self._scale: tuple[tuple[int, int] | None, float] | None = None
        try:
            self._adb = Adb(serial, bound_s)
            if "shell_v2" not in self._adb.features():
                raise SurfaceUnavailable(f"the device `{serial}` is too old: Android 7 or later is needed")
            sdk = self._adb.run(line("getprop", "ro.build.version.sdk")).out.strip()
            self._identity = self._adb.run(line("getprop", "ro.serialno")).out.strip()
        except (AdbGone, AdbSilent) as problem:
            raise SurfaceUnavailable(f"the device `{serial}` cannot be used: {problem}") from None
        self._keyboard = PhoneKeyboard(self._adb, int(sdk) if sdk.isdigit() else 0)

    @property
    def surface(self) -> Surface:
        return "android"

    def open(self, package: str | None = None) -> None:
        """Wake the phone and begin in an app, afresh; before the run's first step and not an act of the agent.

        Raises:
            SurfaceUnavailable: it is locked, or there is no such app.
        """
        try:
            self._ready_state()
            if package is not None:
                self._adb.run(line("am", "force-stop", package))
                self._launch(package)
                self._acted_at = time.monotonic()
        except (AdbGone, AdbSilent, NotPossible, SurfaceLost) as problem:
            raise SurfaceUnavailable(str(problem)) from None
        self.settle()

    def observe(self) -> Observation:
        """See `Actuator.observe`. One raw screenshot, one question about windows, one about nodes."""
        return self._looking(self._observe)

    def target(self, action: Action, seen: Observation) -> Target:
        """See `Actuator.target`. Raises `SurfaceError` for a point outside the screen."""
        seen_point(action, seen)
        return self._looking(lambda: self._target(action)[0])

    def settle(self, bound_s: float = 3.0) -> Settled:
        """See `Actuator.settle`: the phone is asked for a digest of its frames until they stay the same."""
        began = since = time.monotonic()
        last = ""
        changed = False
        while True:
            stamp = self._looking(self._stamp)
            now = time.monotonic()
            if stamp != last:
                last, since = stamp, now
            changed |= stamp != self._stamp_before
            begun = changed or now - self._acted_at >= BEGINS_S
            if begun and now - since >= QUIET_S:
                self._last_stamp = stamp
                return Settled(True, now - began)
            if now - began >= bound_s or self._halt.is_set():
                return Settled(False, now - began, "frames")
            time.sleep(_PAUSE_S)  # between two looks; looking is the waiting

    def close(self) -> None:
        """Put the keyboard back that was there and let go of the device. May be called twice."""
        if not self._lost:
            self._keyboard.restore()
        self._lost = self._lost or "the device was let go by this run"

    # Acting

    def _attempt(self, action: Action) -> _Attempt:
        self._stamp_before = self._last_stamp
        return _Attempt(action)

    def _prepare(self, attempt: _Attempt, judged: str) -> str:
        """Look again; there is no pointer that could come first."""
        action = attempt.action
        self._possible(action)
        target, attempt.hierarchy = self._looking(lambda: self._target(action))
        if not isinstance(action, Wait | Zoom) and target.digest != judged:
            return not_judged(_called(target))
        attempt.node = target.node
        attempt.text, attempt.lines = self._looking(lambda: self._to_type(action, target))
        return ""

    def _broken_off(self, attempt: _Attempt, halted: Halted) -> tuple[ReceiptStatus, str]:
        match attempt.action:
            case Wait() | Scroll():
                return "done", f"{halted} in the middle of it"
            case _:
                return super()._broken_off(attempt, halted)

    def _broke(self, attempt: _Attempt, error: Exception) -> tuple[ReceiptStatus, str]:
        if isinstance(error, SurfaceError) and not isinstance(error, SurfaceLost | SurfaceTimeout):
            return "failed", str(error)
        return "unknown", f"the device went away in the middle of it: {error}"

    def _over(self, attempt: _Attempt) -> None:
        self._acted_at = time.monotonic()

    def _since(self, mark: int) -> tuple[str, ...]:
        return tuple(self._notices[self._told :])

    def _possible(self, action: Action) -> None:
        """Refuse what a phone cannot do before anything is touched. Raises `NotPossible`."""
        points_of(action, self._screen)
        match action:
            case Hover():
                raise NotPossible("a phone has no pointer that could hover: tap, or press long")
            case OpenUrl():
                raise NotPossible("a phone opens no addresses here: start one of the task's apps")
            case Click(button=button, modifiers=modifiers) if button != "left" or modifiers:
                raise NotPossible("a finger has no buttons and holds no keys: tap, or press long")
            case Swipe(end=end) if not self._screen.contains(end):
                raise NotPossible(f"({end.x}, {end.y}) lies outside the screen")
            case LaunchApp(name=name):
                self._package(name)
            case PressKeys(keys=keys):
                try:
                    self._keyboard.codes(keys)
                except ValueError as problem:
                    raise NotPossible(str(problem)) from None
            case _:
                pass

    def _package(self, name: str) -> str:
        """The package of an app that may be started, by its own name or by its last part."""
        ends = [one for one in self._apps if one.rpartition(".")[2].lower() == name.strip().lower()]
        if name in self._apps:
            return name
        if len(ends) == 1:
            return ends[0]
        known = ", ".join(self._apps) or "none"
        raise NotPossible(f"`{name[:60]}` is not among the apps of this run: {known}")

    def _to_type(self, action: Action, target: Target) -> tuple[str, bool]:
        """The text with its secrets, and whether the field takes lines; the keyboard that it needs is there then."""
        if not isinstance(action, TypeText):
            return "", False
        if target.node is None or not target.node.editable:
            raise NotPossible("nothing that takes text has the focus: tap the field first")
        text = self._revealed(action, target)
        lines = self._keyboard.takes_lines()
        try:
            self._keyboard.ready(kept_text(text, lines)[0])
        except KeyboardMissing as problem:
            raise NotPossible(str(problem)) from None
        return text, lines

    def _act(self, attempt: _Attempt) -> str:
        match attempt.action:
            case Click(at=at, count=count):
                tap = line("input", "tap", *self._place(at))
                self._input(Line("; ".join([tap] * count)))
            case LongPress(at=at, seconds=seconds):
                self._finger("swipe", at, at, seconds)
            case Swipe(start=start, end=end, seconds=seconds):
                self._finger("swipe", start, end, seconds)
            case Drag(start=start, end=end):
                self._finger("draganddrop", start, end, 0.6)
            case Scroll(at=at, dx=dx, dy=dy):
                return self._scroll(attempt, at, dx, dy)
            case TypeText(text=asked):
                return self._type(attempt, asked)
            case PressKeys(keys=keys):
                self._keyboard.press(keys)
            case SystemButton(button=button):
                self._input(line("input", "keyevent", _BUTTONS[button]))
            case LaunchApp(name=name):
                self._launch(self._package(name))
            case Wait(seconds=seconds):
                self._wait(seconds)
            case Zoom():
                pass
            case Hover() | OpenUrl():
                raise AssertionError("refused by _possible")
            case _:
                assert_never(attempt.action)
        return ""

    def _place(self, at: Point) -> tuple[str, str]:
        """A pixel of the screenshot as `input` wants it."""
        x, y = self._panel.to_panel(at)
        return f"{x:g}" if x == int(x) else f"{x:.2f}", f"{y:g}" if y == int(y) else f"{y:.2f}"

    def _finger(self, verb: str, start: Point, end: Point, seconds: float) -> None:
        words = line("input", verb, *self._place(start), *self._place(end), str(round(seconds * 1000)))
        self._input(words, seconds + 20)

    def _input(self, words: Line, bound_s: float | None = None) -> None:
        said = self._adb.run(words, bound_s)
        if said.code or "Exception" in said.all or "Error" in said.all:
            raise SurfaceError(f"the phone refused it: {said.all}")

    def _scroll(self, attempt: _Attempt, at: Point, dx: int, dy: int) -> str:
        """A finger that goes down on `at` again and again, until that much has passed or nothing moves any more."""
        found = attempt.hierarchy.scrolling(at)
        room = (found[1] if found else self._screen.rect).grown(-self._dp(_EDGE_DP))
        sideways = abs(dx) > abs(dy)
        wanted = dx if sideways else dy
        here = at.x if sideways else at.y
        low, high = (room.left, room.right) if sideways else (room.top, room.bottom)
        most = here - low if wanted > 0 else high - here
        if most < self._dp(32):
            raise NotPossible("there is no room for a finger to move from there: scroll from nearer the middle")
        attempt.performed = Scroll(at=at)
        passed, was, ended = 0, self._stamp(), False
        for _ in range(_MOST_SWIPES):
            go_on(self._halt)
            step = min(most, max(abs(wanted) - passed, self._dp(32)))
            to = here - step if wanted > 0 else here + step
            end = Point(to, at.y) if sideways else Point(at.x, to)
            self._finger("swipe", at, end, max(0.15, step / (self._dp(1600))))
            now = self._rested()
            ended = now == was
            was = now
            if ended:
                break
            passed += step
            signed = passed if wanted > 0 else -passed
            attempt.performed = Scroll(at=at, dx=signed if sideways else 0, dy=0 if sideways else signed)
            if passed >= abs(wanted):
                break
        if not sideways and found is not None:
            self._remember(found[0], "below" if wanted > 0 else "above", passed > 0, ended)
        return "nothing moves further that way" if ended else ""

    def _rested(self) -> str:
        """The frame's digest once two in a row are alike; for between two swipes, bounded."""
        was = ""
        for _ in range(40):
            now = self._stamp()
            if now == was:
                return now
            was = now
        return was

    def _remember(self, id_: str, way: str, moved: bool, ended: bool) -> None:
        """What has been learnt about where a list ends: uiautomator does not tell."""
        ends = self._ends.setdefault((self._front, id_), {"above"})
        if moved:
            ends.discard({"below": "above", "above": "below"}[way])
        if ended:
            ends.add(way)

    def _type(self, attempt: _Attempt, asked: str) -> str:
        kept, remark = kept_text(attempt.text, attempt.lines)
        if attempt.text == asked:
            attempt.performed = TypeText(text=kept)
        self._keyboard.write(kept)
        return remark or self._read_back(kept, attempt.node)

    def _read_back(self, text: str, before: Node | None) -> str:
        """A remark where the field does not show what was typed; of a password only whether something came."""
        until = time.monotonic() + _READ_BACK_S
        while True:
            node = self._hierarchy().focused
            if node is not None and (node.filled if node.password else text in node.value):
                return ""
            if not text or node is None or before is None or node.id != before.id:
                return ""
            if time.monotonic() > until:
                return "the field does not show what was typed into it"

    def _launch(self, package: str) -> None:
        """Start an app as its icon would. Raises `NotPossible`."""
        category = "android.intent.category.LAUNCHER"
        found = self._adb.run(line("cmd", "package", "resolve-activity", "--brief", "-c", category, package))
        component = (found.out.strip().splitlines() or [""])[-1].strip()
        if not re.fullmatch(rf"{re.escape(package)}/[\w.$]+", component):
            raise NotPossible(f"the phone has no app `{package}` that could be started")
        said = self._adb.run(line("am", "start", "-W", "-n", component), 30)
        if said.code or re.search(r"\b(?:Error|Exception)\b", said.all):
            raise NotPossible(f"the app `{package}` does not start: {said.all}")

    def _wait(self, seconds: float) -> None:
        """Until the screen is still; whoever waits on a still one waits for something to come, so give it a while."""
        until = time.monotonic() + seconds
        comes = time.monotonic() + min(seconds, _COMES_S)
        was = self._last_stamp
        self._acted_at = float("-inf")
        while self.settle(max(0.0, until - time.monotonic())).still and time.monotonic() < comes:
            if self._last_stamp != was:
                return
            go_on(self._halt)
        go_on(self._halt)

    # Looking

    @property
    def _panel(self) -> Digitizer:
        size = self._size or (self._screen.width, self._screen.height)
        return Digitizer(self._screen, *size)

    _size: tuple[int, int] | None = None
    _front: str = ""

    def _observe(self) -> Observation:
        state = self._ready_state()
        raw = self._adb.bytes(_CAPTURE)
        self._last_stamp = hashlib.md5(raw, usedforsecurity=False).hexdigest()
        picture = _picture(raw)
        self._screen = Screen(*picture.size, scale=self._density(state) / 160)
        hierarchy = self._hierarchy()
        self._seq += 1
        self._told, told = len(self._notices), tuple(self._notices[self._told :])
        focused = state.focused
        self._front = focused.name if focused else hierarchy.app
        return Observation(
            seq=self._seq - 1,
            taken_at=time.time(),
            surface="android",
            screen=self._screen,
            frame=Frame(_png(picture)),
            nodes=tuple(node for node in hierarchy.nodes if self._uncovered(node, state)),
            title=self._front.rpartition("/")[2],
            app=(focused.app if focused else "") or hierarchy.app,
            window=self._front,
            more=self._more(hierarchy),
            notices=told,
        )

    def _uncovered(self, node: Node, state: PhoneState) -> bool:
        """Whether a touch in the middle of a node would go to the window it belongs to."""
        if not state.windows:
            return True
        met = state.at(*self._panel.to_panel(node.rect.centre))
        return met is None or met == state.focused

    def _more(self, hierarchy: Hierarchy) -> tuple[Literal["above", "below"], ...]:
        """Where scrolling should show more, by what scrolling has shown: a list begins at its top."""
        found: set[str] = set()
        for id_, _ in hierarchy.scrollables:
            found |= {"above", "below"} - self._ends.get((self._front, id_), {"above"})
        ways: tuple[Literal["above", "below"], ...] = ("above", "below")
        return tuple(way for way in ways if way in found)

    def _target(self, action: Action) -> tuple[Target, Hierarchy]:
        """What an action would touch now, and the window it stands in."""
        if isinstance(action, LaunchApp):
            with suppress(NotPossible):
                return Target("android", None, None, app=self._package(action.name)), _NOTHING
            return Target("android", None, None, app=action.name), _NOTHING
        state = self._ready_state()
        self._turned(state)
        app = state.focused.app if state.focused else ""
        window = state.focused.name if state.focused else ""
        keys = isinstance(action, TypeText | PressKeys) or action == SystemButton(button="enter")
        point = pointed(action)
        if point is None and not keys:
            return Target("android", None, None, app=app, window=window), _NOTHING
        hierarchy = self._hierarchy()
        if point is None:
            node = hierarchy.focused
            return _target_of(node, None, app or hierarchy.app, window), hierarchy
        met = state.at(*self._panel.to_panel(point)) if state.windows else state.focused
        node = hierarchy.at(point) if met == state.focused else None
        app, window = (met.app, met.name) if met else (hierarchy.app if node else "", window)
        region, digest = self._region(point) if node is None or not node.name else (None, "")
        return _target_of(node, point, app, window, region, digest), hierarchy

    def _turned(self, state: PhoneState) -> None:
        """A screen that was turned since the last look has other pixels: everything judged on it is stale."""
        held = self._size
        self._size = state.size or held
        wide, was_wide = (size[0] > size[1] if size else None for size in (state.size, held))
        if held is not None and wide != was_wide:
            self._screen = Screen(self._screen.height, self._screen.width, self._screen.scale)

    def _region(self, point: Point) -> tuple[Rect, str]:
        """The pixels around a point, for what has no words of its own."""
        half = _REGION_PX // 2
        box = Rect(point.x - half, point.y - half, point.x + half, point.y + half).intersect(self._screen.rect)
        picture = _picture(self._adb.bytes(_CAPTURE))
        part = picture.crop((box.left, box.top, box.right, box.bottom))
        return box, hashlib.sha256(part.tobytes()).hexdigest()

    def _hierarchy(self) -> Hierarchy:
        """The nodes of the window in front; none where the phone does not describe it (it never rests, a game)."""
        try:
            return hierarchy_of(self._adb.run(_DUMP).out, self._panel, self._hints)
        except HierarchyUnreadable:
            return _NOTHING

    def _stamp(self) -> str:
        """A digest of the frame on the screen now, made on the phone."""
        said = self._adb.run(_STAMP)
        if found := re.match(r"[0-9a-f]{32}\b", said.out):
            return found.group()
        return hashlib.md5(self._adb.bytes(_CAPTURE), usedforsecurity=False).hexdigest()

    def _ready_state(self) -> PhoneState:
        """The phone's state, awake and unlocked; woken where it slept.

        Raises:
            SurfaceLost: it is locked, and only a person can unlock it.
        """
        state = self._state()
        if state.awake and not state.locked:
            return state
        until = time.monotonic() + _BACK_S
        while not state.awake or (state.locked and not state.secure):
            self._adb.run(_UNLOCK if state.awake else _WAKE)
            state = self._state()
            if time.monotonic() > until:
                break
        if not state.awake or state.locked:
            what = "locked" if state.awake else "asleep and does not wake"
            raise SurfaceLost(f"the phone is {what}: unlock it by hand, keep its screen on, and run again")
        self._notices.append("the screen had gone off and was woken")
        return state

    def _state(self) -> PhoneState:
        state = state_of(self._adb.run(LOOK).out)
        self._size = state.size or self._size
        return state

    def _density(self, state: PhoneState) -> float:
        """Dots to an inch; asked again when the screen has another size."""
        if self._scale is None or self._scale[0] != state.size:
            told = re.findall(r"density: (\d+)", self._adb.run(line("wm", "density")).out)
            self._scale = (state.size, float(told[-1]) if told else 160.0)
        return self._scale[1]

    def _dp(self, n: float) -> int:
        return max(1, round(n * self._screen.scale))

    # Keeping hold

    def _looking(self, ask: Callable[[], _T]) -> _T:
        """Ask; once more after a device that dropped has come back. Looking changes nothing, so it may be repeated."""
        if self._lost:
            raise SurfaceLost(self._lost)
        try:
            return ask()
        except AdbSilent as problem:
            raise SurfaceTimeout(f"the device `{self._adb.serial}` does not answer: {problem}") from None
        except AdbGone:
            self._come_back()
        try:
            return ask()
        except (AdbGone, AdbSilent) as problem:
            self._lost = f"the device `{self._adb.serial}` is gone: {problem}"
            raise SurfaceLost(self._lost) from None

    def _come_back(self) -> None:
        """Wait for the same device, bounded. Raises `SurfaceLost`."""
        until = time.monotonic() + _BACK_S
        why = "it does not come back"
        while time.monotonic() < until:
            try:
                if self._adb.connect_again() and (who := self._adb.run(line("getprop", "ro.serialno")).out.strip()):
                    if who == self._identity:
                        self._notices.append("the device had dropped and was connected again")
                        return
                    why = "another device answers in its place"
                    break
            except (AdbGone, AdbSilent) as problem:
                why = str(problem)
                if "server" in why:
                    break
            time.sleep(0.1)  # between two tries; nothing tells when a cable is plugged in
        self._lost = f"the device `{self._adb.serial}` is gone: {why}"
        raise SurfaceLost(self._lost)


_NOTHING = Hierarchy((), "", ())


@dataclass(slots=True, kw_only=True)
class _Attempt(Attempt):
    hierarchy: Hierarchy = _NOTHING
    node: Node | None = None
    lines: bool = False


def _target_of(
    node: Node | None, point: Point | None, app: str, window: str, region: Rect | None = None, digest: str = ""
) -> Target:
    return Target(
        "android",
        node,
        point,
        app=app,
        window=window,
        region=region,
        region_digest=digest,
        secret_field=node is not None and node.password,
    )


def _called(target: Target) -> str:
    node = target.node
    if node is not None and (node.name or node.role):
        return f'{node.role} "{node.name[:60]}"'
    return f"the window {target.window[:60]}" if target.window else "something without words"


def _picture(raw: bytes) -> Image:
    """A raw screenshot as a picture, mode RGB. Raises `SurfaceLost` for what is none."""
    from PIL import Image as pil

    if len(raw) < 12:
        raise SurfaceLost(
            f"the phone gives no screenshot: {raw[:60].decode('utf-8', 'replace').strip() or 'nothing came'}"
        )
    width, height, kind = struct.unpack_from("<3I", raw)
    size = width * height * 4
    header = len(raw) - size
    if kind not in (1, 2) or header not in (12, 16):
        raise SurfaceLost(f"the phone's screenshot has an unknown form: {raw[:40]!r}")
    return pil.frombytes("RGBA", (width, height), raw[header:]).convert("RGB")


def _png(picture: Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
