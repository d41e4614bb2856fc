"""A machine under the OSWorld guest protocol as a surface: screenshots, its accessibility tree, and a fixed hand.

Nothing that the model or a screen says is put into a command line or a program: the guest runs `actuators.guest_hand`,
whole and unchanged, and what is to be done reaches it as one JSON argument of its own.

What this does not protect against: the guest itself, which may show and say what it wants, and where other programs of
the same user see the arguments of that program while it runs, secrets that are typed among them; whoever else can reach
an upstream guest, which asks nobody for a token; and things without accessibility, of which nothing is known but their
pixels. Between the last look and the press lies the start of a Python in the guest, about a tenth of a second.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, assert_never

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
from actuators.errors import SurfaceError, SurfaceLost, SurfaceUnavailable
from actuators.geometry import Point, Rect, Screen
from actuators.guest_nodes import GuestScreen, TreeUnreadable, Window, screen_of
from actuators.halt import SLICE_S, Halt, Halted, go_on, never
from actuators.keyboard import keysym_of
from actuators.nodes import png_size, words
from actuators.observation import Frame, Node, Observation, Surface, Target
from actuators.permit import Verifier
from actuators.permitted import Attempt, NotPossible, Permitted, not_judged, points_of, seen_point
from actuators.receipt import ReceiptStatus
from sandboxes.guest import Guest, GuestGone, GuestSaid

__all__ = ["GuestActuator"]

QUIET_S = 0.2
"""The same picture for this long is stillness..."""
BEGINS_S = 0.3
"""...and, after an act that has not shown yet, when nothing has begun within this long."""
_QUICK_S = 1.5
"""A tree that took longer is not read only to see whether the programs answer."""
_PAUSE_S = 0.03
_OPENS_S = 40.0
_BLIND_S = 5.0
_BLINK_S = 1.3
"""Longer than a caret stays away."""
_TAKES_S, _EACH_S, _QUIET_TEXT_S = 5.0, 0.05, 1.0
_REGION_PX = 64
_WHEEL_PX, _MOST_NOTCHES = 40, 400
_DOUBLE_S = 0.45
_PIECE = 500
"""Characters that one run of the hand is given at most."""
_BUTTONS = {"left": 1, "middle": 2, "right": 3}
_APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_HAND = Path(__file__).with_name("guest_hand.py")
_ACT_S = 40.0

_T = TypeVar("_T")


class _Elsewhere(Exception):
    """The pointer is not where it was put; nothing was pressed."""


class GuestActuator(Permitted["_Attempt"]):
    """Implements `actuators.base.Actuator` on one guest.

    Args:
        guest: the machine, by the address that the operator gave.
        verifier: checks permits.
        secrets: gives values for `<secret:NAME>` while typing.
        apps: programs that may be started, by the names that the guest finds them under.
        halt: the red stop.
        nodes: whether the accessibility tree is read. Without it nothing is known but pixels: no field is looked for
            before typing and none is read back, and reading a tree, which takes upstream's guests seconds, costs none.

    Raises:
        SurfaceUnavailable: it does not answer, is no Linux, or lacks what the hand needs.
    """

    thing = "guest"
    breaks = (GuestGone, GuestSaid, SurfaceError, _Elsewhere)

    def __init__(
        self,
        guest: Guest,
        verifier: Verifier,
        secrets: SecretSource = no_secrets,
        apps: Sequence[str] = (),
        halt: Halt = never,
        nodes: bool = True,
    ) -> None:
        super().__init__(verifier, secrets, halt)
        self._guest = guest
        self._nodes = nodes
        self._apps = tuple(apps)
        self._hand = _HAND.read_text("utf-8")
        self._own: list[int] = []
        self._seq = 0
        self._closed = ""
        self._tree_s = 0.0
        self._acted_at = self._clicked_at = float("-inf")
        self._before = self._last = b""
        try:
            platform = guest.platform()
            if platform != "Linux":
                raise SurfaceUnavailable(f"the guest is a {platform[:40]} machine: only Linux guests can be acted on")
            self._run([])
        except (GuestGone, GuestSaid, NotPossible) as problem:
            raise SurfaceUnavailable(f"the guest cannot be used: {problem}") from None

    @property
    def surface(self) -> Surface:
        return "guest"

    def open(self, name: str, arguments: Sequence[str] = ()) -> None:
        """Start the task's first application, before the run's first step; not an act of the agent.

        Raises:
            SurfaceUnavailable: it does not start, or shows no window.
        """
        try:
            if said := self._launch(name, arguments):
                raise SurfaceUnavailable(f"`{name}`: {said}")
        except (GuestGone, GuestSaid, NotPossible, TreeUnreadable) as problem:
            raise SurfaceUnavailable(str(problem)) from None
        self.settle()

    def observe(self) -> Observation:
        """See `Actuator.observe`: one screenshot and one tree."""
        png, screen, shown = self._looking(self._look)
        active = shown.active
        self._seq += 1
        return Observation(
            seq=self._seq - 1,
            taken_at=time.time(),
            surface="guest",
            screen=screen,
            frame=Frame(png),
            nodes=shown.nodes,
            title=active.title if active else "",
            app=active.app if active else "",
            window=active.title if active else "",
            more=shown.more,
        )

    def target(self, action: Action, seen: Observation) -> Target:
        """See `Actuator.target`. Raises `SurfaceError` for a point outside the screen."""
        seen_point(action, seen)
        return self._looking(lambda: self._target(action))

    def settle(self, bound_s: float = 3.0) -> Settled:
        """See `Actuator.settle`: pictures are taken until they stay the same."""
        began = since = time.monotonic()
        last, changed, asked, looks = b"", False, False, 0
        while True:
            picture = self._looking(lambda: hashlib.sha256(self._guest.screenshot()).digest())
            now = time.monotonic()
            looks = looks + 1 if picture == last else 1
            if picture != last:
                last, since = picture, now
            changed |= picture != self._before
            begun = changed or now - self._acted_at >= BEGINS_S
            quiet = begun and looks >= 2 and now - since >= QUIET_S
            if quiet and not changed and not asked and self._nodes and self._tree_s < _QUICK_S:
                asked, since = True, now
                self._looking(self._tree)  # the programs have come round when they have answered
                continue
            if quiet:
                self._last = picture
                return Settled(True, now - began)
            if now - began >= bound_s or self._halt.is_set():
                return Settled(False, now - began, "frames")
            time.sleep(_PAUSE_S)  # between two looks; looking is the waiting

    def close(self) -> None:
        """Take back what was put on the guest's keyboard, and let go of it. May be called twice."""
        if not self._closed and self._own:
            with suppress(GuestGone, GuestSaid, NotPossible, _Elsewhere):
                self._run([["clear"]])
        self._closed = self._closed or "the guest was let go by this run"

    # Acting

    def _attempt(self, action: Action) -> _Attempt:
        self._before = self._last
        return _Attempt(action)

    def _prepare(self, attempt: _Attempt, judged: str) -> str:
        """Look, go there, look again."""
        action = attempt.action
        self._possible(action)
        attempt.target = target = self._looking(lambda: self._target(action))
        free = isinstance(action, Wait | Zoom)
        until = time.monotonic() + _BLINK_S
        while not self._nodes and not free and target.digest != judged and time.monotonic() < until:
            go_on(self._halt)  # a caret that blinks comes back; what changed for good does not
            time.sleep(_PAUSE_S)
            attempt.target = target = self._looking(lambda: self._target(action))
        if not free and target.digest != judged:
            return not_judged(words(target.node))
        if not free and (point := self._reach(action)) is not None:
            attempt.at = point
            # The pointer is drawn into the picture, so what has no node of its own was compared before it came.
            again = self._looking(lambda: self._target(action, target))
            if again.digest != judged:
                return not_judged(words(again.node))
        attempt.text = self._to_type(action, target)
        return ""

    def _broken_off(self, attempt: _Attempt, halted: Halted) -> tuple[ReceiptStatus, str]:
        match attempt.action:
            case TypeText() if not attempt.typed:
                return "refused", str(halted)
            case TypeText() | Wait():
                return "done", f"{halted} in the middle of it"
            case _:
                return super()._broken_off(attempt, halted)

    def _broke(self, attempt: _Attempt, error: Exception) -> tuple[ReceiptStatus, str]:
        if isinstance(error, _Elsewhere):
            return "stale", "somebody has moved the pointer away"
        return "unknown", f"the guest broke off in the middle of it: {error}"

    def _over(self, attempt: _Attempt) -> None:
        self._acted_at = time.monotonic()

    def _possible(self, action: Action) -> None:
        """Refuse what cannot be done before anything is touched. Raises `NotPossible`."""
        try:
            match action:
                case PressKeys(keys=keys) | Click(modifiers=keys):
                    for key in keys:
                        keysym_of(key)
                case OpenUrl():
                    raise NotPossible("a guest opens no addresses: use the window of a browser in it")
                case Swipe():
                    raise NotPossible("a guest has no touch screen: drag, or turn the wheel")
                case SystemButton(button=button) if button != "enter":
                    raise NotPossible(f"a guest has no `{button}` button")
                case LaunchApp(name=name) if name not in self._apps or not _APP.fullmatch(name):
                    raise NotPossible(f"`{name[:60]}` is not among the applications that may be started")
        except ValueError as problem:
            raise NotPossible(str(problem)) from None

    def _reach(self, action: Action) -> Point | None:
        """The pointer to the place, for everything that presses there."""
        if pointed(action) is None or isinstance(action, Hover):
            return None
        point = points_of(action, self._looking(lambda: Screen(*self._guest.screen_size())))[0]
        self._looking(lambda: self._run([["move", point.x, point.y]]))
        return point

    def _to_type(self, action: Action, target: Target) -> str:
        """As `_revealed`, into what takes text."""
        if not isinstance(action, TypeText):
            return ""
        node = target.node
        if self._nodes and not (node and (node.editable or node.role in ("textbox", "searchbox", "spinbutton"))):
            raise NotPossible("nothing that takes text has the focus: click the field first")
        return self._revealed(action, target)

    def _act(self, attempt: _Attempt) -> str:
        match attempt.action:
            case Click(button=button, count=count, modifiers=modifiers):
                self._apart()
                self._run([["click", _BUTTONS[button], count, [keysym_of(one) for one in modifiers]]], attempt.at)
                self._clicked_at = time.monotonic()
            case LongPress(seconds=seconds):
                self._run([["press", seconds]], attempt.at)
            case Drag(end=end):
                self._apart()
                self._run([["drag", end.x, end.y]], attempt.at)
            case Scroll(dx=dx, dy=dy):
                self._run([["wheel", _notches(dx), _notches(dy)]], attempt.at)
            case TypeText():
                return self._type(attempt)
            case PressKeys(keys=keys):
                self._run([["keys", [keysym_of(one) for one in keys]]], keys=True)
            case SystemButton(button="enter"):
                self._run([["keys", [keysym_of("enter")]]], keys=True)
            case Wait(seconds=seconds):
                self._wait(seconds)
            case Hover(at=at):
                self._run([["move", at.x, at.y]])
            case LaunchApp(name=name):
                return self._launch(name)
            case Zoom():
                pass
            case OpenUrl() | Swipe() | SystemButton():
                raise NotPossible("unreachable: refused by _possible")
            case _:
                assert_never(attempt.action)
        return ""

    def _type(self, attempt: _Attempt) -> str:
        """Type piece by piece, reading the field back after each, and say what is really there."""
        asked, target, text = attempt.action, attempt.target, attempt.text
        assert isinstance(asked, TypeText)
        if target.node is None or not _reads_back(target.node, text):
            return self._type_blindly(attempt, asked)
        secret = text != asked.text
        kept, remark = _typable(text, target.node)
        back = _ReadBack(lambda: self._looking(self._shown), target.node, kept, self._halt)
        done = 0
        while done < len(kept):
            if not secret:
                attempt.performed = TypeText(text=kept[:done])
            go_on(self._halt)
            attempt.typed = True
            symbols = [_symbol(char) for char in kept[done : done + _PIECE]]
            done += self._run([["type", symbols]], keys=True)
            back.until(done)
        arrived = back.arrived
        if not secret:
            attempt.performed = TypeText(text=kept if arrived is None else arrived)
        if arrived is not None and arrived != kept and not target.node.password:
            remark = f"{'it' if secret else 'the field'} did not take the text as it was typed"
        return remark

    def _type_blindly(self, attempt: _Attempt, asked: TypeText) -> str:
        """Type wherever the keyboard is; nothing can be read back."""
        kept, remark = _typable(attempt.text, attempt.target.node)
        done = 0
        while done < len(kept):
            go_on(self._halt)
            attempt.typed = True
            done += self._run([["type", [_symbol(char) for char in kept[done : done + _PIECE]]]], keys=True)
            if attempt.text == asked.text:
                attempt.performed = TypeText(text=kept[:done])
        return remark

    def _launch(self, name: str, arguments: Sequence[str] = ()) -> str:
        """Start an application and wait for its window; a remark where none is shown."""
        if name not in self._apps or not _APP.fullmatch(name):
            raise NotPossible(f"`{name[:60]}` is not among the applications that may be started")
        before = [(one.app, one.title) for one in self._shown().windows]
        try:
            self._guest.launch([name, *arguments])
        except GuestSaid as said:
            raise NotPossible(f"`{name}` cannot be started: {said.words}") from None
        if not self._nodes:  # there is nothing that would tell of a window but a picture that changes
            self.settle(_BLIND_S)
            return ""
        until = time.monotonic() + _OPENS_S
        while time.monotonic() < until:
            go_on(self._halt)
            if any((one.app, one.title) not in before and not one.pops for one in self._shown().windows):
                return ""
            time.sleep(SLICE_S)  # between two looks
        return "it was started and has shown no window yet"

    def _wait(self, seconds: float) -> None:
        """Until something comes and is still again, or time is up."""
        until = time.monotonic() + seconds
        first = self._guest.screenshot()
        while (left := until - time.monotonic()) > 0:
            go_on(self._halt)
            if self._guest.screenshot() != first and self.settle(min(left, 1.0)).still:
                return
            time.sleep(min(left, SLICE_S))

    def _apart(self) -> None:
        """Wait until a press is no second click of the last act's."""
        while (left := self._clicked_at + _DOUBLE_S - time.monotonic()) > 0:
            go_on(self._halt)
            time.sleep(min(left, SLICE_S))

    def _run(self, acts: list[list[Any]], at: Point | None = None, keys: bool = False) -> int:
        """Run the hand in the guest; returns how many characters it typed.

        Raises:
            GuestGone, GuestSaid: it may have acted.
            NotPossible: somebody holds a key, or the guest lacks what the hand needs; nothing was pressed.
            _Elsewhere: the pointer is not at `at`; nothing was pressed.
        """
        told = {"do": acts, "own": self._own, "keys": keys, "at": None if at is None else [at.x, at.y]}
        ran = self._guest.execute(["python3", "-c", self._hand, json.dumps(told)], bound_s=_ACT_S)
        if ran.code != 0:
            said = " ".join(ran.error.split())[-160:]
            if "No module named" in said:
                raise NotPossible(f"the guest lacks python-xlib: {said}")
            raise GuestSaid(200, f"the hand in the guest ended with code {ran.code}: {said}")
        try:
            answer = json.loads(ran.output)
            self._own = [int(code) for code in answer.get("own", [])][:256]
            if answer.get("held"):
                raise NotPossible("somebody holds Ctrl, Alt or Super down")
            if "moved" in answer:
                raise _Elsewhere
            return int(answer["typed"])
        except (ValueError, TypeError, KeyError, AttributeError):
            raise GuestSaid(200, "the hand in the guest answered something else than it does") from None

    # Looking

    def _looking(self, ask: Callable[[], _T]) -> _T:
        """Whatever breaks while only looking is the surface that is lost."""
        if self._closed:
            raise SurfaceLost(self._closed)
        try:
            return ask()
        except (GuestGone, GuestSaid, TreeUnreadable) as problem:
            raise SurfaceLost(str(problem)) from None

    def _look(self) -> tuple[bytes, Screen, GuestScreen]:
        png = self._guest.screenshot()
        width, height = png_size(png)
        screen = Screen(width, height)
        return png, screen, screen_of(self._tree(), screen) if self._nodes else GuestScreen(())

    def _shown(self) -> GuestScreen:
        if not self._nodes:
            return GuestScreen(())
        return screen_of(self._tree(), Screen(*self._guest.screen_size()))

    def _tree(self) -> str:
        began = time.monotonic()
        try:
            return self._guest.accessibility()
        finally:
            self._tree_s = time.monotonic() - began

    def _target(self, action: Action, pixels: Target | None = None) -> Target:
        """What an action would touch now; `pixels` has what was compared before the pointer came."""
        if isinstance(action, LaunchApp):
            return Target("guest", None, None, app=action.name)
        shown = self._shown()
        if isinstance(action, Wait | Zoom | OpenUrl):
            return _of(shown.active, None, None)
        point = pointed(action)
        if point is None:
            window, node = shown.focused()
            return _of(window, node, None)
        found = self._under(point, shown, (pixels.region, pixels.region_digest) if pixels else None)
        if isinstance(action, Drag):
            drop = self._under(action.end, shown, (None, pixels.drop_digest) if pixels else None)
            found = replace(found, drop=drop.node, drop_digest=drop.region_digest)
        return found

    def _under(self, point: Point, shown: GuestScreen, pixels: tuple[Rect | None, str] | None) -> Target:
        window, node = shown.at(point)
        target = _of(window, node, point)
        if node is not None and node.tag != "canvas":
            return target
        if pixels is not None:
            return replace(target, region=pixels[0], region_digest=pixels[1])
        frame = Frame(self._guest.screenshot())
        half = _REGION_PX // 2
        size = frame.image.size
        box = Rect(point.x - half, point.y - half, point.x + half, point.y + half).intersect(Rect(0, 0, *size))
        crop = frame.image.crop((box.left, box.top, box.right, box.bottom))
        return replace(target, region=box, region_digest=hashlib.sha256(crop.tobytes()).hexdigest())


