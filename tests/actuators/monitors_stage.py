"""A real X server with several monitors: Xorg with its driver for no graphics card at all, which has sixteen outputs."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contract.actuator import Vault
from contract.mint import Mint

from actuators.desktop import DesktopActuator
from sandboxes.base import SandboxUnavailable
from sandboxes.display import cookie_file

__all__ = ["MonitorsStage", "monitors_stage"]

_DRIVER = Path("/usr/lib/xorg/modules/drivers/dummy_drv.so")
_SERVERS = ("/usr/lib/xorg/Xorg", "/usr/bin/Xorg")
_SETTINGS = """Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "DontVTSwitch" "true"
EndSection
Section "Device"
  Identifier "none"
  Driver "dummy"
  VideoRam 65536
EndSection
Section "Screen"
  Identifier "screen"
  Device "none"
  DefaultDepth 24
EndSection
"""
_SIZES = ("640x480", "800x600", "1024x768")


@dataclass
class MonitorsStage:
    """An actuator on the display, and what it takes to look at it from aside."""

    actuator: DesktopActuator
    mint: Mint
    name: str
    authority: Path


@contextmanager
def monitors_stage(folder: Path, layout: Sequence[tuple[str, int, int]]) -> Iterator[MonitorsStage]:
    """A display whose first monitor is the primary one.

    Args:
        folder: an empty one.
        layout: size (one of those that the driver knows), left and top of each monitor, in pixels of the desktop.

    Raises:
        SandboxUnavailable: the server or its driver is not installed, or does not start here.
    """
    program = next((one for one in _SERVERS if Path(one).exists()), "")
    if not program or not _DRIVER.exists() or shutil.which("xrandr") is None:
        packages = "xserver-xorg-core xserver-xorg-video-dummy x11-xserver-utils"
        raise SandboxUnavailable(f"needs Xorg, its dummy driver and xrandr: apt-get install {packages}")
    (folder / "x.conf").write_text(_SETTINGS)
    cookie = secrets.token_bytes(16)
    cookie_file(folder / "server", cookie)
    words = [program, "-displayfd", "1", "-config", str(folder / "x.conf"), "-logfile", str(folder / "x.log")]
    words += ["-auth", str(folder / "server"), "-noreset", "-novtswitch", "-sharevts", "-nolisten", "tcp"]
    with (folder / "x.out").open("wb") as out:
        server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=out, stdin=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        number = server.stdout.readline().strip()
        if not number:
            said = (folder / "x.out").read_text("utf-8", "replace").strip().splitlines() or ["no word"]
            raise SandboxUnavailable(f"Xorg does not start here: {said[-1][:200]}")
        cookie_file(folder / "authority", cookie, int(number))
        name = f":{number}"
        _lay_out(name, folder / "authority", layout)
        mint = Mint()
        with DesktopActuator(mint.verifier(), name, folder / "authority", secrets=Vault()) as actuator:
            yield MonitorsStage(actuator, mint, name, folder / "authority")
    finally:
        if server.stdout is not None:
            server.stdout.close()
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _lay_out(name: str, authority: Path, layout: Sequence[tuple[str, int, int]]) -> None:
    env = {**os.environ, "DISPLAY": name, "XAUTHORITY": str(authority)}
    boxes = [(left, top, *map(int, size.split("x"))) for size, left, top in layout]
    right, bottom = max(left + width for left, _, width, _ in boxes), max(top + height for _, top, _, height in boxes)
    words = ["xrandr", "--fb", f"{right}x{bottom}"]
    for number, (size, left, top) in enumerate(layout):
        assert size in _SIZES
        if number:
            subprocess.run(["xrandr", "--addmode", f"DUMMY{number}", size], env=env, check=True, timeout=30)
        words += ["--output", f"DUMMY{number}", "--mode", size, "--pos", f"{left}x{top}"]
        words += [] if number else ["--primary"]
    subprocess.run(words, env=env, check=True, timeout=30)
