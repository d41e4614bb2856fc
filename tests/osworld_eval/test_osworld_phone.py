"""Tasks on the virtual phone through the benchmark's runner, and what is not played there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from osworld_eval.osworld.android import phone_suite
from osworld_eval.osworld.evaluate import Wanted, main
from osworld_eval.osworld.results import read_rows
from osworld_eval.osworld.suite import SuiteError

ROOT = Path(__file__).parents[2]


def test_task_files_of_phones_are_a_suite(tmp_path: Path) -> None:
    suite = phone_suite(ROOT / "tasks" / "android")
    assert "android/find_contact" in {task.name for task in suite.tasks} and not suite.problems
    assert all(len(task.digest) == 64 for task in suite.tasks)
    with pytest.raises(SuiteError, match="no task for a phone"):
        phone_suite(tmp_path)


def test_android_world_is_refused_in_one_line() -> None:
    command = [sys.executable, "-m", "agent", "eval", "android", "--world"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=100, check=False)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "AndroidWorld is" in done.stderr


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The virtual phone behind a private adb server; its serial number."""
    import shutil

    if shutil.which("adb") is None:
        pytest.skip("no adb: apt-get install adb")
    sys.path.insert(0, str(ROOT))
    from tests.android.phone.adb_server import AdbServer
    from tests.android.phone.running import Served

    with ExitStack() as stack:
        stack.callback(sys.path.remove, str(ROOT))
        server = AdbServer(tmp_path / "adb")
        (tmp_path / "adb").mkdir()
        monkeypatch.delenv("ANDROID_SERIAL", raising=False)
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(server.port))
        server.start()
        stack.callback(server.kill)
        served = stack.enter_context(Served(size=(540, 1080), density=240))
        server.connect(served.address)
        yield served.address


@pytest.mark.slow
@pytest.mark.android
@pytest.mark.timeout(600)
def test_tasks_are_played_and_judged_by_their_own_checks(
    phone: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Wanted(
        phones=(phone,), agent="plan", tasks="android/find_contact,android/switch_on_bluetooth",
        perception="both", steps=60, out=tmp_path / "out", as_json=True,
    )  # fmt: skip
    code = main(asked)
    told = json.loads(capsys.readouterr().out)
    assert (code, told["mean"], told["finished"]) == (0, 100.0, 2), told["faults"] or told["rows"]
    assert told["places"] == {"android": 2} and told["scoring"] == {"checks": 2}
    for row in read_rows(tmp_path / "out"):
        assert row.outcome == "verified" and row.acts > 0
        assert (tmp_path / "out" / row.files / "result.txt").read_text() == "1.0\n"
