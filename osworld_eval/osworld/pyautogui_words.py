"""Acts as lines of pyautogui, as upstream's results and runners have them. Text only: nothing here is run.

Where pyautogui itself falls short the line says the same in another way: `<` is typed as Shift and a comma, because
pyautogui types `>`; characters beyond ASCII go by way of Xlib, which pyautogui brings along on Linux.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from model.base import Act, Blocked, Finish, Move

__all__ = ["DONE", "FAIL", "WAIT", "code_of", "words_of"]

WAIT, DONE, FAIL = "WAIT", "DONE", "FAIL"
_NOTCH_PX = 40
_CLICKS = {("left", 1): "click", ("right", 1): "rightClick", ("middle", 1): "middleClick", ("left", 2): "doubleClick"}
_KEYS = {
    "meta": "win", "page_up": "pageup", "page_down": "pagedown", "caps_lock": "capslock",
    "print_screen": "printscreen", "escape": "esc",
}  # fmt: skip
"""Names of keys that pyautogui spells in another way."""
_BEYOND = (
    "import time; from Xlib import X, display; from Xlib.ext import xtest; _d = display.Display(); "
    "_i = _d.display.info; _n = _i.max_keycode - _i.min_keycode + 1; "
    "_c = next(_i.min_keycode + _k for _k, _row in enumerate(_d.get_keyboard_mapping(_i.min_keycode, _n)) "
    "if not any(_row)); "
    "[(_d.change_keyboard_mapping(_c, [[_s] * 4]), _d.sync(), time.sleep(0.05), "
    "xtest.fake_input(_d, X.KeyPress, _c), xtest.fake_input(_d, X.KeyRelease, _c), _d.sync(), time.sleep(0.05)) "
    "for _s in {symbols}]; _d.change_keyboard_mapping(_c, [[0] * 4]); _d.sync()"
)
"""Puts each character on a free key and presses it."""


def words_of(move: Move) -> str:
    """A move as upstream's runner takes it: a line of pyautogui, `WAIT`, `DONE` or `FAIL`; empty where it does nothing.

    Whoever asks for a person, or says nothing that can be read, does nothing.
    """
    match move:
        case Act(action=Wait()):
            return WAIT
        case Act(action=action):
            return code_of(action)
        case Finish():
            return DONE
        case Blocked():
            return FAIL
        case _:
            return ""


def code_of(action: Action) -> str:
    """One act; empty for what pyautogui has no word for."""
    match action:
        case Click(modifiers=keys) if keys:
            held = [_key(one) for one in keys]
            down = "; ".join(f"pyautogui.keyDown({one!r})" for one in held)
            up = "; ".join(f"pyautogui.keyUp({one!r})" for one in reversed(held))
            return f"{down}; {_click(action)}; {up}"
        case Click():
            return _click(action)
        case Hover(at=at):
            return f"pyautogui.moveTo({at.x}, {at.y})"
        case Drag(start=start, end=end):
            return f"pyautogui.moveTo({start.x}, {start.y}); pyautogui.dragTo({end.x}, {end.y}, duration=0.5)"
        case Scroll(at=at, dx=dx, dy=dy):
            return _scroll(at.x, at.y, dx, dy)
        case TypeText(text=text):
            return "; ".join(_typing(text))
        case PressKeys(keys=keys):
            named = [_key(one) for one in keys]
            return f"pyautogui.press({named[0]!r})" if len(named) == 1 else f"pyautogui.hotkey({str(named)[1:-1]})"
        case SystemButton(button="enter"):
            return "pyautogui.press('enter')"
        case LongPress(at=at, seconds=seconds):
            return (
                f"pyautogui.moveTo({at.x}, {at.y}); pyautogui.mouseDown(); time.sleep({seconds:g}); pyautogui.mouseUp()"
            )
        case Wait(seconds=seconds):
            return f"time.sleep({seconds:g})"
        case Zoom() | Swipe() | SystemButton() | LaunchApp() | OpenUrl():
            return ""


def _click(action: Click) -> str:
    at = f"{action.at.x}, {action.at.y}"
    name = _CLICKS.get((action.button, action.count))
    if name is not None:
        return f"pyautogui.{name}({at})"
    return f"pyautogui.click({at}, clicks={action.count}, interval=0.05, button={action.button!r})"


def _scroll(x: int, y: int, dx: int, dy: int) -> str:
    """Pyautogui's wheel counts notches, positive upwards and to the right."""
    parts = [f"pyautogui.moveTo({x}, {y})"]
    if dy:
        parts.append(f"pyautogui.scroll({-_notches(dy)})")
    if dx:
        parts.append(f"pyautogui.hscroll({_notches(dx)})")
    return "; ".join(parts)


def _notches(amount: int) -> int:
    count = max(1, round(abs(amount) / _NOTCH_PX))
    return count if amount > 0 else -count


def _key(name: str) -> str:
    return _KEYS.get(name, name)


def _typing(text: str) -> Iterator[str]:
    """Statements that type a text: what pyautogui can, and what it cannot by other means."""
    for kind, part in _pieces(text):
        match kind:
            case "plain":
                yield f"pyautogui.typewrite({part!r}, interval=0.03)"
            case "line":
                yield "pyautogui.press('enter')"
            case "less":
                yield "pyautogui.hotkey('shift', ',')"
            case "beyond":
                yield _BEYOND.format(symbols=[_symbol(char) for char in part])


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    kept, kind = "", ""
    for char in text.replace("\r\n", "\n").replace("\r", "\n"):
        now = _kind(char)
        if not now:
            continue
        if kept and (now != kind or now in ("line", "less")):
            yield kind, kept
            kept = ""
        kept, kind = kept + char, now
    if kept:
        yield kind, kept


def _kind(char: str) -> str:
    """How a character is typed; empty for one that no key stands for."""
    if char == "\n":
        return "line"
    if char == "<":
        return "less"
    if char == "\t" or " " <= char <= "~":
        return "plain"
    return "" if char < " " or "\x7f" <= char <= "\x9f" else "beyond"


def _symbol(char: str) -> int:
    """X's number for a character."""
    code = ord(char)
    return code if 0xA0 <= code <= 0xFF else 0x01000000 | code
