"""What a guest runs to act: this file's own text, sent whole, with one JSON value as its only argument.

It is never put together from parts: what is to be done reaches it as data, beside it, and meets no shell and no
parser of Python. In the guest it needs a Python 3 and python-xlib, which pyautogui brings there, and no other file of
this repository. It answers with one line of JSON.

    {"do": [["move", 10, 20], ["click", 1, 2, [65507]]], "at": [10, 20], "own": []}
    {"did": 2, "typed": 0, "own": [], "at": [10, 20]}            {"moved": [3, 4]}            {"held": true}
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

_DRAG_STEPS, _STEP_S, _SETTLES_S = 12, 0.012, 0.08
_CAPS, _HELD = 0x2, 0x4C
_SHIFT, _CAPS_LOCK = 0xFFE1, 0xFFE5
_COLUMNS = 4


class Hand:
    """Acts on the display that the environment names."""

    def __init__(self, own: list[int]) -> None:
        from Xlib.display import Display

        self.x: Any = Display()
        self.root: Any = self.x.screen().root
        self.own = own
        """Keycodes on which an earlier call has put characters."""
        self.codes: dict[int, tuple[int, bool]] = {}
        self.free: list[int] = []
        self.learn()

    def fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        from Xlib.ext import xtest

        xtest.fake_input(self.x, kind, detail, x=x, y=y)

    def button(self, number: int, down: bool) -> None:
        from Xlib import X

        self.fake(X.ButtonPress if down else X.ButtonRelease, number)
        self.x.sync()

    def key(self, code: int, down: bool) -> None:
        from Xlib import X

        self.fake(X.KeyPress if down else X.KeyRelease, code)

    def move(self, x: int, y: int) -> None:
        from Xlib import X

        self.fake(X.MotionNotify, 0, x, y)
        self.x.sync()

    def at(self) -> list[int]:
        told = self.root.query_pointer()
        return [int(told.root_x), int(told.root_y)]

    def state(self) -> int:
        return int(self.root.query_pointer().mask)

    # Keys

    def learn(self) -> None:
        """Where every character lies; keys of our own count as free."""
        least, most = self.x.display.info.min_keycode, self.x.display.info.max_keycode
        rows = self.x.get_keyboard_mapping(least, most - least + 1)
        for place, row in enumerate(rows):
            code = least + place
            if code in self.own or not any(row):
                self.free.append(code)
                continue
            for shift, symbol in enumerate(row[:2]):
                if symbol:
                    self.codes.setdefault(symbol, (code, bool(shift)))
        for letter in range(ord("a"), ord("z") + 1):
            if letter in self.codes and letter - 32 not in self.codes:
                self.codes[letter - 32] = (self.codes[letter][0], True)

    def put_on(self, symbols: list[int]) -> None:
        """Put characters on free keys; all requests before the first key."""
        for symbol in symbols:
            code = self.free.pop(0)
            self.x.change_keyboard_mapping(code, [[symbol] * _COLUMNS])
            self.codes[symbol] = (code, False)
            if code not in self.own:
                self.own.append(code)
        self.x.sync()

    def clear(self) -> None:
        for code in self.own:
            self.x.change_keyboard_mapping(code, [[0] * _COLUMNS])
        self.x.sync()
        self.own = []

    def hold(self, symbols: list[int]) -> list[int]:
        """Press in order; returns what is down."""
        missing = [one for one in dict.fromkeys(symbols) if one not in self.codes]
        self.put_on(missing)
        down = [self.codes[one][0] for one in symbols]
        for code in down:
            self.key(code, True)
        self.x.sync()
        return down

    def let_go(self, down: list[int]) -> None:
        for code in reversed(down):
            self.key(code, False)
        self.x.sync()

    def type(self, symbols: list[int]) -> int:
        """Type as many as there are keys for; returns how many."""
        end = 0
        missing: list[int] = []
        for symbol in symbols:
            if symbol not in self.codes and symbol not in missing:
                if len(missing) >= len(self.free):
                    break
                missing.append(symbol)
            end += 1
        self.put_on(missing)
        locked = bool(self.state() & _CAPS)
        if locked:
            self.let_go(self.hold([_CAPS_LOCK]))
        held = self.codes[_SHIFT][0]
        for symbol in symbols[:end]:
            code, shift = self.codes[symbol]
            if shift:
                self.key(held, True)
            self.key(code, True)
            self.key(code, False)
            if shift:
                self.key(held, False)
        self.x.sync()
        if locked:
            self.let_go(self.hold([_CAPS_LOCK]))
        return end

    # The mouse

    def click(self, button: int, count: int, symbols: list[int]) -> None:
        down = self.hold(symbols)
        try:
            for _ in range(count):
                self.button(button, True)
                self.button(button, False)
        finally:
            self.let_go(down)

    def drag(self, x: int, y: int) -> None:
        """From where the pointer is, in small steps."""
        begin_x, begin_y = self.at()
        self.button(1, True)
        try:
            for step in range(1, _DRAG_STEPS + 1):
                part = step / _DRAG_STEPS
                self.move(round(begin_x + (x - begin_x) * part), round(begin_y + (y - begin_y) * part))
                time.sleep(_STEP_S)  # a speed that programs can follow
            time.sleep(_SETTLES_S)
        finally:
            self.button(1, False)

    def press(self, seconds: float) -> None:
        """Hold the left button for so long."""
        self.button(1, True)
        try:
            time.sleep(seconds)
        finally:
            self.button(1, False)

    def wheel(self, across: int, down: int) -> None:
        """Notches, positive to the right and downwards."""
        for amount, back, forth in ((down, 4, 5), (across, 6, 7)):
            for _ in range(abs(amount)):
                self.button(forth if amount > 0 else back, True)
                self.button(forth if amount > 0 else back, False)

    def do(self, act: list[Any]) -> int:
        """One act; returns how many characters it typed."""
        name, given = act[0], act[1:]
        if name == "move":
            self.move(*given)
        elif name == "click":
            self.click(*given)
        elif name == "drag":
            self.drag(*given)
        elif name == "press":
            self.press(*given)
        elif name == "wheel":
            self.wheel(*given)
        elif name == "keys":
            self.let_go(self.hold(given[0]))
        elif name == "type":
            return self.type(given[0])
        elif name == "clear":
            self.clear()
        else:
            raise ValueError("no such act")
        return 0


def main(told: dict[str, Any]) -> dict[str, Any]:
    """Do what was told, unless the pointer has been moved away or somebody holds a key."""
    hand = Hand(list(told.get("own", [])))
    if told.get("at") is not None and hand.at() != told["at"]:
        return {"moved": hand.at(), "own": hand.own}
    if told.get("keys") and hand.state() & _HELD:
        return {"held": True, "own": hand.own}
    typed = sum(hand.do(act) for act in told["do"])
    return {"did": len(told["do"]), "typed": typed, "own": hand.own, "at": hand.at()}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
