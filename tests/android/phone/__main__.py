"""`python -m tests.android.phone --port 5557`: a phone to try deskhand on. Ctrl+C ends it."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from tests.android.phone.running import Served


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.android.phone", description="A virtual phone behind adb.")
    parser.add_argument("--port", type=int, default=0, help="to listen on, on loopback; 0 for a free one")
    parser.add_argument("--size", default="720x1440", help="width and height in pixels")
    parser.add_argument("--density", type=int, default=320, help="dots to an inch; 160 is one pixel to a dp")
    parser.add_argument("--pin", default="", help="lock the screen with this PIN")
    parser.add_argument("--no-unicode-keyboard", action="store_true", help="as a phone without ADBKeyboard")
    given = parser.parse_args()
    width, sign, height = given.size.partition("x")
    if not sign or not width.isdigit() or not height.isdigit():
        parser.error(f"--size takes WIDTHxHEIGHT, got `{given.size}`")
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    size = (int(width), int(height))
    try:
        served = Served(
            given.port, size=size, density=given.density, pin=given.pin, unicode_keyboard=not given.no_unicode_keyboard
        )
        with served:
            served.phone.locked = bool(given.pin)
            print(json.dumps({"address": served.address}), flush=True)
            print(f"connect with: adb connect {served.address}", file=sys.stderr, flush=True)
            over.wait()
    except OSError as problem:
        print(f"python -m tests.android.phone: port {given.port}: {problem.strerror or problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
