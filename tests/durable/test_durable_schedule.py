"""When a task is to run, in the words of others: checked by their own readers."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from croniter import croniter

from agent.schedule import Given, calendar_of, schedule, when_of

ROOT = Path(__file__).parents[2]
TASK = ROOT / "tasks" / "book_flight.yaml"
CRONS = ("30 7 * * 1-5", "*/15 8-18 * * *", "0 0 1 * *", "5 4 * * sun", "0 12 1,15 * 5", "0 0 29 2 *", "59 23 31 12 *")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
@pytest.mark.parametrize("cron", CRONS)
def test_systemd_means_the_same_times_as_cron(cron: str) -> None:
    start = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    expected = [croniter(cron, start).get_next(dt.datetime)]
    expected += [croniter(cron, expected[-1]).get_next(dt.datetime) for _ in range(1)]
    found: set[str] = set()
    for one in calendar_of(when_of("", "", cron)):
        told = ["systemd-analyze", "calendar", one, "--base-time=2027-01-01 00:00:00 UTC", "--iterations=2"]
        done = subprocess.run(told, capture_output=True, text=True, env={**os.environ, "TZ": "UTC"}, check=True)
        found |= {line.split(": ", 1)[1] for line in done.stdout.splitlines() if "elapse" in line or "Iter" in line}
    assert sorted(line[4:] for line in found)[0] == expected[0].strftime("%Y-%m-%d %H:%M:%S UTC")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_units_are_taken_by_systemd_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = Given(TASK, "systemd", at="07:30", sets={"passenger": '100% "Ada" $HOME O\'Brien'}, out=tmp_path)
    assert schedule(given) == 0, capsys.readouterr().err
    service, timer = tmp_path / "book-flight.service", tmp_path / "book-flight.timer"
    done = subprocess.run(["systemd-analyze", "verify", "--user", service, timer], capture_output=True, text=True)
    assert "book-flight" not in done.stderr, done.stderr
    assert "DEMO_CARD" in service.read_text() and "Persistent=true" in timer.read_text()
    assert '"passenger=100%% \\"Ada\\" $$HOME O\'Brien"' in service.read_text()


def test_the_line_for_cron_is_read_as_it_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert schedule(Given(TASK, "cron", every="2h", sets={"passenger": "100% Mc'Gee Jr"})) == 0
    line = next(one for one in capsys.readouterr().out.splitlines() if not one.startswith("#"))
    times, command = " ".join(line.split()[:5]), line.split(None, 5)[5]
    assert croniter.is_valid(times) and times == "0 */2 * * *" and "%" not in command.replace("\\%", "")
    echoed = command.replace("\\%", "%").replace(f"{sys.executable} -m agent", "printf '%s\\n'").split(" >> ")[0]
    said = subprocess.run(["sh", "-c", echoed.partition('.env" && ')[2]], capture_output=True, text=True, check=True)
    assert "passenger=100% Mc'Gee Jr" in said.stdout.splitlines()


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_ci_files_are_yaml_and_run_the_command(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    place = Path("tasks/book_flight.yaml")
    assert schedule(Given(place, kind, cron="0 5 * * 1-5", sets={"passenger": "Ada: Lovelace"})) == 0
    told = yaml.safe_load(capsys.readouterr().out)
    job = told["jobs"]["run"]["steps"] if kind == "github" else told["book-flight"]["script"]
    lines = [one["run"] for one in job if "run" in one] if kind == "github" else job
    assert lines[-1] == (
        "agent run tasks/book_flight.yaml --model pilot --stop-key off --set 'passenger=Ada: Lovelace' --approve deny "
        "--runs runs --junit out.xml"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "exactly one of"),
        ({"every": "7m"}, "use --cron"),
        ({"every": "soon"}, "15m, 2h, 1d"),
        ({"at": "25:00"}, "a time of the day"),
        ({"cron": "* * *"}, "five fields"),
        ({"cron": "0 0 L * *"}, "--cron"),
        ({"at": "07:30", "approve": "tty"}, "no terminal"),
        ({"at": "07:30", "name": "../x"}, "--name"),
        ({"at": "07:30", "sets": {"nam": "x"}}, "unknown input"),
    ],
)
def test_what_a_user_can_get_wrong_is_one_line(
    more: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schedule(Given(TASK, "systemd", **more)) == 2  # type: ignore[arg-type]
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and said in told[0]
