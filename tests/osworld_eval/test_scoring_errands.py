"""What a scoring jail may ask for, and what it is told: against a pretended guest."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osworld_eval.osworld.assets import Assets
from osworld_eval.osworld.scoring import errands as subject
from osworld_eval.osworld.scoring.errands import Errands
from osworld_eval.osworld.scoring.pretend import PretendGuest, State


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[PretendGuest]:
    (tmp_path / "shared").mkdir()
    (tmp_path / "handed").mkdir()
    with PretendGuest(tmp_path / "shared", token="a-token") as made:
        yield made


def errands(guest: PretendGuest, tmp_path: Path, *urls: str, **ports: int) -> Errands:
    return Errands(guest.address, guest.token, ports, Assets(tmp_path / "assets"), urls, tmp_path / "handed")


def ask(to: Errands, url: str, method: str = "GET", body: bytes | None = None, **more: Any) -> dict[str, Any]:
    told = {"method": method, "url": url, "body": None if body is None else base64.b64encode(body).decode(), **more}
    return to.answer(told, time.monotonic() + 20)


def test_requests_reach_the_guest_with_its_token_whatever_host_the_jail_takes_it_for(
    guest: PretendGuest, tmp_path: Path
) -> None:
    to = errands(guest, tmp_path)
    told = ask(to, f"http://127.0.0.1:{guest.port}/screen_size", "POST", headers={"Authorization": "Bearer other"})
    assert told["status"] == 200 and b"1920" in base64.b64decode(told["body"])


def test_a_form_and_json_arrive_as_they_were_sent(guest: PretendGuest, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("hello")
    guest.state = State(files={"/home/user/a b": tmp_path / "a"}, outputs={"tell me": "told"})
    to = errands(guest, tmp_path)
    place = f"http://127.0.0.1:{guest.port}"
    form = ask(to, f"{place}/file", "POST", b"file_path=%2Fhome%2Fuser%2Fa+b",
               headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert base64.b64decode(form["body"]) == b"hello"
    said = ask(to, f"{place}/execute", "POST", b'{"command": "tell me"}', headers={"Content-Type": "application/json"})
    assert b"told" in base64.b64decode(said["body"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/file",
        "http://example.invalid/",
        "https://127.0.0.1/x",
        "http://localhost:{port}/screen_size",
        "http://user@127.0.0.2:{port}/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://[::1]:{port}/",
        "http://127.0.0.1:{port}@example.invalid/",
        "nonsense",
        "http://127.0.0.1:99999/",
    ],
)
def test_no_other_address_is_reached(url: str, guest: PretendGuest, tmp_path: Path) -> None:
    told = ask(errands(guest, tmp_path), url.replace("{port}", str(guest.port)))
    assert "status" not in told and "gone" in told and not guest.asked


@pytest.mark.parametrize(
    "told", [{}, {"method": "GET"}, {"method": "GET", "url": 3}, {"method": "GET", "url": "x", "body": "%"}]
)
def test_what_is_no_request_is_answered_all_the_same(told: dict[str, Any], guest: PretendGuest, tmp_path: Path) -> None:
    assert "gone" in errands(guest, tmp_path).answer(told, time.monotonic() + 5)


def test_methods_that_upstream_never_uses_are_refused(guest: PretendGuest, tmp_path: Path) -> None:
    assert "gone" in ask(errands(guest, tmp_path), f"http://127.0.0.1:{guest.port}/file", "DELETE")


def test_files_come_from_the_cache_of_assets_when_the_task_names_them(guest: PretendGuest, tmp_path: Path) -> None:
    (tmp_path / "shared" / "gold.txt").write_text("gold")
    named, other = (f"{guest.address}/shared/{name}" for name in ("gold.txt", "other.txt"))
    to = errands(guest, tmp_path, named, f"{guest.address}/shared/none.txt")
    told = ask(to, named)
    assert told["status"] == 200 and (tmp_path / "handed" / told["file"]).read_text() == "gold"
    guest.asked.clear()
    assert ask(to, named)["status"] == 200 and not guest.asked  # the second time from the cache
    assert ask(to, other)["status"] == 404  # the guest's own port, which has no such page
    assert ask(to, f"{guest.address}/shared/none.txt")["status"] == 404 and "cannot be fetched" in to.notes[-1]


def test_a_large_answer_is_handed_in_as_a_file_and_one_too_large_is_refused(
    guest: PretendGuest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_bytes(b"x" * 300_000)
    guest.state = State(files={"/big": tmp_path / "big"})
    to = errands(guest, tmp_path)
    form = {"headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    told = ask(to, f"http://127.0.0.1:{guest.port}/file", "POST", b"file_path=%2Fbig", **form)
    assert (tmp_path / "handed" / told["file"]).stat().st_size == 300_000
    monkeypatch.setattr(subject, "MOST_ANSWER", 100_000)
    told = ask(to, f"http://127.0.0.1:{guest.port}/file", "POST", b"file_path=%2Fbig", **form)
    assert "larger than" in told["gone"] and len(list((tmp_path / "handed").iterdir())) == 1


def test_only_so_many_requests_are_carried_out(
    guest: PretendGuest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "MOST_ASKED", 2)
    to = errands(guest, tmp_path)
    told = [ask(to, f"http://127.0.0.1:{guest.port}/terminal") for _ in range(3)]
    assert ["status" in one for one in told] == [True, True, False] and len(guest.asked) == 2


def test_a_guest_that_does_not_answer_is_late_and_one_that_is_not_there_is_gone(tmp_path: Path) -> None:
    (tmp_path / "handed").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        to = Errands(f"http://127.0.0.1:{port}", None, {}, Assets(tmp_path / "a"), (), tmp_path / "handed")
        assert ask(to, f"http://127.0.0.1:{port}/terminal", bound_s=0.3)["late"]
    told = ask(to, f"http://127.0.0.1:{port}/terminal")
    assert not told["late"] and "broke off" in told["gone"]


@pytest.mark.parametrize("address", ["127.0.0.1:5000", "https://127.0.0.1:5000", "http://127.0.0.1:5000/x", "http://"])
def test_an_address_that_is_none_is_a_usage_error(address: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no guest, expected an address like"):
        Errands(address, None, {}, Assets(tmp_path), (), tmp_path)


def test_the_browser_is_reached_through_a_socket_that_is_handed_in(tmp_path: Path) -> None:
    folder = tmp_path / ("a-long-name" * 12)  # longer than the address of a socket may be
    folder.mkdir()

    def echo(door: socket.socket) -> None:
        one, _ = door.accept()
        with one:
            one.sendall(one.recv(100).upper())

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=echo, args=(door,), daemon=True).start()
        to = Errands("http://127.0.0.1:1", None, {"chromium": door.getsockname()[1]}, Assets(tmp_path), (), folder)
        to.open_browser()
        (tmp_path / "s").symlink_to(folder / "browser")
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(tmp_path / "s"))
            line.sendall(b"hello")
            assert line.recv(100) == b"HELLO"
        to.close()
        with socket.socket(socket.AF_UNIX) as line, pytest.raises(OSError):
            line.connect(str(tmp_path / "s"))
