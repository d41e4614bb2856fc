"""The guest protocol in both directions: our client with our server and with one that has upstream's quirks; and our
server as upstream's clients speak to it, word for word."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from guest_stage import GuestStages

from sandboxes.base import SandboxUnavailable
from sandboxes.guest import Guest, GuestGone, GuestSaid, Ran
from sandboxes.guest_server import GuestServer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Upstream:
    """Answers as upstream's server does where that is odd; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        """By path: what is answered one after the other, the last for ever."""
        self.scripts = 0
        self.slow = threading.Event()

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        self.asked.append((path, body))
        if path == "/run_bash_script":
            self.scripts += 1
        waiting = self.answers.get(path)
        if waiting:
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]
        told: dict[str, Any] = {
            "/execute": {"status": "success", "output": "a\n", "error": "", "returncode": 0},
            "/run_python": {"status": "error", "need_more": False, "output": "1\n", "error": "x", "return_code": 3},
            "/screen_size": {"width": 1920, "height": 1080},
            "/terminal": {"output": None, "status": "success"},
            "/accessibility": {"AT": "<desktop-frame/>"},
            "/cursor_position": [3, 4],
            "/list_directory": {"directory_tree": {"type": "directory", "name": "a", "children": []}},
        }
        if path == "/run_bash_script":
            said = {"status": "error", "output": "", "error": "name 'x' is not defined", "returncode": -1}
            return 500, json.dumps(said).encode()
        if path == "/window_size":
            return 500, b"<html>500: the view function did not return a valid response</html>"
        if path == "/screenshot":
            return 200, PNG
        if path == "/platform":
            return 200, b"Linux"
        return (200, json.dumps(told[path]).encode()) if path in told else (404, b'{"error": "File not found"}')


@pytest.fixture
def upstream() -> Iterator[tuple[Guest, Upstream]]:
    state = Upstream()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, data = state.answer(self.path, body)
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Guest(f"http://127.0.0.1:{server.server_port}", bound_s=5.0), state
    state.slow.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def quirky(guest_stages: GuestStages) -> Iterator[Guest]:
    """Our own server with upstream's broken endpoint."""
    try:
        guest_stages.guest()
        assert guest_stages._desktop is not None and guest_stages._server is not None
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))
    server = guest_stages._server
    server._quirks = True
    yield guest_stages.guest()
    server._quirks = False


# Our client with upstream's quirks


def test_return_codes_are_read_by_either_name(upstream: tuple[Guest, Upstream]) -> None:
    guest, _ = upstream
    assert guest.execute(["a"]) == Ran(0, "a\n", "")
    assert guest.run_python("x") == Ran(3, "1\n", "x")


def test_a_script_that_ran_and_was_not_told_of_runs_once(upstream: tuple[Guest, Upstream]) -> None:
    guest, state = upstream
    assert guest.run_bash("echo a").code is None
    assert state.scripts == 1
    late = {"status": "error", "error": "Script execution timed out after 1 seconds", "returncode": -1}
    state.answers["/run_bash_script"] = [(500, json.dumps(late).encode())]
    with pytest.raises(GuestSaid, match="timed out"):
        guest.run_bash("sleep 9", timeout_s=1)


def test_a_missing_file_is_asked_for_again_while_there_is_time(upstream: tuple[Guest, Upstream]) -> None:
    guest, state = upstream
    assert guest.download("/a") is None and len(state.asked) == 1
    state.answers["/file"] = [(404, b""), (404, b""), (200, b"there")]
    assert guest.download("/a", wait_s=20) == b"there"
    state.answers["/file"] = [(500, b'{"error": "Permission denied"}')]
    with pytest.raises(GuestSaid, match="Permission denied"):
        guest.download("/a", wait_s=20)


def test_what_changes_nothing_is_asked_again_and_what_may_act_is_not(upstream: tuple[Guest, Upstream]) -> None:
    guest, state = upstream
    state.answers["/screenshot"] = [(500, b"x"), (500, b"x"), (200, PNG)]
    assert guest.screenshot() == PNG and len(state.asked) == 3
    state.answers["/execute"] = [(500, b'{"status": "error", "message": "timed out"}')]
    with pytest.raises(GuestSaid, match="timed out"):
        guest.execute(["a"])
    assert len(state.asked) == 4


def test_a_window_that_is_not_there_has_no_size(upstream: tuple[Guest, Upstream]) -> None:
    assert upstream[0].window_size("vlc") is None


