"""A desktop that can be thrown away: what is inside sees and reaches nothing of what is outside, and ends with it."""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandboxes.base import SandboxUnavailable
from sandboxes.desktop import Desktop, programs_of
from sandboxes.display import Display
from sandboxes.doorman import Doorman
from sandboxes.jail import Jail, what_is_missing
from sandboxes.overlay import Overlay
from sandboxes.syscalls import filter_program

pytestmark = pytest.mark.display


@pytest.fixture(autouse=True)
def _jails() -> None:
    if why := what_is_missing():
        pytest.skip(why)


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    folder = tmp_path_factory.mktemp("desktop")
    try:
        with Desktop({"sh": ("/bin/sh",)}, folder=folder / "desktop", size=(400, 300)) as started:
            yield started
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


def said(desktop: Desktop, script: str) -> str:
    """What a script inside writes."""
    program = desktop.launch("sh", ("-c", script))
    until = time.monotonic() + 20
    while not desktop.ended(program):
        assert time.monotonic() < until
        time.sleep(0.01)
    return (desktop.bus.parent / f"sh-{program.id}.log").read_text()


def test_programs_inside_are_nobody_and_see_no_home_but_their_own(desktop: Desktop) -> None:
    told = said(desktop, "id -u; grep CapEff /proc/self/status; ls / /home /etc; ls /root; echo $HOME; ls -A $HOME")
    assert told.startswith("1000\nCapEff:\t0000000000000000\n")
    assert "shadow" not in told and "ls: cannot access '/root'" in told
    assert told.endswith("/home/agent\n")


def test_memory_is_not_shared_by_number(desktop: Desktop) -> None:
    """The X server outside would take such a number for another one of its own."""
    ask = (
        "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); c.shmget(0, 4096, 0o1600); print(ctypes.get_errno())"
    )
    assert said(desktop, f'python3 -c "{ask}"').strip() == str(errno.ENOSYS)


def test_the_filter_of_a_machine_that_is_not_known_is_none() -> None:
    assert filter_program("vax") == b"" and {len(filter_program(one)) for one in ("x86_64", "aarch64")} == {48}


def test_there_is_no_network_and_no_other_display(desktop: Desktop) -> None:
    with Display((200, 100)) as other, socket.create_server(("127.0.0.1", 0)) as door:
        assert not [
            line
            for line in Path("/proc/net/unix").read_text().splitlines()
            if f"@/tmp/.X11-unix/X{other.name[1:]}" in line
        ]
        port = door.getsockname()[1]
        python = (
            "import socket\n"
            f"for where in (('127.0.0.1', {port}), ('192.0.2.1', 80)):\n"
            "    try: socket.create_connection(where, 2); print('reached')\n"
            "    except OSError as e: print(type(e).__name__)\n"
        )
        told = said(desktop, f'/usr/bin/python3 -c "{python}"; ls /tmp/.X11-unix; cat /proc/net/unix')
    first, second, *rest = told.splitlines()
    assert first == "ConnectionRefusedError" and second in ("OSError", "TimeoutError")
    assert [line for line in rest if line.startswith("X")] == [f"X{desktop.display.name[1:]}"]
    assert not any("@/tmp/.X11-unix" in line for line in rest)


def test_another_cookie_does_not_open_the_display(desktop: Desktop, tmp_path: Path) -> None:
    from Xlib import error
    from Xlib.display import Display as Connection

    from sandboxes.display import cookie_file, opened_with

    wrong = tmp_path / "wrong"
    cookie_file(wrong, b"x" * 16, int(desktop.display.name[1:]))
    with opened_with(wrong), pytest.raises(error.DisplayConnectionError):
        Connection(desktop.display.name)
    assert desktop.display.authority.stat().st_mode & 0o777 == 0o600


def test_only_named_programs_start_and_their_processes_are_known(desktop: Desktop) -> None:
    with pytest.raises(KeyError):
        desktop.launch("xterm")
    program = desktop.launch("sh", ("-c", "sleep 30 & sleep 30; wait"))
    until = time.monotonic() + 10
    inside: list[int] = []
    while len(inside) < 2 and time.monotonic() < until:
        inside = [pid for pid in _sleeping() if desktop.inner(pid) > 1 and desktop.name_of(pid)]
    assert {desktop.name_of(pid) for pid in inside} == {"sh"}
    assert desktop.name_of(os.getpid()) == "" and desktop.name_of(10**7) == ""
    assert program.pid > 1


def _sleeping() -> list[int]:
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                if (place / "comm").read_text() == "sleep\n":
                    found.append(int(place.name))
            except OSError:
                pass
    return found


