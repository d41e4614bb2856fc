"""Text and keys for a phone, by two ways.

ASCII goes through `input text`, as key events of a keyboard: it needs nothing on the phone and passes no app on its
way. Everything else goes through an input method that takes base64 (`ADBKeyboard`), in a broadcast to its package
alone: the key map of `input text` has no other characters, and Android's shell has no clipboard. That input method is
switched on when it is first wanted, and the one that was there is put back at the end.
"""

from __future__ import annotations

import base64
import re
import time
import unicodedata
from contextlib import suppress

from actuators.errors import SurfaceError
from actuators.keycodes import keycodes
from sandboxes.adb import Adb, AdbGone, AdbSilent, Line, Said, line

__all__ = ["KeyboardMissing", "PhoneKeyboard", "kept_text"]

IME = "com.android.adbkeyboard/.AdbIME"
_STATE = Line("dumpsys input_method")
_PIECE = 120
"""Characters in one command."""
_READY_S = 4.0
_MULTI_LINE = 0x20000


class KeyboardMissing(Exception):
    """The phone has no keyboard that could type this."""


def kept_text(text: str, lines: bool) -> tuple[str, str]:
    """What of a text can be typed into a field of one or several lines, and a remark where that is not all of it."""
    flat = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = "".join(char for char in flat if char == "\n" or unicodedata.category(char) not in ("Cc", "Cs"))
    remark = "" if kept == flat else "control characters were left out"
    if not lines and "\n" in kept:
        kept = kept.strip("\n").replace("\n", " ")
        remark = "line breaks were not typed as keys: the field takes one line, and Enter is a key of its own"
    return kept, remark


class PhoneKeyboard:
    """Types on one device."""

    def __init__(self, adb: Adb, sdk: int) -> None:
        self._adb = adb
        self._sdk = sdk
        self._before = ""
        self._known: bool | None = None

    def has_unicode(self) -> bool:
        """Whether the input method that takes base64 is installed."""
        if self._known is None:
            self._known = IME in self._adb.run(line("ime", "list", "-a", "-s")).out.split()
        return self._known

    def takes_lines(self) -> bool:
        """Whether the field that has the focus takes several lines, as it told its input method."""
        told = re.findall(r"\binputType=(0x[0-9a-f]+)", self._adb.run(_STATE).out)
        return bool(told) and bool(int(told[-1], 16) & _MULTI_LINE)

    def possible(self, text: str) -> None:
        """Raises `KeyboardMissing` for a text that this phone cannot type; nothing is touched."""
        if not text.isascii() and not self.has_unicode():
            raise KeyboardMissing(
                "the phone has no keyboard for more than ASCII: install ADBKeyboard (com.android.adbkeyboard) on it"
            )

    def ready(self, text: str) -> None:
        """Switch on the input method that `text` needs. Raises `KeyboardMissing` when it does not come."""
        self.possible(text)
        if text.isascii() or self._before:
            return
        before = self._adb.run(line("settings", "get", "secure", "default_input_method")).out.strip()
        for verb in ("enable", "set"):
            said = self._adb.run(line("ime", verb, IME))
            if said.code or "cannot" in said.all:
                raise KeyboardMissing(f"the phone does not switch to ADBKeyboard: {said.all}")
            self._before = before or IME
        until = time.monotonic() + _READY_S
        while f"mCurMethodId={IME}" not in self._adb.run(_STATE).out:
            if time.monotonic() > until:
                raise KeyboardMissing("the phone does not switch to ADBKeyboard in time")

    def write(self, text: str) -> None:
        """Type into what has the focus; `ready` comes first. Raises `AdbGone`, `AdbSilent`, `SurfaceError`."""
        if text.isascii():
            self._write_keys(text)
            return
        for at in range(0, len(text), _PIECE):
            coded = base64.b64encode(text[at : at + _PIECE].encode()).decode()
            to = IME.partition("/")[0]
            _done(self._adb.run(line("am", "broadcast", "-a", "ADB_INPUT_B64", "-p", to, "--es", "msg", coded)))

    def _write_keys(self, text: str) -> None:
        for number, row in enumerate(text.split("\n")):
            if number:
                _done(self._adb.run(line("input", "keyevent", "KEYCODE_ENTER")))
            for at in range(0, len(row), _PIECE):
                # `input text` makes a space of `%s`: the two characters travel apart
                for piece in re.split(r"(?<=%)(?=s)", row[at : at + _PIECE]):
                    _done(self._adb.run(line("input", "text", piece)))

    def press(self, keys: tuple[str, ...]) -> None:
        """Press keys, in order, and let go in reverse. Raises `AdbGone`, `AdbSilent`, `SurfaceError`."""
        codes = self.codes(keys)
        verb = "keyevent" if len(codes) == 1 else "keycombination"
        _done(self._adb.run(line("input", verb, *codes)))

    def codes(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """The key events of a chord. Raises ValueError for an unknown key, or for a chord before Android 12."""
        codes = tuple(dict.fromkeys(code for key in keys for code in keycodes(key)))
        if len(codes) > 1 and self._sdk < 31:
            raise ValueError("keys can be held together from Android 12 on; this phone is older")
        return codes

    def restore(self) -> None:
        """Put back the input method that was there; a phone that is gone keeps what it has."""
        before, self._before = self._before, ""
        if before and before != IME:
            with suppress(AdbGone, AdbSilent):
                self._adb.run(line("ime", "set", before))


def _done(said: Said) -> None:
    if said.code or "Exception" in said.out + said.err:
        raise SurfaceError(f"the phone refused it: {said.all}")
