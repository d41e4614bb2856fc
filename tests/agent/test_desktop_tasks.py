"""Tasks on a desktop through the whole runtime: verified by the files they leave, and nothing real without a yes."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from procs import ROOT, agent, family, gone, running

from agent.task import TaskError, load_task
from sandboxes.jail import what_is_missing

pytestmark = [pytest.mark.display, pytest.mark.timeout(300)]
DESKTOP = ROOT / "tasks" / "desktop"


@pytest.fixture(autouse=True)
def _jails(request: pytest.FixtureRequest) -> None:
    if "needs no jail" not in (request.node.function.__doc__ or "") and (why := what_is_missing()):
        pytest.skip(why)


def note(folder: Path, files: str = "leave", steps: tuple[str, ...] = ("press the ctrl+end key", "type more")) -> Path:
    """A task that writes into a note of its own."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / "note.txt").write_text("first\n")
    time.sleep(0.02)
    told = {
        "version": 1,
        "name": "note",
        "goal": "Add a line.",
        "surface": {
            "desktop": {"apps": ["mousepad"], "start": ["mousepad", "note.txt"], "home": "home", "files": files}
        },
        "policy": {"preset": "sandbox"},
        "steps": [*steps, "press the ctrl+s key"],
        "success": [{"kind": "file", "path": "note.txt", "contains": "more"}],
        "limits": {"steps": 20, "minutes": 2},
    }
    path = folder / "note.yaml"
    path.write_text(json.dumps(told))
    return path


def test_a_rehearsal_shows_what_would_be_written_and_writes_nothing(tmp_path: Path) -> None:
    task = note(tmp_path, "commit")
    found = agent("rehearse", task, "--model", "plan", "--runs", tmp_path / "runs", "--json", timeout=200)
    assert (found.code, found.last["outcome"]) == (0, "verified"), found.err + found.out
    assert "  +more" in found.last["files"] and "nothing was made real" in found.last["files"]
    assert (tmp_path / "home" / "note.txt").read_text() == "first\n"
    assert (found.folder / "files" / "note.txt").read_text() == "first\nmore"
    assert not (found.folder / "desktop").exists() and found.verdict.ok


def test_a_verified_run_makes_its_files_real_where_the_task_says_so(tmp_path: Path) -> None:
    task = note(tmp_path, "commit")
    found = agent(
        "run", task, "--model", "plan", "--approve", "deny", "--runs", tmp_path / "runs", "--json", timeout=200
    )
    assert (found.code, found.last["outcome"]) == (0, "verified"), found.err + found.out
    assert (tmp_path / "home" / "note.txt").read_text() == "first\nmore"
    assert any(line.startswith("made real: 1 changes") for line in found.last["files"])


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_home_goes_back_to_a_step_and_to_before_the_run(tmp_path: Path) -> None:
    """A step in between is one that looked whether the sub-goal was reached: back from there is back to the last act."""
    runs, note_file = tmp_path / "runs", tmp_path / "home" / "note.txt"
    task = note(tmp_path, "commit", ("press the ctrl+end key", "type more", "press the ctrl+s key", "type and more"))
    run = agent("run", task, "--model", "plan", "--approve", "deny", "--runs", runs, "--json", timeout=400)
    assert run.code == 0 and note_file.read_text() == "first\nmoreand more", run.err + run.out
    name = run.folder.name
    acts = {step["wanted"]: step["step"] + 1 for step in run.steps if step["receipt"] == "done"}
    [second] = [number for wanted, number in acts.items() if "and more" in wanted]
    said = agent("rollback", name, "--to", str(second + 1), "--runs", runs, "--dry-run", timeout=300)
    assert (said.code, "as it was: note.txt" in said.out, "nothing was touched" in said.out) == (0, True, True), (
        said.err
    )
    assert (
        f"back to before step {second} (" in said.out and f"step {second + 1} has no checkpoint of its own" in said.out
    )
    assert "and more" in said.out.splitlines()[0]
    assert note_file.read_text() == "first\nmoreand more"
    back = agent("rollback", name, "--to", str(second), "--runs", runs, "--json", timeout=300)
    assert (back.code, back.last["outcome"]) == (0, "verified"), back.err + back.out
    assert note_file.read_text() == "first\nmore" and back.verdict.ok
    again = agent("rollback", name, "--to", "1", "--runs", runs, timeout=300)
    assert again.code == 20 and "note.txt was changed since the run" in again.out and "does not go on" in again.out


_MORE = (
    "add_up",
    "add_a_total",
    "draw_a_corner",
    "make_a_folder",
    "sort_a_list",
    "rename_in_a_text",
    "collect_errors",
    "count_lines",
    "rename_a_file",
    "copy_a_file",
    "change_a_setting",
)
_SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in _MORE]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["write_a_note", *_SLOW])
def test_the_tasks_that_come_along_are_verified(name: str, tmp_path: Path) -> None:
    task = DESKTOP / f"{name}.yaml"
    found = agent("run", task, "--model", "plan", "--approve", "deny", "--runs", tmp_path, "--json", timeout=840)
    assert (found.code, found.last["outcome"]) == (0, "verified"), found.err + found.out


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.slow)])
def test_a_display_that_dies_or_stops_in_the_middle_is_an_error_with_its_trail_and_nothing_left(
    number: signal.Signals, tmp_path: Path
) -> None:
    steps = ("wait until never shown is shown", "type x")
    task = note(tmp_path, steps=steps)
    words = ["run", str(task), "--model", "plan", "--approve", "deny", "--runs", str(tmp_path / "runs"), "--json"]
    with running(words) as child:
        until, killed = time.monotonic() + 120, False
        started: list[int] = []
        assert child.stdout is not None
        for line in child.stdout:
            started = family(child.pid)
            if '"step"' in line and not killed:
                killed = True
                servers = [pid for pid in started if "Xvfb" in Path(f"/proc/{pid}/cmdline").read_text()]
                assert servers
                os.kill(servers[0], number)
            last = line
            assert time.monotonic() < until
        code = child.wait(60)
    told = json.loads(last)
    assert told["outcome"] in ("error", "unknown_effect") and code in (1, 40) and killed
    assert gone(started, 10) == []
    from agent.audit.verify import verify

    assert verify(Path(told["folder"])).ok


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"apps": ["mousepad"], "start": ["xterm"]}, "`xterm` is not among the task's `apps`"),
        ({"apps": ["mousepad"], "files": "commit"}, "`files: commit` needs a `home`"),
        ({"apps": ["mousepad"], "sandbox": False, "home": "x"}, "`home` needs `sandbox: true`"),
        ({"apps": []}, "too"),
        ({"apps": ["mouse pad; rm"]}, "does not look right"),
        ({"apps": ["mousepad"], "hosts": ["http://x/"]}, "does not look right"),
        ({"apps": ["mousepad"], "hoem": "x"}, "unknown key `hoem`"),
    ],
)
def test_what_is_wrong_with_a_desktop_block_is_one_line(block: dict[str, object], said: str, tmp_path: Path) -> None:
    """Needs no jail: needs no jail."""
    path = tmp_path / "t.yaml"
    told = {"version": 1, "name": "t", "goal": "x", "surface": {"desktop": block}}
    path.write_text(json.dumps(told))
    with pytest.raises(TaskError) as refused:
        load_task(path)
    assert said in str(refused.value), refused.value
