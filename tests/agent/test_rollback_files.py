"""`agent rollback` of a run that made files real: from its trail and its checkpoints, without starting its programs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "audit"))
from sample_run import Signer, plain

from actuators.action import PressKeys
from actuators.observation import Target
from actuators.receipt import Receipt
from agent.audit.spans import About, Trail
from agent.audit.verify import verify
from agent.desk import Files
from agent.outcome import Ending
from agent.rollback import Options, rollback
from agent.run_folder import RunFolder, list_runs
from policies.decision import Decision
from sandboxes.files_state import FilesKeeper
from sandboxes.overlay import Overlay

TASK = {
    "version": 1,
    "name": "note",
    "goal": "Write.",
    "surface": {"desktop": {"apps": ["mousepad"], "home": "home", "files": "commit"}},
    "policy": {"preset": "sandbox"},
    "steps": ["press the ctrl+s key"],
    "success": [{"kind": "file", "path": "a.txt", "contains": "three"}],
}
STEPS = ("echo two >> a.txt", "echo three >> a.txt; echo new > b.txt", "rm c.txt")


@dataclass
class Home:
    runs: Path
    folder: RunFolder
    home: Path

    def back(self, to: int, **more: bool) -> int:
        return rollback(Options(self.folder.id, to, self.runs, **more))

    def texts(self) -> dict[str, str]:
        return {one.name: one.read_text() for one in sorted(self.home.iterdir())}


BEFORE = {"a.txt": "one\n", "c.txt": "see\n"}
AFTER = {"a.txt": "one\ntwo\nthree\n", "b.txt": "new\n"}


@pytest.fixture(params=["commit", "leave"])
def wanted(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ran(tmp_path: Path, wanted: str) -> Iterator[Home]:
    """A run of three acts, each of which did something to files; made real, or not."""
    (tmp_path / "home").mkdir()
    for name, text in BEFORE.items():
        (tmp_path / "home" / name).write_text(text)
    time.sleep(0.02)
    overlay = Overlay(tmp_path / "home", tmp_path / "aside", "copy")
    folder, signer = RunFolder.create(tmp_path / "runs", "note"), Signer()
    folder.put_task(json.dumps(TASK))
    keeper, files = FilesKeeper(overlay, plain), Files(overlay, folder, wanted, plain)
    target, action = Target("desktop", None, None, app="mousepad"), PressKeys(keys=("ctrl", "s"))
    with Trail.start(folder, About("note", "Write."), signer.sign, signer.public, plain) as trail:
        for index, script in enumerate(STEPS):
            with trail.step(index):
                state = folder.put_state(keeper.keep().to_bytes())
                permit = signer.permit(folder.id, index, action, target)
                trail.intent(index, permit, target, Decision("allow"), state)
                subprocess.run(["sh", "-ec", script], cwd=overlay.home, check=True)
                trail.outcome(index, Receipt("done", action, time.time(), time.time()))
        ending, lines = files.wind_up(Ending("verified", "it is so"))
        trail.event("gui.files", body="\n".join(lines))
        trail.end("verified", 0, steps=3)
    assert ending.outcome == "verified"
    yield Home(tmp_path / "runs", folder, tmp_path / "home")


@pytest.mark.parametrize("wanted", ["commit"], indirect=True)
def test_each_step_and_the_beginning_can_be_gone_back_to(ran: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran.texts() == AFTER
    assert ran.back(2, dry_run=True) == 0 and ran.texts() == AFTER
    said = capsys.readouterr().out
    assert all(line in said for line in ("as it was: a.txt", "deleted again: b.txt", "brought back: c.txt"))
    assert "nothing was touched" in said
    assert ran.back(2) == 0
    assert ran.texts() == {"a.txt": "one\ntwo\n", "c.txt": "see\n"}
    assert "does not go on" in capsys.readouterr().out
    [mine] = [one for one in list_runs(ran.runs) if one.id != ran.folder.id]
    assert mine.record is not None and mine.record.outcome == "verified" and verify(mine.folder.path).ok
    assert "b.txt" in mine.folder.journal.read_text() and mine.folder.report.is_file()


@pytest.mark.parametrize("wanted", ["commit"], indirect=True)
def test_to_the_first_step_is_before_the_run(ran: Home) -> None:
    assert (ran.back(1), ran.texts()) == (0, BEFORE)


@pytest.mark.parametrize("wanted", ["commit"], indirect=True)
def test_what_was_changed_since_is_left_alone_and_named(ran: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (ran.home / "b.txt").write_text("mine now\n")
    assert ran.back(1, as_json=True) == 20
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["because"]) == ("denied", "nothing was changed: b.txt was changed since the run")
    assert ran.texts() == {**AFTER, "b.txt": "mine now\n"}


@pytest.mark.parametrize("wanted", ["leave"], indirect=True)
def test_a_run_that_made_nothing_real_has_nothing_to_take_back(ran: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran.texts() == BEFORE
    assert ran.back(2) == 21 and ran.texts() == BEFORE
    assert "nothing of it was made real" in capsys.readouterr().out
