from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sample_run import Signer, about, make_crash, make_run, plain

from agent.audit.spans import Trail
from agent.run_folder import RunFolder, RunFolderUnwritable, RunNotFound, find_run, list_runs


def test_an_id_tells_when_and_what(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "runs", "Book flight: Zürich → Lisbon/../x")
    assert re.fullmatch(r"\d{8}-\d{6}-book_flight_z_rich_lisbon_x-[0-9a-f]{4}", folder.id)
    assert folder.path.parent == tmp_path / "runs" and folder.frames.is_dir()
    assert re.search(r"-run-[0-9a-f]{4}$", RunFolder.create(tmp_path, "日本").id)


def test_an_unwritable_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        RunFolderUnwritable,
        match=r"cannot write the run folder in `.*file`: .*; free some space there or choose another with --runs$",
    ):
        RunFolder.create(tmp_path / "file", "x")


def test_a_frame_is_kept_once_under_its_digest(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "x")
    digest = folder.put_frame(b"png")
    assert folder.put_frame(b"png") == digest and [each.name for each in folder.frames.iterdir()] == [f"{digest}.png"]
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        folder.frame("../../etc/passwd")


def test_run_json_is_replaced_whole_and_read_back(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    record = folder.read_run()
    folder.write_run(record)
    assert folder.read_run() == record
    assert not [each for each in folder.path.rglob(".*.new")]


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (None, "cannot be read: no such file"),
        ("{", "invalid json"),
        ('{"version": 2}', "version"),
        ("[]", "no run record of version 1"),
    ],
)
def test_a_run_json_that_is_none_says_so(tmp_path: Path, stored: str | None, said: str) -> None:
    folder = RunFolder.create(tmp_path, "x")
    if stored is not None:
        (folder.path / "run.json").write_text(stored)
    with pytest.raises(ValueError, match=said):
        folder.read_run()


def test_runs_are_listed_newest_first_with_their_state(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "nowhere") == []
    ended, crashed = make_run(tmp_path), make_crash(tmp_path)
    empty = RunFolder.create(tmp_path, "empty")
    (tmp_path / "not a run").mkdir()
    going = RunFolder.create(tmp_path, "going")
    with Trail.start(going, about(), Signer().sign, Signer().public, plain) as trail:
        states = {run.id: run.state for run in list_runs(tmp_path)}
        trail.end("verified", 0)
    assert states == {ended.id: "ended", crashed.id: "crashed", empty.id: "unreadable", going.id: "running"}
    assert [run.id for run in list_runs(tmp_path)] == sorted(states, reverse=True)


def test_a_run_is_found_by_id_beginning_end_path_and_last(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="there are no runs"):
        find_run(tmp_path, "last")
    folder = make_run(tmp_path)
    for name in (folder.id, folder.id[:20], folder.id[-4:], "last", str(folder.path)):
        assert find_run(tmp_path, name).path == folder.path, name
    with pytest.raises(RunNotFound, match="no run is called `zzz`"):
        find_run(tmp_path, "zzz")
    other = folder.path.with_name(folder.id[:-4] + "zzzz".replace("z", "0"))
    other.mkdir()
    (other / "run.json").write_text(json.dumps({}))
    with pytest.raises(RunNotFound, match="could be 2 runs"):
        find_run(tmp_path, folder.id[:15])
