"""The virtual phone against the real adb program, and its shell against what a mksh makes of a line."""

from __future__ import annotations

import asyncio
import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from tests.android.phone.adb_server import AdbServer
from tests.android.phone.device import Phone
from tests.android.phone.running import APPS, Served
from tests.android.phone_stage import PhoneStage

pytestmark = pytest.mark.android


def shell(line: str, phone: Phone | None = None) -> tuple[int, str, str]:
    found = asyncio.run((phone or Phone(APPS, size=(120, 240), density=80)).execute(line))
    return found[0], found[1].decode(), found[2].decode()


LINES = [
    ("echo a  b", "a b\n"),
    ("echo 'a  b' \"c  d\" e\\ \\ f", "a  b c  d e  f\n"),
    ("echo $HOME '$HOME' \"$HOME\" \\$HOME", "/ $HOME / $HOME\n"),
    ("echo `echo a` $(echo b; echo c) \"$(echo 'd  e')\"", "a b c d  e\n"),
    ("echo 'it'\\''s'", "it's\n"),
    ("false || echo no; true && echo yes", "no\nyes\n"),
    ("false; echo $?", "1\n"),
    ("(echo a; echo b) | grep b", "b\n"),
    ("echo a > /sdcard/f; echo b >> /sdcard/f; cat < /sdcard/f", "a\nb\n"),
    ("nothere 2>&1 | grep -F inaccessible", "/system/bin/sh: nothere: inaccessible or not found\n"),
    ("echo a # b", "a\n"),
    ("x=5; echo $x${x}a", "55a\n"),
    ("echo $'a\\nb'", "a\nb\n"),
    ("echo /sdcard/Download/*", "/sdcard/Download/notes.txt\n"),
    ("echo '/sdcard/Download/*'", "/sdcard/Download/*\n"),
    ("echo \"$(echo '$(echo x)')\"", "$(echo x)\n"),
    ("echo ''", "\n"),
    ("echo a\\\nb", "ab\n"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "out"), LINES)
def test_the_shell_reads_lines_as_mksh_does(line: str, out: str) -> None:
    assert shell(line)[1] == out


@pytest.mark.parametrize(
    "line", ["echo 'a", 'echo "a', "echo $(echo a", "echo a)", "; echo", "echo a &&", "echo a | ", "if true", "echo >"]
)
def test_a_line_that_is_none_executes_nothing(line: str) -> None:
    phone = Phone(APPS, size=(120, 240), density=80)
    code, out, err = shell(line, phone)
    assert (code, out) == (1, "") and err.startswith("/system/bin/sh: ") and phone.ran == []


def test_input_text_is_as_limited_as_on_a_phone() -> None:
    phone = Phone(APPS, size=(120, 240), density=80)
    assert shell("input text a%sb", phone)[0] == 0 and phone.typed == ["a b"]
    assert "NullPointerException" in shell("input text 'Zoë'", phone)[2]


def test_the_real_adb_program_drives_it(served: Served, adb_server: AdbServer, tmp_path: Path) -> None:
    adb = lambda *words: adb_server.adb("-s", served.address, *words)  # noqa: E731
    assert b"model:Virtual_Phone" in adb_server.adb("devices", "-l").stdout
    assert adb("shell", "exit 7").returncode == 7
    assert adb("shell", "wm", "size").stdout.split() == [b"Physical", b"size:", b"540x1080"]
    with Image.open(io.BytesIO(adb("exec-out", "screencap", "-p").stdout)) as picture:
        assert picture.size == (540, 1080)
    raw = adb("exec-out", "screencap").stdout
    assert struct.unpack_from("<3I", raw) == (540, 1080, 1) and len(raw) == 16 + 540 * 1080 * 4
    sent = tmp_path / "sent.bin"
    sent.write_bytes(bytes(range(256)) * 3000)
    assert adb("push", str(sent), "/sdcard/sent.bin").returncode == 0
    assert adb("pull", "/sdcard/sent.bin", str(tmp_path / "back.bin")).returncode == 0
    assert (tmp_path / "back.bin").read_bytes() == sent.read_bytes()
    assert b"sent.bin" in adb("shell", "ls", "/sdcard").stdout


def test_the_library_finds_its_way_too(served: Served, adb_server: AdbServer) -> None:
    from adbutils import AdbClient

    device = AdbClient(host="127.0.0.1", port=adb_server.port).device(served.address)
    assert device.shell2("echo a; false", v2=True).returncode == 1
    assert device.sync.stat("/sdcard/Download/notes.txt").size == len(b"bread\nmilk\n")
    assert [entry.path for entry in device.sync.list("/sdcard/Download")] == ["notes.txt"]
    assert b"".join(device.sync.iter_content("/sdcard/Download/notes.txt")) == b"bread\nmilk\n"


def test_the_shade_the_keyboard_and_the_lock(stage: PhoneStage) -> None:
    phone, served = stage.phone, stage.served
    served.do(lambda: phone.notify("Shop", "Parcel"))
    asyncio.run_coroutine_threadsafe(phone.swipe((100, 5), (100, 600), 0.05), served._loop).result(5)
    assert phone.shade and "Parcel" in phone.dump()
    served.do(phone.back)
    assert not phone.shade
    served.do(lambda: phone.key("SLEEP"))
    assert phone.dump() == "" and phone.picture().getextrema()[:3] == ((0, 0), (0, 0), (0, 0))


def test_the_front_door_starts_a_phone_and_ends_with_a_signal(adb_server: AdbServer) -> None:
    import json
    import signal
    import subprocess
    import sys

    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.android.phone", "--size", "200x400"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout and child.stderr
    try:
        address = json.loads(child.stdout.readline())["address"]
        assert child.stderr.readline().strip() == f"connect with: adb connect {address}"
        adb_server.connect(address)
        assert adb_server.adb("-s", address, "shell", "getprop", "ro.product.model").stdout == b"Virtual Phone\n"
        adb_server.adb("disconnect", address)
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        child.stderr.close()
    bad = subprocess.run(
        [sys.executable, "-m", "tests.android.phone", "--size", "big"], cwd=root, capture_output=True, text=True
    )
    assert bad.returncode == 2 and "WIDTHxHEIGHT" in bad.stderr
