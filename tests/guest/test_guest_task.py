"""A task on a guest machine through the whole runtime, and what is wrong with a guest's block."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.task import TaskError, load_task
from sandboxes.jail import what_is_missing

ROOT = Path(__file__).parents[2]


@contextmanager
def served(*given: str) -> Iterator[dict[str, str]]:
    """The command, as an operator starts it."""
    child = subprocess.Popen(
        [sys.executable, "-m", "sandboxes.guest_server", "--port", "0", "--size", "640x480", *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert child.stdout is not None and child.stderr is not None
        line = child.stdout.readline()
        assert line, child.stderr.read()
        yield json.loads(line)
    finally:
        child.terminate()
        child.communicate(timeout=30)


def task(folder: Path, address: str, **more: Any) -> Path:
    told: dict[str, Any] = {
        "version": 1,
        "name": "note",
        "goal": "Add a line.",
        "surface": {
            "guest": {
                "address": address,
                "token": {"env": "GUEST_TOKEN"},
                "apps": ["mousepad"],
                "start": ["mousepad", "note.txt"],
            }
        },
        "policy": {"preset": "sandbox"},
        "steps": ["press the ctrl+end key", 'type "Zoë; $(touch pwned) `id`"', "press the ctrl+s key"],
        "success": [{"kind": "file", "path": "note.txt", "contains": "Zoë; $(touch pwned) `id`"}],
        "limits": {"steps": 20, "minutes": 4},
        **more,
    }
    path = folder / "note.yaml"
    path.write_text(json.dumps(told))
    return path


@pytest.mark.display
@pytest.mark.timeout(300)
def test_a_task_on_our_own_guest_is_verified(tmp_path: Path) -> None:
    if why := what_is_missing():
        pytest.skip(why)
    home = tmp_path / "home"
    home.mkdir()
    (home / "note.txt").write_text("first\n")
    with served("--app", "mousepad", "--home", str(home)) as guest:
        words = ["run", str(task(tmp_path, guest["address"])), "--model", "plan", "--approve", "deny", "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "agent", *words, "--runs", str(tmp_path / "runs")],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "GUEST_TOKEN": guest["token"]},
            timeout=280,
            check=False,
        )
    told = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, told.get("outcome")) == (0, "verified"), done.stderr + done.stdout
    assert (home / "note.txt").read_text() == "first\n" and not (home / "pwned").exists()


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"address": "http://127.0.0.1:5000", "apps": ["a"], "start": ["b"]}, "`b` is not among the task's `apps`"),
        ({"address": "127.0.0.1:5000", "apps": ["a"]}, "does not look right"),
        ({"address": "http://u:p@127.0.0.1:5000", "apps": ["a"]}, "does not look right"),
        ({"address": "http://127.0.0.1:5000/x", "apps": ["a"]}, "does not look right"),
        ({"address": "http://127.0.0.1:5000", "apps": ["a"], "tokn": {}}, "unknown key `tokn`"),
        ({"address": "http://127.0.0.1:5000"}, "apps"),
    ],
)
def test_what_is_wrong_with_a_guest_block_is_one_line(block: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError) as refused:
        load_task(task(tmp_path, "", surface={"guest": block}))
    assert said in str(refused.value)


def test_a_guest_that_is_not_there_is_an_error_of_one_line(tmp_path: Path) -> None:
    words = ["run", str(task(tmp_path, "http://127.0.0.1:9")), "--model", "plan", "--approve", "deny"]
    done = subprocess.run(
        [sys.executable, "-m", "agent", *words, "--runs", str(tmp_path / "runs")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "GUEST_TOKEN": "x"},
        timeout=100,
        check=False,
    )
    assert done.returncode == 1 and "cannot be reached" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