@pytest.mark.parametrize(
    ("path", "said", "ask"),
    [
        ("/execute", b"[]", lambda guest: guest.execute(["a"])),
        ("/execute", b"{", lambda guest: guest.execute(["a"])),
        ("/execute", b"[" * 100_000, lambda guest: guest.execute(["a"])),
        ("/screenshot", b"GIF89a", lambda guest: guest.screenshot()),
        ("/accessibility", b'{"AT": 5}', lambda guest: guest.accessibility()),
        ("/screen_size", b'{"width": -1, "height": "x"}', lambda guest: guest.screen_size()),
        ("/cursor_position", b'{"x": 1}', lambda guest: guest.cursor()),
        ("/file", b"x" * 200, lambda guest: guest.download("/a", most=100)),
    ],
)
def test_answers_that_are_none_are_refused_in_one_line(
    upstream: tuple[Guest, Upstream], path: str, said: bytes, ask: Any
) -> None:
    guest, state = upstream
    state.answers[path] = [(200, said)]
    with pytest.raises(GuestSaid) as refused:
        ask(guest)
    assert "\n" not in str(refused.value)


def test_redirects_are_not_followed(upstream: tuple[Guest, Upstream]) -> None:
    guest, state = upstream
    state.answers["/screenshot"] = [(302, b"")]
    with pytest.raises(GuestSaid, match="302"):
        guest.screenshot()
    assert len(state.asked) == 1


def test_a_guest_that_is_not_there_is_gone_before_anything_was_sent() -> None:
    with pytest.raises(GuestGone) as gone:
        Guest("http://127.0.0.1:9").execute(["a"])
    assert gone.value.unsent


