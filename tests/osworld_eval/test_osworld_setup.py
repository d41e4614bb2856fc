"""Setup steps: what each asks of the guest, what is replaced in commands, and whose fault a failure is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from osworld_guest_stand_in import StandIn, Standing, ran, served

from osworld_eval.osworld import setup
from osworld_eval.osworld.assets import Assets, cache_name
from osworld_eval.osworld.own.files import ADDRESS, made
from osworld_eval.osworld.setup import SetupFailed, prepare, steps
from osworld_eval.osworld.suite import Step, read_suite
from osworld_eval.osworld.vocabulary import STEPS


@pytest.fixture
def guest() -> Iterator[tuple[StandIn, Standing]]:
    stand_in = StandIn()
    with served(stand_in) as address:
        yield stand_in, Standing(address)


def do(machine: Standing, folder: Path, kind: str, **parameters: Any) -> tuple[str, ...]:
    return steps(machine, [Step(kind, parameters)], folder / "cache", Assets(folder / "assets", offline=True), folder)


@pytest.mark.parametrize(
    ("kind", "given", "path", "sent"),
    [
        ("launch", {"command": ["a", "b c"]}, "/setup/launch", {"command": ["a", "b c"], "shell": False}),
        ("launch", {"command": "a b c"}, "/setup/launch", {"command": ["a", "b", "c"], "shell": False}),
        ("launch", {"command": "a b", "shell": True}, "/setup/launch", {"command": "a b", "shell": True}),
        ("open", {"path": "/home/user/a"}, "/setup/open_file", {"path": "/home/user/a"}),
        (
            "execute",
            {"command": ["x", "{SCREEN_WIDTH},{SCREEN_HEIGHT}", "{SCREEN_WIDTH_HALF} {SCREEN_HEIGHT_HALF}"]},
            "/execute",
            {"command": ["x", "1000,600", "500 300"], "shell": False},
        ),
        (
            "command",
            {"command": "echo {CLIENT_PASSWORD} | su", "shell": True},
            "/execute",
            {"command": "echo password | su", "shell": True},
        ),
        (
            "activate_window",
            {"window_name": "W", "strict": True},
            "/setup/activate_window",
            {"window_name": "W", "strict": True, "by_class": False},
        ),
        (
            "close_window",
            {"window_name": "W", "by_class": True},
            "/setup/close_window",
            {"window_name": "W", "strict": False, "by_class": True},
        ),
        ("change_wallpaper", {"path": "/w.png"}, "/setup/change_wallpaper", {"path": "/w.png"}),
    ],
)
def test_a_step_asks_for_what_upstreams_asks_for(
    guest: tuple[StandIn, Standing], tmp_path: Path, kind: str, given: dict[str, Any], path: str, sent: dict[str, Any]
) -> None:
    assert do(guest[1], tmp_path, kind, **given) == ()
    assert guest[0].of(path) == [sent]


def test_downloads_go_through_the_cache_to_the_guest(guest: tuple[StandIn, Standing], tmp_path: Path) -> None:
    url, path = f"{ADDRESS}shopping.txt", "/home/user/list.txt"
    do(guest[1], tmp_path, "download", files=[{"url": url, "path": path}])
    kept = tmp_path / "cache" / cache_name(url, path)
    assert kept.read_bytes() == made(url) and kept.name.endswith("_list.txt")
    (sent,) = guest[0].of("/setup/upload")
    assert path.encode() in sent and b"Bread" in sent


def test_files_of_the_suites_folder_are_uploaded_and_others_are_not(
    guest: tuple[StandIn, Standing], tmp_path: Path
) -> None:
    (tmp_path / "own.txt").write_text("own")
    do(guest[1], tmp_path, "upload_file", files=[{"local_path": "own.txt", "path": "/a"}])
    assert b"own" in guest[0].of("/setup/upload")[0]
    for name in ("../own.txt", "/etc/hostname", "none.txt"):
        with pytest.raises(SetupFailed, match="is no file below") as failed:
            do(guest[1], tmp_path, "upload_file", files=[{"local_path": name, "path": "/a"}])
        assert failed.value.fault == "task"


@pytest.mark.parametrize(
    ("until", "answers", "times"),
    [
        ({"returncode": 0}, [ran("", "", 1), ran("", "", 1), ran("", "", 0)], 3),
        ({"stdout": "ready"}, [ran("not yet", "", 0), ran("is ready now", "", 1)], 2),
        ({"stderr": "x"}, [ran("", "", 0), ran("", "a x", 0)], 2),
    ],
)
def test_a_command_is_repeated_until_its_end_is_the_wanted_one(
    guest: tuple[StandIn, Standing],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    until: dict[str, Any],
    answers: list[bytes],
    times: int,
) -> None:
    monkeypatch.setattr(setup, "_AGAIN_S", 0.0)
    guest[0].answers["/execute"] = [(200, one) for one in answers]
    do(guest[1], tmp_path, "execute", command=["a"], until=until, stdout="out.txt", stderr="err.txt")
    assert len(guest[0].of("/execute")) == times
    last = json.loads(answers[times - 1])
    assert (tmp_path / "cache" / "out.txt").read_text() == last["output"]
    assert (tmp_path / "cache" / "err.txt").read_text() == last["error"]


def test_what_upstream_only_logs_is_a_note(
    guest: tuple[StandIn, Standing], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "_AGAIN_S", 0.0)
    no = [(500, b'{"status": "error", "message": "no such program"}')]
    guest[0].answers |= {"/execute": list(no), "/setup/launch": list(no)}
    assert "no such program" in do(guest[1], tmp_path, "launch", command=["a"])[0]
    assert len(do(guest[1], tmp_path, "execute", command=["a"], until={"returncode": 0})) == 5
    monkeypatch.setattr(setup, "MOST_SLEEP_S", 0.01)
    assert do(guest[1], tmp_path, "sleep", seconds=3600) == ("it slept 0.01 seconds where 3600 were asked for",)


@pytest.mark.parametrize(
    ("kind", "given", "answer", "fault", "words"),
    [
        ("open", {"path": "/a"}, ("/setup/open_file", 404), "task", "answered 404"),
        ("open", {"path": "/a"}, ("/setup/open_file", 500), "infrastructure", "answered 500"),
        (
            "execute_with_verification",
            {"command": "a", "verification": {"window_exists": "W"}},
            ("/execute_with_verification", 500),
            "infrastructure",
            "did not come to",
        ),
        ("download", {"files": [{"url": "https://a.invalid/x", "path": "/x"}]}, None, "task", "nothing is fetched"),
        ("execute", {"command": ["a"], "stdout": "../out"}, None, "task", "no plain file name"),
        ("launch", {}, None, "task", "missing 1 required"),
        ("googledrive", {}, None, "task", "not supported: needs a Google account"),
        ("login", {}, None, "task", "not supported"),
        ("proxy", {}, None, "task", "not supported: no proxy"),
        ("chrome_open_tabs", {"urls_to_open": ["https://a/"]}, None, "infrastructure", "cannot be reached"),
        ("nonsense", {}, None, "task", "no such step"),
    ],
)
def test_a_failure_says_which_step_and_whose_fault(
    guest: tuple[StandIn, Standing],
    tmp_path: Path,
    kind: str,
    given: dict[str, Any],
    answer: tuple[str, int] | None,
    fault: str,
    words: str,
) -> None:
    if answer is not None:
        said = b'{"error": "no", "status": "verification_failed", "verification": "failed"}'
        guest[0].answers[answer[0]] = [(answer[1], said)]
    with pytest.raises(SetupFailed, match=words) as failed:
        do(guest[1], tmp_path, kind, **given)
    assert failed.value.fault == fault and str(failed.value).startswith(f"step 1 of 1, `{kind}`: ")
    assert "\n" not in str(failed.value)


def test_a_guest_that_is_gone_is_nobodys_fault_but_the_machines(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match="cannot be reached") as failed:
        do(Standing("http://127.0.0.1:9"), tmp_path, "launch", command=["a"])
    assert failed.value.fault == "infrastructure"


def test_every_step_that_is_served_is_known(guest: tuple[StandIn, Standing], tmp_path: Path) -> None:
    for kind, word in STEPS.items():
        if not word.unsupported:
            with pytest.raises(SetupFailed) as failed:
                do(guest[1], tmp_path, kind, nothing_takes_this=1)
            assert ("not supported" in str(failed.value)) is (kind == "proxy"), kind


def test_tabs_are_opened_and_the_first_one_is_closed(guest: tuple[StandIn, Standing], tmp_path: Path) -> None:
    pages = [{"id": "0", "type": "page", "url": "chrome://newtab/", "title": "New Tab"}]
    asked: list[str] = []

    def browser(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        asked.append(f"{method} {path}")
        if path == "/json/list":
            return 200, json.dumps([*pages, {"id": "w", "type": "service_worker", "url": "x"}]).encode()
        if path.startswith("/json/close/"):
            pages[:] = [one for one in pages if one["id"] != path.rpartition("/")[2]]
            return 200, b"Target is closing"
        pages.append({"id": str(len(asked)), "type": "page", "url": path.partition("?")[2], "title": "Loaded"})
        return 200, json.dumps(pages[-1]).encode()

    with served(browser) as address:
        machine = guest[1]
        machine.ports = {"chromium": int(address.rpartition(":")[2])}
        do(machine, tmp_path, "chrome_open_tabs", urls_to_open=["https://a.invalid/?q=1", "https://b.invalid/"])
        assert [one["url"] for one in pages] == ["https://a.invalid/?q=1", "https://b.invalid/"]
        notes = do(machine, tmp_path, "chrome_close_tabs", urls_to_close=["http://www.b.invalid", "https://c.invalid/"])
    assert [one["url"] for one in pages] == ["https://a.invalid/?q=1"] and notes == ("no tab shows https://c.invalid/",)


def test_a_history_holds_the_visits(guest: tuple[StandIn, Standing], tmp_path: Path) -> None:
    visit = {"url": "https://a.invalid/", "title": "A", "visit_time_from_now_in_seconds": 60}
    guest[0].answers["/execute"] = [(200, ran("/home/user", "", 0))]
    do(guest[1], tmp_path, "update_browse_history", history=[visit, {**visit, "title": "B"}])
    (sent,) = guest[0].of("/setup/upload")
    assert b"/home/user/.config/google-chrome/Default/History" in sent
    (tmp_path / "History").write_bytes(sent[sent.index(b"SQLite format 3") : sent.rindex(b"\r\n--")])
    base = sqlite3.connect(tmp_path / "History")
    rows = base.execute(
        "SELECT u.title, v.visit_time FROM visits v JOIN urls u ON u.id = v.url ORDER BY u.id"
    ).fetchall()
    base.close()
    assert [title for title, _ in rows] == ["A", "B"]
    assert rows[0][1] / 1e6 - 11_644_473_600 - 1_700_000_000 > 0


def test_a_task_is_prepared_when_the_machine_answers(guest: tuple[StandIn, Standing], tmp_path: Path) -> None:
    folder = tmp_path / "evaluation_examples" / "examples" / "os"
    folder.mkdir(parents=True)
    told = {
        "id": "a",
        "instruction": "Do it.",
        "config": [{"type": "execute", "parameters": {"command": ["a"]}}],
        "evaluator": {"func": "infeasible"},
    }
    (folder / "a.json").write_text(json.dumps(told))
    (task,) = read_suite(tmp_path).tasks
    prepare(task, guest[1], Assets(tmp_path / "assets", offline=True), tmp_path / "cache")
    assert [path for path, _ in guest[0].asked] == ["/terminal", "/screenshot", "/execute"]
