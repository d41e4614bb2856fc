"""The desktop of Windows and macOS as a surface: pictures by mss, input by pyautogui, the same protocol as elsewhere.

No Windows or macOS machine was at hand: what is here was tried on an X display alone, by way of pyautogui's X half, and
the rest was read in the sources of pyautogui and mss.

Pixels are all there is. There are no nodes; nothing tells where the focus is, what a field takes, or whether it hides
what is typed; and nothing is read back, which each receipt says. What is judged of a pointed act are the pixels around
its points and whose window lies there; of keys and text only the window in front. A thing that lights up when the
pointer comes is `stale` the first time, and is as judged once the pointer rests on it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, assert_never

from actuators import errors
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
from actuators.base import ALLOW_REAL_DEVICES, SecretRefused, SecretSource, Settled, no_secrets
from actuators.fronts import Front, Fronts, of_this_system
from actuators.geometry import Point, Rect
from actuators.halt import SLICE_S, Halt, Halted, never
from actuators.observation import Frame, Observation, Surface, Target
from actuators.other_hand import Clipboard, OtherHand, pyautogui_of_this_system, system_clipboard
from actuators.permit import Verifier
from actuators.permitted import Attempt, NotPossible, Permitted, points_of, seen_point
from actuators.receipt import ReceiptStatus
from actuators.screens import Screens, Shot

__all__ = ["OtherDesktop"]

_REGION_PX = 64
_QUIET_S, _LOOKS_S = 0.12, 0.03
"""Nothing changed for this long is stillness; how often it is looked."""
_PASTES_S = 1.5
"""The longest that a program is given to come for what is on the clipboard, and the least."""
_PASTES_LEAST_S = 0.3
_KEYS_MOST = 100
"""A longer text is pasted: nothing would tell when a program has worked off so many keys."""
_UNREAD = "not read back: this desktop is pixels alone"


class OtherDesktop(Permitted["_Attempt"]):
    """Implements `actuators.base.Actuator` on the desktop of whoever runs this.

    Args:
        verifier: checks permits.
        secrets: gives values for `<secret:NAME>`; without nodes most refuse. None ever goes through the clipboard.
        halt: the red stop; once it is set nothing more is sent, and waits end.
        auto: pyautogui; left out, the one that is installed. So for the rest.
        clipboard: of the system.
        screens: to look with.
        fronts: whose windows are where.

    Raises:
        SurfaceUnavailable: something it needs is not there, or real desktops are not allowed.
    """

    thing = "desktop"
    breaks = (Exception,)

    def __init__(
        self,
        verifier: Verifier,
        secrets: SecretSource = no_secrets,
        halt: Halt = never,
        auto: Any = None,
        clipboard: Clipboard | None = None,
        screens: Screens | None = None,
        fronts: Fronts | None = None,
    ) -> None:
        if auto is None and not ALLOW_REAL_DEVICES:
            raise errors.SurfaceUnavailable("the desktop of whoever runs this is not touched here")
        super().__init__(verifier, secrets, halt)
        self._screens = screens or Screens()
        self._screens.look()  # asks the system for true pixels, before pyautogui asks it for its size
        self._hand = OtherHand(halt, auto or pyautogui_of_this_system(), clipboard or system_clipboard())
        try:
            self._fronts = fronts or of_this_system()
        except (ImportError, OSError, AttributeError) as problem:
            raise errors.SurfaceUnavailable(f"whose windows are where cannot be told: {problem}") from None
        self._seq = 0
        self._closed = False

    @property
    def surface(self) -> Surface:
        return "desktop"

    def observe(self) -> Observation:
        """See `Actuator.observe`."""
        self._alive()
        shot = self._screens.look(anew=True)
        front = self._front(None, shot)
        self._seq += 1
        return Observation(
            seq=self._seq - 1,
            taken_at=time.time(),
            surface="desktop",
            screen=shot.desk.screen,
            frame=Frame(self._screens.png(shot)),
            title=front.title,
            app=front.app,
            window=front.title,
        )

    def target(self, action: Action, seen: Observation) -> Target:
        """See `Actuator.target`. Raises `SurfaceError` for a point outside the screen."""
        self._alive()
        seen_point(action, seen)
        return self._target(action, self._screens.look())

    def settle(self, bound_s: float = 3.0) -> Settled:
        """See `Actuator.settle`: watches pictures alone."""
        self._alive()
        began = changed = time.monotonic()
        before = self._screens.look()
        while True:
            now = time.monotonic()
            if now - changed >= _QUIET_S:
                return Settled(True, now - began)
            if self._halt.is_set() or now - began >= bound_s:
                return Settled(False, now - began, "frames")
            time.sleep(min(_LOOKS_S, bound_s))
            shot = self._screens.look()
            if shot != before:
                before, changed = shot, time.monotonic()

    def close(self) -> None:
        """Let go of the desktop, which is somebody else's. May be called twice."""
        self._closed = True
        self._screens.close()

    # Acting

    def _attempt(self, action: Action) -> _Attempt:
        self._alive()
        return _Attempt(action)

    def _prepare(self, attempt: _Attempt, judged: str) -> str:
        """Pointer to the place, look again. Whatever fails here is a desktop that takes no input."""
        action = attempt.action
        try:
            self._ready(action)
            self._reach(action, self._screens.look())
            found = self._target(action, self._screens.look())
            if not isinstance(action, Wait | Zoom) and found.digest != judged:
                return "what is there now, or lights up under the pointer, is not what was judged: look again"
            attempt.text = self._to_type(action, found)
            return ""
        except (Halted, SecretRefused, NotPossible, errors.SurfaceError):
            raise
        except Exception as error:
            raise errors.SurfaceLost(f"the desktop takes no input any more: {_said(error)}") from None

    def _broke(self, attempt: _Attempt, error: Exception) -> tuple[ReceiptStatus, str]:
        return "unknown", f"the desktop broke in the middle of it: {_said(error)}"

    def _broken_off(self, attempt: _Attempt, halted: Halted) -> tuple[ReceiptStatus, str]:
        match attempt.action:
            case Wait():
                return "done", str(halted)
            case TypeText(text=asked):
                if not attempt.typed:
                    return "refused", str(halted)
                if asked == attempt.text:
                    attempt.performed = TypeText(text=asked[: attempt.typed])
                return "unknown", f"{halted} while it typed"
            case _:
                return super()._broken_off(attempt, halted)

    def _ready(self, action: Action) -> None:
        """Refuse what cannot be done before anything is touched. Raises `NotPossible`."""
        match action:
            case PressKeys(keys=keys) | Click(modifiers=keys):
                for key in keys:
                    self._hand.key(key)
            case OpenUrl():
                raise NotPossible("a desktop opens no addresses: use a browser's own window")
            case LaunchApp(name=name):
                raise NotPossible(f"`{name[:60]}` is not started here: this is somebody's own desktop")
            case Swipe():
                raise NotPossible("a desktop has no touch screen: drag, or turn the wheel")
            case SystemButton(button=button) if button != "enter":
                raise NotPossible(f"a desktop has no `{button}` button")

    def _reach(self, action: Action, shot: Shot) -> None:
        """The pointer to the place, for everything that presses there."""
        points = points_of(action, shot.desk.screen)
        for one in points:
            if not shot.desk.on_a_monitor(one):
                raise NotPossible(f"no monitor shows ({one.x}, {one.y})")
            if self._hand.corner(*shot.desk.to_input(one)):
                raise NotPossible("the corners of the screen are where a person stops pyautogui: nothing is done there")
        if not points or isinstance(action, Hover):
            return
        x, y = shot.desk.to_input(points[0])
        self._hand.move(x, y)
        self.settle(0.5)
        if self._hand.at != (int(x // 1), int(y // 1)):
            raise NotPossible("the pointer is not where it was put: somebody moves the mouse")

    def _act(self, attempt: _Attempt) -> str:
        hand = self._hand
        match attempt.action:
            case Click(button=button, count=count, modifiers=modifiers):
                with hand.holding(modifiers):
                    hand.click(button, count)
            case LongPress(seconds=seconds):
                hand.long_press(seconds)
            case Drag(end=end):
                hand.drag(self._screens.look().desk.to_input(end))
            case Scroll(dx=dx, dy=dy):
                return hand.wheel(dx, dy)
            case TypeText():
                return self._type(attempt)
            case PressKeys(keys=keys):
                with hand.holding(keys):
                    pass
            case SystemButton(button="enter"):
                with hand.holding(("enter",)):
                    pass
            case Wait(seconds=seconds):
                hand.wait(seconds)
            case Hover(at=at):
                hand.move(*self._screens.look().desk.to_input(at))
            case Zoom():
                pass
            case OpenUrl() | Swipe() | SystemButton() | LaunchApp():
                raise NotPossible("unreachable: refused by _ready")
            case _:
                assert_never(attempt.action)
        return ""

    def _type(self, attempt: _Attempt) -> str:
        """Keys where each is sure to arrive as it is, the clipboard elsewhere; a secret is typed or not at all."""
        asked, text = attempt.action, attempt.text
        assert isinstance(asked, TypeText)
        secret = text != asked.text
        kept = _kept(text)
        remarks = ["control characters were left out"] if kept != text.replace("\r\n", "\n").replace("\r", "\n") else []
        if not secret:
            attempt.performed = TypeText(text=kept)
        if self._hand.typable(kept) and (secret or len(kept) <= _KEYS_MOST):
            self._hand.type(kept, attempt.one)
        else:
            remarks.append(self._hand.paste(kept, lambda: self._taken_in(attempt, kept)))
        return "; ".join([*remarks, _UNREAD])

    def _taken_in(self, attempt: _Attempt, text: str) -> None:
        """Until a program has had the time to come for the clipboard: nothing tells that it has."""
        attempt.typed = len(text)
        until = time.monotonic() + _PASTES_LEAST_S
        self.settle(_PASTES_S)
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_S))

    def _to_type(self, action: Action, target: Target) -> str:
        """As `_revealed`; a secret that could only be pasted is refused."""
        text = self._revealed(action, target)
        if isinstance(action, TypeText) and text != action.text and not self._hand.typable(_kept(text)):
            raise SecretRefused("it cannot be typed key by key here, and no secret goes through the clipboard")
        return text

    # Looking

    def _alive(self) -> None:
        if self._closed:
            raise errors.SurfaceLost("the desktop was left by this run")

    def _target(self, action: Action, shot: Shot) -> Target:
        point = pointed(action)
        front = self._front(point, shot)
        region, digest = _around(point, shot)
        drop = ""
        if isinstance(action, Drag) and shot.desk.screen.contains(action.end):
            there = self._front(action.end, shot)
            drop = f"{there.app} {_around(action.end, shot)[1]}"
        return Target(
            "desktop",
            None,
            point,
            app=front.app,
            window=front.title,
            region=region,
            region_digest=digest,
            drop_digest=drop,
        )

    def _front(self, point: Point | None, shot: Shot) -> Front:
        """Whose window it is; empty where the system does not say."""
        with suppress(Exception):
            return self._fronts.active() if point is None else self._fronts.at(*shot.desk.to_input(point))
        return Front()


@dataclass(slots=True, kw_only=True)
class _Attempt(Attempt):
    typed: int = 0

    def one(self) -> None:
        self.typed += 1


def _around(point: Point | None, shot: Shot) -> tuple[Rect | None, str]:
    if point is None:
        return None, ""
    half, screen = _REGION_PX // 2, shot.desk.screen
    box = Rect(point.x - half, point.y - half, point.x + half, point.y + half).intersect(screen.rect)
    return box, shot.digest(box)


def _kept(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char in "\n\t" or (char >= " " and not "\x7f" <= char <= "\x9f"))


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