def test_what_is_not_installed_is_said_with_what_to_do() -> None:
    with pytest.raises(SandboxUnavailable, match="no program `no-such-program`"):
        programs_of(["no-such-program"])
    with pytest.raises(SandboxUnavailable, match=r"no program `\.\./bin/sh`"):
        programs_of(["../bin/sh"])


def test_desktops_side_by_side_know_nothing_of_each_other(desktop: Desktop, tmp_path: Path) -> None:
    with Desktop({"sh": ("/bin/sh",)}, folder=tmp_path / "other", size=(300, 200)) as other:
        assert other.display.name != desktop.display.name
        said(other, "echo mine > $HOME/mine.txt")
        assert other.overlay.read("mine.txt") == b"mine\n" and desktop.overlay.read("mine.txt") is None
        assert desktop.trouble() == other.trouble() == ""


def test_a_killed_display_is_trouble_and_everything_ends_all_the_same(tmp_path: Path) -> None:
    with Desktop({"sh": ("/bin/sh",)}, folder=tmp_path / "desktop", size=(300, 200)) as desktop:
        number = desktop.display.name[1:]
        os.kill(desktop.display.pid, signal.SIGKILL)
        until = time.monotonic() + 5
        while not desktop.trouble():
            assert time.monotonic() < until
        assert desktop.trouble() == "its display has ended"
        wall = desktop._jail._wall if desktop._jail else None
        assert wall is not None
        desktop.close()
        desktop.close()
    assert wall.poll() is not None
    assert not Path(f"/tmp/.X{number}-lock").exists() and not Path(f"/tmp/.X11-unix/X{number}").exists()


def test_nothing_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from sandboxes.desktop import Desktop\n"
        f"d = Desktop({{'sh': ('/bin/sh',)}}, folder=Path({str(tmp_path / 'd')!r}), size=(300, 200)); d.__enter__()\n"
        "print(d.display.pid, d._jail._wall.pid, flush=True); time.sleep(60)\n"
    )
    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    pids = [int(one) for one in child.stdout.readline().split()]
    child.kill()
    child.communicate()
    assert len(pids) == 2 and _gone(pids)


def _gone(pids: Sequence[int]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        states = []
        for pid in pids:
            try:
                states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
            except OSError:
                continue
        if not [one for one in states if one not in "ZX"]:
            return True
        time.sleep(0.02)
    return False


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *given: object) -> None: ...


def test_the_doorman_lets_through_the_hosts_that_were_named_and_no_others(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    python = (
        "import urllib.request\n"
        f"print(urllib.request.urlopen('http://127.0.0.1:{port}/a').read())\n"
        "for url in ('http://127.0.0.1:1/', 'http://localhost/', 'https://example.org/'):\n"
        "    try: print(urllib.request.urlopen(url).read())\n"
        "    except OSError as e: print(e)\n"
    )
    try:
        home = Overlay(None, tmp_path / "home")
        with Jail(home, tmp_path / "desk", hosts=(f"127.0.0.1:{port}",)) as jail:
            program = jail.start(["/usr/bin/python3", "-c", python])
            until = time.monotonic() + 30
            while program.code is None and time.monotonic() < until:
                assert jail.programs
                time.sleep(0.02)
            told = (tmp_path / "desk" / "python3-1.log").read_text()
            assert told.count("403") == 3 and told.startswith("b'hello'"), told
            assert jail.refused == ("GET 127.0.0.1:1", "GET localhost:80", "CONNECT example.org:443")
    finally:
        server.shutdown()
        server.server_close()
    assert Doorman(tmp_path / "x", ["example.org"]).allows("Example.org.", 443)
    assert not Doorman(tmp_path / "x", ["example.org"]).allows("example.org", 8443)
    assert not Doorman(tmp_path / "x", ["example.org"]).allows("www.example.org", 443)


def test_a_recording_is_a_film_of_what_was_drawn(tmp_path: Path) -> None:
    film = tmp_path / "screen.avi"
    with Desktop({"sh": ("/bin/sh",)}, folder=tmp_path / "d", size=(320, 200), record=film) as desktop:
        assert desktop.trouble() == ""
        until = time.monotonic() + 10
        while film.stat().st_size < 2000 and time.monotonic() < until:
            time.sleep(0.05)
    data = film.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"AVI " and struct.unpack("<I", data[4:8])[0] == len(data) - 8
    at = data.index(b"00dc")
    size = struct.unpack("<I", data[at + 4 : at + 8])[0]
    import io

    from PIL import Image

    with Image.open(io.BytesIO(data[at + 8 : at + 8 + size])) as picture:
        assert picture.size == (320, 200) and picture.format == "JPEG"
    assert data.count(b"00dc") >= 2 and b"idx1" in data
