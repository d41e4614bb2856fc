"""A keyboard on an X display: every character, whatever the layout.

What the layout has in its first group is typed as it lies there; everything else is put on keys that nothing uses,
all of a chunk at once, and stays there until the next chunk needs them: programs look a key up when they read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from actuators.errors import SurfaceLost
from actuators.keys import browser_key
from actuators.x11 import Server

__all__ = ["Keyboard", "keysym_of"]

_NAMED = {
    "enter": 0xFF0D, "tab": 0xFF09, "escape": 0xFF1B, "backspace": 0xFF08, "delete": 0xFFFF, "insert": 0xFF63,
    "space": 0x20, "up": 0xFF52, "down": 0xFF54, "left": 0xFF51, "right": 0xFF53, "home": 0xFF50, "end": 0xFF57,
    "page_up": 0xFF55, "page_down": 0xFF56, "ctrl": 0xFFE3, "shift": 0xFFE1, "alt": 0xFFE9, "meta": 0xFFEB,
    **{f"f{n}": 0xFFBD + n for n in range(1, 13)},
}  # fmt: skip
_SHIFT = 0xFFE1
_COLUMNS = 4
"""Columns of a key that is put on: two levels in two groups, all alike."""
_CAPS, _GROUPS, _HELD = 0x2, 0x6000, 0x4C
"""In the state of the keyboard: caps lock; the group; Ctrl, Alt and Super."""


def keysym_of(name: str) -> int:
    """X's number for a key's name or a character.

    Raises:
        ValueError: no such key.
    """
    if name in _NAMED:
        return _NAMED[name]
    browser_key(name)
    return _of_char(name)


class Keyboard:
    """Presses keys. The keys that nothing uses are cleared again by `close`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._put: dict[int, int] = {}
        """Keycodes by the keysym that was put on them, the one used longest ago first."""
        self._free: list[int] = []
        self._codes: dict[int, tuple[int, bool]] = {}
        """Keycode and whether Shift is needed, by keysym."""
        self._learn()

    def close(self) -> None:
        with suppress(SurfaceLost):
            self._map(dict.fromkeys(self._put.values(), 0))
        self._put.clear()

    @property
    def held(self) -> bool:
        """Whether somebody holds Ctrl, Alt or Super down."""
        return bool(self._state() & _HELD)

    @contextmanager
    def holding(self, names: tuple[str, ...]) -> Iterator[None]:
        """Keys that are pressed in order and released in reverse, whatever happens meanwhile."""
        codes = self._prepared([keysym_of(name) for name in names])
        down: list[int] = []
        try:
            for code in codes:
                self._key(code, True)
                down.append(code)
            self._flush()
            yield
        finally:
            for code in reversed(down):
                with suppress(SurfaceLost):
                    self._key(code, False)
            with suppress(SurfaceLost):
                self._flush()

    def type(self, text: str, taken_in: Callable[[int], None]) -> None:
        """Type a text, line breaks as Return and tabs as Tab.

        Args:
            text: nothing in it is a key but those two.
            taken_in: called with the number of characters typed so far before keys are put on anew: it returns when
                the program has read them.
        """
        self._learn()
        locked = bool(self._state() & _CAPS)
        if locked:
            self._tap(0xFFE5)
        start = 0
        while start < len(text):
            end = self._chunk(text, start)
            codes = self._prepared(list(dict.fromkeys(_of_char(char) for char in text[start:end])), plain=False)
            if codes:
                for char in text[start:end]:
                    self._press(_of_char(char))
                self._flush()
            start = end
            if start < len(text):
                taken_in(start)
        if locked:
            self._tap(0xFFE5)

    def _chunk(self, text: str, start: int) -> int:
        """How far one set of keys reaches."""
        room = len(self._free) + len(self._put)
        wanted: set[int] = set()
        for place in range(start, len(text)):
            symbol = _of_char(text[place])
            if symbol not in self._codes:
                wanted.add(symbol)
                if len(wanted) > room:
                    return max(place, start + 1)
        return len(text)

    def _prepared(self, symbols: list[int], plain: bool = True) -> list[int]:
        """The keycodes of some keysyms, put on where there are none; `plain` leaves Shift aside."""
        missing = [one for one in symbols if one not in self._codes and one not in self._put]
        if missing:
            self._put_on(missing, keep={one for one in symbols if one in self._put})
        return [self._put[one] if one in self._put else self._codes[one][0] for one in symbols]

    def _put_on(self, symbols: list[int], keep: set[int]) -> None:
        if len(symbols) > len(self._free) + len(self._put) - len(keep):
            raise ValueError("this keyboard has too few free keys")
        wanted: dict[int, int] = {}
        for symbol in symbols:
            if self._free:
                code = self._free.pop(0)
            else:
                oldest = next(one for one in self._put if one not in keep)
                code = self._put.pop(oldest)
            self._put[symbol] = code
            keep.add(symbol)
            wanted[code] = symbol
        self._map(wanted)

    def _map(self, wanted: dict[int, int]) -> None:
        """Put keysyms on keycodes, 0 for none; in few requests, since every program reads all keys anew after each."""
        codes = sorted(wanted)
        with self._server.asking() as x:
            while codes:
                run = [codes.pop(0)]
                while codes and codes[0] == run[-1] + 1:
                    run.append(codes.pop(0))
                x.change_keyboard_mapping(run[0], [[wanted[code]] * _COLUMNS for code in run])
            x.sync()

    def _press(self, symbol: int) -> None:
        if symbol in self._put:
            self._put[symbol] = code = self._put.pop(symbol)
            shift = False
        else:
            code, shift = self._codes[symbol]
        held = self._codes[_SHIFT][0]
        if shift:
            self._key(held, True)
        self._key(code, True)
        self._key(code, False)
        if shift:
            self._key(held, False)

    def _tap(self, symbol: int) -> None:
        (code,) = self._prepared([symbol])
        self._key(code, True)
        self._key(code, False)
        self._flush()

    def _learn(self) -> None:
        """Where everything lies now; another layout may have been chosen since."""
        with self._server.asking() as x:
            least, most = x.display.info.min_keycode, x.display.info.max_keycode
            rows = x.get_keyboard_mapping(least, most - least + 1)
        mine = set(self._put.values())
        lies = {least + place: tuple(row) for place, row in enumerate(rows)}
        self._put = {one: code for one, code in self._put.items() if lies[code] and lies[code][0] == one}
        self._free = [code for code, row in lies.items() if not any(row)]
        grouped = bool(self._state() & _GROUPS)
        self._codes = {}
        for code, row in lies.items():
            if code in mine or not any(row):
                continue
            for shift, symbol in enumerate(row[:2]):
                named = symbol > 0xFF and symbol < 0x01000000
                if symbol and (named or not grouped):
                    self._codes.setdefault(symbol, (code, bool(shift)))
        for letter in range(ord("a"), ord("z") + 1):  # a row `a, nothing` types `A` with Shift
            if letter in self._codes and letter - 32 not in self._codes:
                self._codes[letter - 32] = (self._codes[letter][0], True)

    def _state(self) -> int:
        with self._server.asking():
            return int(self._server.root.query_pointer().mask)

    def _key(self, code: int, down: bool) -> None:
        from Xlib import X
        from Xlib.ext import xtest

        with self._server.asking() as x:
            xtest.fake_input(x, X.KeyPress if down else X.KeyRelease, code)

    def _flush(self) -> None:
        with self._server.asking() as x:
            x.sync()


def _of_char(char: str) -> int:
    if char in "\n\r":
        return 0xFF0D
    if char == "\t":
        return 0xFF09
    code = ord(char)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else 0x01000000 | code