@pytest.mark.parametrize(
    "address", ["127.0.0.1:5000", "ftp://a", "http://", "http://a/b", "http://u@a", "http://a?x", "http://a:99999"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SandboxUnavailable, match="expected an address"):
        Guest(address)


# Our client with our server

pytestmark = pytest.mark.timeout(300)


@pytest.mark.display
def test_programs_run_in_the_jail_and_say_how_they_ended(ours: Guest) -> None:
    assert ours.execute(["sh", "-c", "echo a; echo b >&2; exit 3"]) == Ran(3, "a\n", "b\n")
    assert ours.execute("echo '$HOME x' ~/y") == Ran(0, "$HOME x /home/agent/y\n", "")
    assert ours.execute("echo $HOME; true", shell=True) == Ran(0, "/home/agent\n", "")
    assert ours.run_python("import sys; print(1); sys.exit(3)") == Ran(3, "1\n", "")
    assert ours.run_bash("echo a; echo b >&2; exit 2") == Ran(2, "a\nb\n", "")
    with pytest.raises(GuestSaid, match="No such file"):
        ours.execute(["/no/such/program"])
    with pytest.raises(GuestSaid, match="timed out"):
        ours.run_bash("sleep 30", timeout_s=0.3)


@pytest.mark.display
def test_a_script_that_our_quirky_server_ran_is_not_run_again(quirky: Guest) -> None:
    quirky.execute(["rm", "-f", "/tmp/count"])
    assert quirky.run_bash("echo x >> /tmp/count").code is None
    assert quirky.execute(["cat", "/tmp/count"]).output == "x\n"


@pytest.mark.display
def test_files_go_in_and_out_and_stay_in_the_jail(ours: Guest, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4000
    ours.upload("~/new/folder/ü b.bin", data)
    assert ours.download("~/new/folder/ü b.bin") == data and ours.download("$HOME/new/folder/ü b.bin") == data
    assert ours.download("~/none") is None
    tree = ours.list_directory("~/new")
    assert tree == {
        "type": "directory",
        "name": "new",
        "children": [{"type": "directory", "name": "folder", "children": [{"type": "file", "name": "ü b.bin"}]}],
    }
    assert ours.list_directory("~/none") is None
    (tmp_path / "outside").write_text("x")
    assert ours.download(str(tmp_path / "outside")) is None
    assert b"root" not in (ours.download("/etc/passwd") or b"")
    with pytest.raises(GuestSaid):
        ours.upload("/usr/bin/new", b"x")
    with pytest.raises(GuestSaid, match="Failed to download"):
        ours.download_into("http://127.0.0.1:9/x", "~/x")


@pytest.mark.display
def test_what_is_on_the_screen_is_told(ours: Guest) -> None:
    assert ours.screen_size() == (720, 540) and ours.platform() == "Linux"
    assert int.from_bytes(ours.screenshot()[16:20], "big") == 720
    assert ours.terminal() is None and ours.desktop_path() is None and ours.wallpaper() is None
    size = ours.window_size("stage")
    assert size is not None and size[0] > 300
    assert ours.window_size("nothing") is None
    assert 'screencoord="(' in ours.accessibility()
    assert ours.verified(["true"], {"window_exists": "STAGE"}, wait_s=5)
    assert not ours.verified(["true"], {"command_success": "false"}, wait_s=0.2, interval_s=0.1)


@pytest.mark.display
def test_a_film_is_made_and_ended(ours: Guest) -> None:
    with pytest.raises(GuestSaid, match="No recording"):
        ours.end_recording()
    ours.start_recording()
    with pytest.raises(GuestSaid, match="already"):
        ours.start_recording()
    assert ours.end_recording()[:4] == b"RIFF"


# Our server, word for word


def raw(guest: Guest, path: str, told: Any = None, form: dict[str, str] | None = None, token: str | None = None) -> Any:
    """Status, content type and body of one request, made without our client."""
    data = None if told is None else json.dumps(told).encode()
    headers = {"Authorization": f"Bearer {guest._token if token is None else token}"}
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    elif told is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(guest.address + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=100) as answer:
            return answer.status, answer.headers["content-type"].split(";")[0], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["content-type"].split(";")[0], error.read()


@pytest.mark.display
@pytest.mark.parametrize("path", ["/execute", "/setup/execute"])
def test_our_server_executes_as_upstreams_clients_expect(ours: Guest, path: str) -> None:
    status, kind, body = raw(ours, path, {"command": ["python", "-c", "print(1)"], "shell": False})
    told = json.loads(body)
    assert (status, kind) == (200, "application/json")
    assert told == {"status": "success", "output": "1\n", "error": "", "returncode": 0}
    status, _, body = raw(ours, path, {"command": ["/none"], "shell": False})
    assert status == 500 and json.loads(body)["status"] == "error" and json.loads(body)["message"]


@pytest.mark.display
def test_our_server_names_the_codes_as_upstreams_does(ours: Guest, quirky: Guest) -> None:
    _, _, body = raw(ours, "/run_python", {"code": "import sys; sys.exit(4)"})
    told = json.loads(body)
    assert set(told) == {"status", "message", "need_more", "output", "error", "return_code"}
    assert (told["status"], told["need_more"], told["return_code"]) == ("error", False, 4)
    status, _, body = raw(quirky, "/run_bash_script", {"script": "true"})
    assert status == 500 and json.loads(body)["returncode"] == -1
    assert raw(ours, "/run_python", {})[0] == 400 and raw(ours, "/run_bash_script", {})[0] == 400


@pytest.mark.display
def test_our_servers_other_answers_have_upstreams_shape(ours: Guest) -> None:
    assert raw(ours, "/screenshot")[:2] == (200, "image/png")
    assert raw(ours, "/platform") == (200, "text/plain", b"Linux")
    assert json.loads(raw(ours, "/terminal")[2]) == {"output": None, "status": "success"}
    assert isinstance(json.loads(raw(ours, "/cursor_position")[2]), list)
    assert set(json.loads(raw(ours, "/screen_size", {})[2])) == {"width", "height"}
    assert raw(ours, "/file", form={"file_path": "~/none"}) == (404, "application/json", b'{"error":"File not found"}')
    assert raw(ours, "/file", form={"x": "y"})[0] == 400
    assert raw(ours, "/window_size", form={"x": "y"})[0] == 400
    assert raw(ours, "/list_directory", {"path": "/none"})[0] == 400
    assert raw(ours, "/setup/open_file", {"path": "/none"})[0] == 404
    assert raw(ours, "/setup/activate_window", {"window_name": "nothing like it"})[:2] == (200, "text/plain")
    assert raw(ours, "/setup/launch", {"command": ["true"]})[:2] == (200, "text/plain")
    status, _, body = raw(
        ours,
        "/execute_with_verification",
        {"command": "true", "verification": {"window_exists": "none"}, "max_wait_time": 0.1, "check_interval": 0.1},
    )
    told = json.loads(body)
    assert (status, told["status"], told["verification"]) == (500, "verification_failed", "failed")


@pytest.mark.display
@pytest.mark.parametrize("token", ["", "wrong", "ü"])
def test_without_the_token_nothing_is_told_or_done(ours: Guest, token: str) -> None:
    for path, told in (("/screenshot", None), ("/execute", {"command": ["touch", "/tmp/touched"]})):
        status, _, body = raw(ours, path, told, token=token.encode().decode("latin-1"))
        assert status == 401 and b"token" in body
    assert ours.execute(["ls", "/tmp/touched"]).code != 0


@pytest.mark.display
def test_our_server_listens_on_loopback_alone(guest_stages: GuestStages, ours: Guest) -> None:
    server = guest_stages._server
    assert isinstance(server, GuestServer) and server.address.startswith("http://127.0.0.1:")
    assert len(server.token) >= 24
    assert raw(ours, "/execute", told=[1])[0] == 400 and raw(ours, "/none", {})[0] == 404