@dataclass(slots=True, kw_only=True)
class _Attempt(Attempt):
    target: Target = field(default_factory=lambda: Target("guest", None, None))
    at: Point | None = None
    typed: bool = False


@dataclass(slots=True)
class _ReadBack:
    """Follows one field while a text is typed into it; made just before the first key.

    What is typed replaces what is marked, which the tree does not tell: of what stood there before, any beginning and
    any end may have stayed.
    """

    shown: Callable[[], GuestScreen]
    node: Node
    text: str
    halt: Halt
    arrived: str | None = None
    """What of the text stands in the field; None where that cannot be told."""

    def until(self, typed: int) -> None:
        """Return when so many characters have come to the field, or no more come."""
        until = time.monotonic() + _TAKES_S + _EACH_S * typed
        seen, since = None, time.monotonic()
        while time.monotonic() < until and not self.halt.is_set():
            now = self._now()
            if now is None:
                return
            self.arrived = _new(self.node.value, now, self.text[:typed])
            if self.arrived == self.text[:typed]:
                return
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > _QUIET_TEXT_S:
                return
            time.sleep(SLICE_S)  # between two looks

    def _now(self) -> str | None:
        found = next((one for window in self.shown().windows for one in window.nodes if one.id == self.node.id), None)
        return None if found is None or found.password else found.value


