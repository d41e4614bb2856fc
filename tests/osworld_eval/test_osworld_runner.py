"""Which job is played next and what is kept of it: a crew that is none, and files on disk."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import osworld_stage as stage
import pytest

from osworld_eval.osworld import compare, leaderboard
from osworld_eval.osworld.crew import Event
from osworld_eval.osworld.figures import interval, summary
from osworld_eval.osworld.manifest import ManifestUnusable, differences, joined, pinned, read_manifest, write_manifest
from osworld_eval.osworld.results import Results, ResultsUnusable, counting, read_rows
from osworld_eval.osworld.row import Job, Row, row_from
from osworld_eval.osworld.runner import Bounds, Runner
from osworld_eval.osworld.suite import read_suite

Play = Callable[[str, Job], Row | str]


class Crew:
    """Plays at once by a function; what it says instead of a row is why its slot died."""

    def __init__(self, slots: int, play: Play, gone: Sequence[str] = ()) -> None:
        self.idle = [str(number) for number in range(1, slots + 1)]
        self.starting: list[str] = []
        self._play = play
        self._events = [Event(slot, "ready") for slot in self.idle] + [Event(slot, "gone", why="no") for slot in gone]
        self.given: list[tuple[str, Job]] = []
        self.killed: list[str] = []
        self.hung: list[str] = []

    def give(self, slot: str, job: Job) -> None:
        self.given.append((slot, job))
        self.idle.remove(slot)
        said = self._play(slot, job)
        if said == "hangs":
            self.hung.append(slot)
            return
        event = Event(slot, "died", why=said) if isinstance(said, str) else Event(slot, "played", row=said)
        self._events.append(event)

    def wait(self, bound_s: float) -> Sequence[Event]:
        events, self._events = self._events, []
        self.idle += [one.slot for one in events if one.kind in ("played", "died") and one.slot not in self.idle]
        return events

    def kill(self, slot: str) -> None:
        self.killed.append(slot)
        self.hung.remove(slot)
        self._events.append(Event(slot, "died", why="killed"))

    def stop(self) -> None:
        for slot in self.hung:
            job = next(job for one, job in reversed(self.given) if one == slot)
            self._events.append(Event(slot, "played", row=row(job, slot, score=0.0, outcome="halted")))

    def close(self) -> None:
        pass


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    tasks = read_suite(stage.suite(tmp_path / "suite", a="One.", b="Two.", c="Three.", chrome__d="Four.")).tasks
    return [Job(task, repeat) for repeat in (1, 2) for task in tasks]


def row(job: Job, slot: str = "1", **more: Any) -> Row:
    told = {"status": "scored", "score": 1.0, **more}
    return Row(task=job.task.name, repeat=job.repeat, attempt=job.attempt, slot=slot, **told)


def run(jobs: list[Job], crew: Crew, bounds: Bounds | None = None, stop: threading.Event | None = None) -> Any:
    taken: list[Row] = []
    runner = Runner(jobs, crew, lambda one, folder: taken.append(one), bounds or Bounds(), stop or threading.Event())
    return runner.run(), taken, runner


def test_every_job_is_scored_once_and_only_infrastructure_is_tried_again(jobs: list[Job]) -> None:
    def play(slot: str, job: Job) -> Row | str:
        if job.task.id == "a" and job.attempt == 1:
            return "out of memory"
        if job.task.id == "b" and job.attempt < 3:
            return row(job, slot, status="infrastructure", score=None)
        if job.task.id == "c":
            return row(job, slot, status="task", score=None)
        return row(job, slot)

    ended, taken, _ = run(jobs, Crew(2, play))
    assert ended == "all"
    scored = [one.key for one in taken if one.finished]
    assert sorted(scored) == sorted(job.key for job in jobs if job.task.id != "c")
    assert [one.attempt for one in taken if one.task == "os/c"] == [1, 1], "a task's own fault is not tried again"
    assert [one.attempt for one in taken if one.key == ("os/b", 1)] == [1, 2, 3]
    lost = next(one for one in taken if one.key == ("os/a", 1))
    assert (lost.status, lost.reason) == ("infrastructure", "its worker died: out of memory")


def test_what_breaks_for_ever_ends_with_what_broke(jobs: list[Job]) -> None:
    broken: Play = lambda slot, job: row(job, slot, status="infrastructure", score=None, reason="no disk")  # noqa: E731
    ended, taken, runner = run(jobs, Crew(2, broken))
    assert ended == "broken" and "no disk" in runner.why and len(taken) == 12


def test_a_slot_on_which_all_breaks_does_not_eat_the_others_jobs(jobs: list[Job]) -> None:
    def play(slot: str, job: Job) -> Row | str:
        return row(job, slot) if slot == "2" else row(job, slot, status="infrastructure", score=None)

    crew = Crew(2, play)
    ended, taken, _ = run(jobs, crew, Bounds(retries=5))
    assert ended == "all" and sum(one.finished for one in taken) == len(jobs)
    assert sum(slot == "1" for slot, _ in crew.given) <= 3


def test_time_and_tokens_begin_nothing_more(jobs: list[Job]) -> None:
    dear: Play = lambda slot, job: row(job, slot, prompt_tokens=90, output_tokens=10)  # noqa: E731
    ended, taken, _ = run(jobs, Crew(1, dear), Bounds(tokens=250))
    assert ended == "tokens" and len(taken) == 3
    ended, taken, _ = run(jobs, Crew(1, dear), Bounds(minutes=0.0))
    assert ended == "time" and not taken


def test_a_stop_lets_nothing_begin_and_keeps_no_half_attempt(jobs: list[Job]) -> None:
    stop = threading.Event()

    def play(slot: str, job: Job) -> Row | str:
        if slot == "1":
            return "hangs"
        stop.set()
        return row(job, slot, outcome="done_unverified")

    crew = Crew(2, play)
    ended, taken, _ = run(jobs, crew, stop=stop)
    assert ended == "stopped" and len(crew.given) == 2 and [one.slot for one in taken] == ["2"]


def test_an_attempt_that_takes_too_long_is_ended_and_tried_again(jobs: list[Job]) -> None:
    crew = Crew(1, lambda slot, job: row(job, slot) if job.attempt == 2 else "hangs")
    ended, taken, _ = run(jobs[:1], crew, Bounds(attempt_s=0.0))
    assert ended == "all" and crew.killed == ["1"]
    assert [one.status for one in taken] == ["infrastructure", "scored"] and "no answer within" in taken[0].reason


def test_no_slot_that_comes_up_is_an_end(jobs: list[Job]) -> None:
    ended, _, runner = run(jobs, Crew(0, lambda slot, job: row(job, slot), gone=["1"]))
    assert ended == "broken" and runner.why == "no slot comes up: no"


# What is kept


def attempt(folder: Path, job: Job) -> Path:
    """A folder as an attempt leaves it."""
    place = folder / job.name
    (place / "upstream").mkdir(parents=True)
    (place / "upstream" / "traj.jsonl").write_text("{}\n")
    (place / "upstream" / "result.txt").write_text("1.0\n")
    (place / "runs" / "run-1").mkdir(parents=True)
    (place / "runs" / "run-1" / "report.html").write_text("<p>")
    return place


def test_results_lie_as_upstreams_scripts_read_them(tmp_path: Path, jobs: list[Job]) -> None:
    with Results(tmp_path / "out", "my-model", "pixels", "failed") as results:
        results.begin({"steps": 15}, 2)
        results.take(row(jobs[0], run="run-1"), attempt(results.work, jobs[0]))
        results.take(row(jobs[1], run="run-1", score=0.5), attempt(results.work, jobs[1]))
        results.take(row(jobs[2], status="task", score=None, reason="no such file"), None)
        results.take(row(jobs[4], run="run-1"), attempt(results.work, jobs[4]))
        with pytest.raises(ResultsUnusable, match="another run"):
            Results(tmp_path / "out", "my-model", "pixels").__enter__()
    top = tmp_path / "out" / "results" / "pyautogui" / "screenshot" / "my-model"
    # As upstream's show_result.py walks it: every domain's folder, every task's folder with a result.txt.
    found = {
        f"{domain.name}/{task.name}": float((task / "result.txt").read_text())
        for domain in top.iterdir() if domain.is_dir()
        for task in domain.iterdir() if (task / "result.txt").exists()
    }  # fmt: skip
    assert found == {jobs[0].task.name: 1.0, jobs[1].task.name: 1.0}
    again = tmp_path / "out" / "results_2" / "pyautogui" / "screenshot" / "my-model" / jobs[4].task.name
    assert (again / "traj.jsonl").is_file(), "a second repeat is a run of its own to upstream"
    entries = json.loads((tmp_path / "out" / "results" / "summary" / "results.json").read_text())
    assert [one["status"] for one in entries] == ["success", "success", "error"]
    assert entries[2]["err_message"] == "no such file" and entries[0]["task_id"] == jobs[0].task.id
    assert json.loads((top / "args.json").read_text()) == {"steps": 15}
    assert [one.name for one in (tmp_path / "out" / "runs").iterdir()] == ["run-1"], "of what passed no run is kept"
    rows = read_rows(tmp_path / "out")
    assert rows[0].run == "" and rows[1].run == "run-1" and rows[1].files.endswith(jobs[1].task.name)


def test_rows_go_on_after_a_torn_line_and_refuse_what_is_none(tmp_path: Path, jobs: list[Job]) -> None:
    path = tmp_path / "rows.jsonl"
    line = json.dumps(row(jobs[0]).plain())
    path.write_text(f"{line}\n{line[:40]}")
    with Results(tmp_path, "a", "both") as results:
        assert len(results.attempts) == 1 and results.last[jobs[0].key].finished
        results.take(row(jobs[1]), None)
    assert len(read_rows(tmp_path)) == 2
    path.write_text(f'{{"task": 1}}\n{line}\n')
    with pytest.raises(ResultsUnusable, match="line 1"):
        read_rows(tmp_path)
    with pytest.raises(ValueError, match="no row"):
        row_from({"task": "a", "repeat": 1, "attempt": 1, "status": "scored", "more": 1})


def test_the_row_that_counts_is_the_one_with_a_score(jobs: list[Job]) -> None:
    first, second = row(jobs[0], status="infrastructure", score=None), row(jobs[0], score=0.5)
    late = row(jobs[0], status="infrastructure", score=None, reason="late")
    assert counting([first, second, late])[jobs[0].key] is second
    assert counting([first, late])[jobs[0].key] is late


# Figures


def test_both_denominators_and_the_parts(jobs: list[Job]) -> None:
    keys = [job.key for job in jobs]
    rows = {
        keys[0]: row(jobs[0], steps=1),
        keys[1]: row(jobs[1], score=0.5, steps=8),
        keys[2]: row(jobs[2], status="task", score=None),
        keys[4]: row(jobs[4], score=0.0, steps=15),
    }
    told = summary(rows, keys, 15)
    assert (told["scheduled"], told["finished"], told["passed"]) == (8, 3, 1)
    assert told["mean"] == 18.75 and told["mean_finished"] == 50.0
    assert told["efficiency"] == pytest.approx(100 * (1 + 0.5 * (1 - 7 / 15)) / 8, abs=0.01)
    assert told["ci95"][0] <= told["mean"] <= told["ci95"][1]
    assert told["domains"]["os"]["scheduled"] == 6 and told["domains"]["chrome"]["finished"] == 2
    assert told["statuses"] == {"not played": 4, "scored": 3, "task": 1}
    assert summary({}, [], 15)["mean"] is None and interval([]) is None
    assert interval([[1.0], [1.0]]) == [100.0, 100.0]


# Manifests, comparison, the page


def outcome(folder: Path, jobs: list[Job], agent: str, scores: dict[str, float], **settings: Any) -> Path:
    folder.mkdir(parents=True)
    tasks = [job.task for job in jobs if job.repeat == 1]
    told = {"steps": 15, "minutes": 30, "perception": "pixels", "mended": [], "place": "sandbox", "screen": ""}
    manifest = pinned(tasks, "suite", "", agent, f"digest of {agent}", 1, 0, told | settings, None)
    write_manifest(folder, manifest)
    rows = [replace(row(job), score=scores[job.task.id]) for job in jobs if job.repeat == 1]
    (folder / "rows.jsonl").write_text("".join(json.dumps(one.plain()) + "\n" for one in rows))
    return folder


def test_a_manifest_pins_what_decides_a_score(tmp_path: Path, jobs: list[Job]) -> None:
    mine = read_manifest(outcome(tmp_path / "a", jobs, "pilot", dict.fromkeys("abcd", 1.0)))
    assert differences(mine, mine) == [] and joined(mine, None) == mine
    more = replace(mine, tasks={**mine.tasks, "os/new": "00"}, repeat=3)
    assert differences(mine, more) == [] and joined(mine, more).repeat == 3 and "os/new" in joined(mine, more).tasks
    other = replace(mine, model="x", seed=4, tasks={**mine.tasks, "os/a": "00"}, settings={**mine.settings, "steps": 9})
    assert len(differences(mine, other)) == 4 and mine.digest != other.digest
    path = tmp_path / "a" / "manifest.json"
    path.write_text(path.read_text().replace('"steps": 15', '"steps": 50'))
    with pytest.raises(ManifestUnusable, match="was edited"):
        read_manifest(path)
    path.write_text("[]")
    with pytest.raises(ManifestUnusable, match="no manifest"):
        read_manifest(path)
    with pytest.raises(ManifestUnusable, match="cannot be read"):
        read_manifest(tmp_path / "nowhere")


def test_two_runs_are_compared_pair_by_pair(
    tmp_path: Path, jobs: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    one = outcome(tmp_path / "one", jobs, "random", {"a": 0.0, "b": 0.0, "c": 1.0, "d": 0.0})
    other = outcome(tmp_path / "other", jobs, "pilot", {"a": 1.0, "b": 1.0, "c": 1.0, "d": 0.0}, steps=30)
    assert compare.main(one, other, True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["difference"], told["tasks"], told["same"]) == (50.0, 4, 2)
    assert told["better"] == ["os/a", "os/b"] and told["worse"] == [] and told["settings_differ"] == {"steps": [15, 30]}
    assert told["p_mean"] == 0.5 and told["p_solved"] == 0.5, "of two that differ both go one way: 2 of 4 flips"
    assert compare.main(one, other, False) == 0
    assert "B less A: +50.0 points on 4 tasks" in capsys.readouterr().out
    assert compare.main(one, tmp_path / "nowhere", False) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_paired_tests_are_exact_where_they_can_be() -> None:
    assert compare.flipped([]) == compare.flipped([0.0, 0.0]) == 1.0
    assert compare.flipped([1.0] * 5) == pytest.approx(2 / 32, abs=1e-5)
    assert compare.flipped([1.0] * 20) < 0.001 and compare.flipped([1.0, -1.0] * 20) == 1.0
    assert compare.exact_sign(0, 0) == 1.0 and compare.exact_sign(5, 0) == 0.0625 and compare.exact_sign(3, 3) == 1.0


def test_the_page_loads_nothing_and_believes_no_name(tmp_path: Path, jobs: list[Job]) -> None:
    one = outcome(tmp_path / "one", jobs, "<script>alert(1)</script>", {"a": 0.0, "b": 0.5, "c": 1.0, "d": 0.0})
    other = outcome(tmp_path / "other", jobs, "pilot", dict.fromkeys("abcd", 1.0))
    to = tmp_path / "pages" / "board.html"
    assert leaderboard.main([one, other], to, "Mine & theirs") == 0
    text = to.read_text()
    assert "<script" not in text and "http" not in text.replace("http-equiv", "") and "Mine &amp; theirs" in text
    assert text.index("pilot") < text.index("&lt;script&gt;"), "the best stands first"
    assert text.count("<svg") == 3 and text.count('role="img"') == 3 and text.count("<desc") == 3
    assert leaderboard.main([tmp_path / "nowhere"], to, "x") == 2
