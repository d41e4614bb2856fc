"""`agent devices`: the phones and emulators that adb knows, and what each can do. Looks, and changes nothing."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass

from sandboxes.base import SandboxUnavailable

__all__ = ["Found", "devices", "looked_at"]


@dataclass(frozen=True, slots=True)
class Found:
    """One device. What it does not tell is empty or None."""

    serial: str
    state: str
    """`device` is ready; `unauthorized` wants a yes on its screen; `offline` does not answer."""
    model: str
    android: str = ""
    emulator: bool = False
    """Whether it can be put back to what it was (`restore: true`)."""
    size: str = ""
    """Pixels, as it is held."""
    density: int | None = None
    awake: bool | None = None
    locked: bool | None = None
    unicode: bool | None = None
    """Whether the keyboard for more than ASCII is installed."""
    chords: bool | None = None
    """Whether keys can be held together (Android 12)."""


def devices(as_json: bool) -> int:
    """Print what there is. 0 when a device is ready, 1 when none is."""
    try:
        found = looked_at()
    except SandboxUnavailable as missing:
        print(f"agent devices: {missing}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps({"devices": [asdict(one) for one in found]}, ensure_ascii=False))
    else:
        print("\n".join(_told(found)))
    return 0 if any(one.state == "device" for one in found) else 1


def looked_at() -> list[Found]:
    """Every device. Raises `SandboxUnavailable`."""
    from sandboxes.adb import AdbGone, AdbSilent, Listed, listed_devices

    def one(listed: Listed) -> Found:
        bare = Found(listed.serial, listed.state, listed.model, emulator=listed.emulator)
        if listed.state != "device":
            return bare
        try:
            return _asked(bare)
        except (AdbGone, AdbSilent):
            return Found(listed.serial, "offline", listed.model, emulator=listed.emulator)

    return [one(listed) for listed in listed_devices()]


def _asked(bare: Found) -> Found:
    from actuators.phone import LOOK, state_of
    from actuators.phone_keyboard import PhoneKeyboard
    from sandboxes.adb import Adb, line

    adb = Adb(bare.serial, bound_s=10.0)
    state = state_of(adb.run(LOOK).out)
    sdk = adb.run(line("getprop", "ro.build.version.sdk")).out.strip()
    density = re.findall(r"density: (\d+)", adb.run(line("wm", "density")).out)
    number = int(sdk) if sdk.isdigit() else 0
    return Found(
        serial=bare.serial,
        state=bare.state,
        model=adb.run(line("getprop", "ro.product.model")).out.strip() or bare.model,
        android=adb.run(line("getprop", "ro.build.version.release")).out.strip(),
        emulator=bare.emulator,
        size=f"{state.size[0]}x{state.size[1]}" if state.size else "",
        density=int(density[-1]) if density else None,
        awake=state.awake,
        locked=state.locked,
        unicode=PhoneKeyboard(adb, number).has_unicode(),
        chords=number >= 31,
    )


def _told(found: list[Found]) -> list[str]:
    if not found:
        return ["no device; plug one in with USB debugging on, or: adb connect HOST:PORT"]
    lines = []
    for one in found:
        lines.append(f"{one.serial}  {one.state}  {one.model}".rstrip())
        if one.state == "unauthorized":
            lines.append("    allow this computer on its screen")
        if one.state != "device":
            continue
        sleeps = "locked" if one.locked else "awake" if one.awake else "asleep"
        lines.append(
            f"    Android {one.android or '?'}, {one.size or 'size unknown'}, {one.density or '?'} dpi, {sleeps}"
        )
        typed = "any text" if one.unicode else "ASCII alone (for more, install ADBKeyboard)"
        lines.append(f"    types {typed}; {'holds' if one.chords else 'does not hold'} keys together")
        lines.append(f"    {'can' if one.emulator else 'cannot'} be put back after a run")
    return lines