def _new(before: str, now: str, wanted: str) -> str:
    """What was put in: `wanted` where the field can be read so, else all that is not of what stood there before."""
    at = now.find(wanted)
    while at >= 0:
        head, tail = now[:at], now[at + len(wanted) :]
        if before.startswith(head) and before.endswith(tail) and len(head) + len(tail) <= len(before):
            return wanted
        at = now.find(wanted, at + 1)
    start = 0
    while start < min(len(before), len(now)) and before[start] == now[start]:
        start += 1
    end = 0
    while end < min(len(before), len(now)) - start and before[-1 - end] == now[-1 - end]:
        end += 1
    return now[start : len(now) - end]


def _of(window: Window | None, node: Node | None, point: Point | None) -> Target:
    return Target(
        "guest",
        node,
        point,
        app=window.app if window else "",
        window=window.title if window else "",
        secret_field=bool(node and node.password),
    )


def _notches(amount: int) -> int:
    """Of the wheel, for about so many pixels; at least one."""
    if not amount:
        return 0
    count = min(_MOST_NOTCHES, max(1, round(abs(amount) / _WHEEL_PX)))
    return count if amount > 0 else -count


def _symbol(char: str) -> int:
    return keysym_of("enter") if char == "\n" else keysym_of("tab") if char == "\t" else _of_char(char)


def _of_char(char: str) -> int:
    """X's number for a character."""
    code = ord(char)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else 0x01000000 | code


def _reads_back(node: Node, text: str) -> bool:
    """Whether what was typed stands in the node afterwards: a sheet's cells are others with each key, a document's
    paragraph ends with each line, and a terminal answers to it.
    """
    if node.role == "textbox" and node.tag != "terminal":
        return True
    return node.role != "table" and not any(char in text for char in "\n\t")


def _typable(text: str, node: Node | None = None) -> tuple[str, str]:
    """What of a text is typed, and a remark where that is not all of it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(char for char in text if char in "\n\t" or (char >= " " and not "\x7f" <= char <= "\x9f"))
    remark = "" if kept == text else "control characters were left out"
    if node is not None and node.tag == "entry" and any(char in kept for char in "\n\t"):
        kept = kept.strip("\n\t").replace("\n", " ").replace("\t", " ")
        remark = "line breaks were not typed as keys: the field takes one line, and Enter is a key of its own"
    return kept, remark
